"""The operator's files, opened for reading once: what is no plain file is told before it is read.

Closes the traps of a path that waits for ever (a pipe), never ends (a device) or is a folder, and of
a file whose content is another one when it is read the second time: the hash is made of the very
bytes that are used. Works in threads; the loop never waits for a disk.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from services.errors import DiskFull, MailError, UsageError
from services.progress import Told
from services.safe_text import clean_line

LARGEST: Final = 350 * 1024 * 1024
"""Bytes of one file; armor makes it a third longer than that."""
PIECE: Final = 256 * 1024


class HashedReader:
    """A file that hashes what is read from it, from its beginning to where it stands."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._found = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Read on and hash."""
        piece = self._file.read(size)
        self._found.update(piece)
        self.size += len(piece)
        return piece

    def tell(self) -> int:
        """Where it stands."""
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move; only to look how long the file is, and back, before anything was read."""
        return self._file.seek(offset, whence)

    @property
    def sha256(self) -> str:
        """The hash in hex of what has been read."""
        return self._found.hexdigest()


@contextmanager
def opened(path: Path, name: str, largest: int = LARGEST) -> Iterator[BinaryIO]:
    """Open a file for reading; UsageError when it is none, cannot be read or is too large."""
    shown = clean_line(name, 80)
    with ExitStack() as stack:
        try:
            found = open(path, "rb", opener=_without_waiting)  # noqa: SIM115
            source = stack.enter_context(found)
        except (OSError, ValueError):
            raise UsageError(f"The file {shown} cannot be read.", "Check its path.") from None
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise UsageError(f"{shown} is not a file that can be sent.", "Choose a plain file.")
        if facts.st_size > largest:
            raise UsageError(
                f"The file {shown} is larger than {largest // 1024 // 1024} MB.",
                "Send it in parts, or another way.",
            )
        yield source


def place_of(file: BinaryIO, path: Path) -> Path:
    """Return where an opened file lies, without links; `path` is the one that it was opened by."""
    try:
        return Path(f"/proc/self/fd/{file.fileno()}").readlink()
    except OSError:
        # Not every system tells it of the open file.
        return Path(os.path.realpath(path))


def measured(
    path: Path,
    name: str,
    progress: Told = lambda _: None,
    *,
    check: Callable[[Path], None] = lambda _: None,
) -> tuple[int, str, bytes]:
    """Read a file through and return its size, its SHA-256 in hex and its first bytes.

    `check` is asked about the place of the open file, so that nobody can put a link there in
    between. Raises what it and `opened` raise, and UsageError when reading breaks off.
    """
    head = b""
    with opened(path, name) as source:
        check(place_of(source, path))
        reader = HashedReader(source)
        try:
            while piece := reader.read(PIECE):
                head = head or piece
                progress(reader.size)
        except OSError:
            raise UsageError(
                f"The file {clean_line(name, 80)} cannot be read to its end.", "Check the disk."
            ) from None
    return reader.size, reader.sha256, head


@contextmanager
def disk_errors() -> Iterator[None]:
    """Tell a full disk and other trouble with the spool as one of our errors."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull("There is no room to prepare the files.", "Make room.") from None
        raise MailError(f"The files cannot be prepared: {error.strerror}.") from None


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a named pipe would wait for somebody to write."""
    return os.open(path, flags | os.O_NONBLOCK)
