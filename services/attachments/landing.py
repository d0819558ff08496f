"""Where files lie while they arrive, and how a whole file gets its name.

Closes four traps: half a file under its final name, a file that is overwritten, a link planted in
the target folder that leads elsewhere, and what arrived being readable by others or executable. A
file gets its name by a hard link, which never follows and never replaces what is there.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from services.attachments.names import numbered
from services.errors import DiskFull, MailError, UsageError
from services.paths import private_folder
from services.progress import Told

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STALE_SECONDS: Final = 24 * 3600.0
_PIECE: Final = 1024 * 1024


def target_folder(folder: Path) -> Path:
    """Return the folder to save in, absolute; UsageError when it is none or cannot be written to.

    Only the downloads folder of a home is made when it is missing.
    """
    try:
        folder = folder.expanduser()
        if folder == Path.home() / "Downloads" and not folder.exists():
            folder.mkdir(mode=0o700)
        folder = folder.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise UsageError("There is no such folder.", "Choose a folder that exists.") from None
    if not folder.is_dir():
        raise UsageError("That is a file, not a folder.", "Choose a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError("You may not write to that folder.", "Choose another one.")
    return folder


class Part:
    """What has arrived of one file, in a private folder under a name of our own."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.descriptor = descriptor

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return os.fstat(self.descriptor).st_size

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        return os.pread(self.descriptor, size, 0)

    def discard(self) -> None:
        """Forget it."""
        self.path.unlink(missing_ok=True)


class Staging:
    """The private folder in which downloads grow; kept over a broken connection, to go on later."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def part(self, message_id: str, index: int) -> Iterator[Part]:
        """Lend the place where one attachment arrives, always the same for the same one.

        UsageError while somebody else holds it: another window saves the same file.
        """
        digest = hashlib.sha256(f"{index} {message_id}".encode("utf-8", "replace")).hexdigest()
        path = private_folder(self._folder) / f"{digest[:32]}.part"
        with disk_errors():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise UsageError("This file is being saved already.") from None
        try:
            yield Part(path, descriptor)
        finally:
            os.close(descriptor)

    def tidy(self, now: float | None = None) -> None:
        """Forget what nobody came back for within a day."""
        oldest = (time.time() if now is None else now) - _STALE_SECONDS
        for part in self._folder.glob("*.part"):
            with suppress(OSError):
                if part.lstat().st_mtime < oldest:
                    part.unlink()


def room_for(folder: Path, size: int | None) -> None:
    """Raise DiskFull when so many bytes cannot fit; nothing when the size is not known."""
    with suppress(OSError):
        if size is not None and shutil.disk_usage(folder).free < size:
            raise DiskFull("The file does not fit on the disk.", "Make room, then save it again.")


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """Lend a path for a 0600 file that is being made in a folder; gone afterwards unless named."""
    with disk_errors():
        descriptor, name = mkstemp(prefix=".arriving-", suffix=".part", dir=folder)
        os.close(descriptor)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def land(arrived: Path, folder: Path, name: str) -> Path:
    """Give a whole file its name in a folder, the next free one, and return its path.

    `name` is safe already. The file is 0600 and on the disk before it has the name; `arrived` is
    gone afterwards. Raises DiskFull or MailError.
    """
    with disk_errors():
        if folder.stat().st_dev != arrived.stat().st_dev:
            with unfinished(folder) as near:
                _copy(arrived, near)
                return _named(near, folder, name, arrived)
        return _named(arrived, folder, name, arrived)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Turn what the disk says into errors for a person."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise DiskFull("The file does not fit on the disk.", "Make room.") from None
        raise MailError(f"The file cannot be written: {error.strerror}.") from None


def digest_of(path: Path, progress: Told = lambda _: None) -> str:
    """Return the SHA-256 of a file in hex; `progress` is told the bytes that are read."""
    size, found = 0, hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            size += len(piece)
            found.update(piece)
            progress(size)
    return found.hexdigest()


def _named(whole: Path, folder: Path, name: str, arrived: Path) -> Path:
    _settle(whole)
    for candidate in numbered(name):
        path = folder / candidate
        try:
            _link(whole, path)
        except FileExistsError:
            continue
        arrived.unlink(missing_ok=True)
        _sync(folder)
        return path
    raise MailError("The folder is full of files of that name.", "Choose another folder.")


def _link(whole: Path, path: Path) -> None:
    try:
        os.link(whole, path, follow_symlinks=False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        # A disk without links (FAT): take the name first, exclusively, then put the file there.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        whole.replace(path)


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as reading, target.open("wb") as writing:
        shutil.copyfileobj(reading, writing, _PIECE)


def _settle(path: Path) -> None:
    with suppress(PermissionError):  # a disk without rights (FAT)
        path.chmod(0o600)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
