"""From a draft to bytes that may leave: body and files encrypted, nothing uploaded yet.

Closes three traps: plaintext on the wire because one file was forgotten, a file that changes
between its hash and its upload (what is uploaded is a copy of our own), and leftovers: the copies
have no name on the disk, so that even a killed program leaves none. Source: api/assmbl.md §7.3,
§7.4.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from services.errors import DiskFull, MailError, UsageError
from services.outbound.draft import OutboundDraft, OutboundFile
from services.paths import private_folder
from services.progress import Told, in_thread
from services.safe_text import clean_line

if TYPE_CHECKING:
    from services.crypto.certs import PeerKey

SEALED_ENDING: Final = ".asc"
SEALED_TYPE: Final = "application/pgp-encrypted"
LARGEST: Final = 350 * 1024 * 1024
"""Bytes of one file; armor makes it a third longer than that."""
_PIECE: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file as it will be uploaded, in a nameless file of our own; `sha256` in hex."""

    content: BinaryIO
    name: str
    content_type: str
    size: int
    sha256: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class StagedMail:
    """A body as it will be sent, and its files."""

    body: str
    files: tuple[StagedFile, ...]


class Stager:
    """Turns drafts into staged mail; the copies lie in `folder`, which is made private.

    The files of a staged mail are open until `close`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> Stager:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    async def stage(
        self,
        draft: OutboundDraft,
        recipients: Sequence[PeerKey],
        tell: Callable[[int, int], None],
    ) -> StagedMail:
        """Read and seal everything; without `recipients` it stays in clear.

        `tell` takes the number of the file and the bytes of it that are done. Raises UsageError for
        a file that cannot be read, DiskFull, and CryptoError when a key must not be used.
        """
        sources = [self._open.enter_context(_source(file)) for file in draft.files]
        body = await in_thread(lambda _: _sealed_text(draft.text, recipients))
        files = []
        for number, (file, source) in enumerate(zip(draft.files, sources, strict=True)):
            files.append(await self._staged(file, source, recipients, number, tell))
        return StagedMail(body, tuple(files))

    async def _staged(
        self,
        file: OutboundFile,
        source: BinaryIO,
        recipients: Sequence[PeerKey],
        number: int,
        tell: Callable[[int, int], None],
    ) -> StagedFile:
        copy = self._open.enter_context(_nameless(private_folder(self._folder)))

        def work(progress: Told) -> tuple[int, str]:
            with _disk_errors():
                if recipients:
                    _encrypt(source, copy, recipients, progress)
                else:
                    _copy(source, copy, progress)
                copy.flush()
                return _measured(copy)

        size, digest = await in_thread(work, lambda done: tell(number, done))
        if not recipients:
            return StagedFile(copy, file.name, file.content_type, size, digest, encrypted=False)
        name = file.name + SEALED_ENDING
        return StagedFile(copy, name, SEALED_TYPE, size, digest, encrypted=True)


def _sealed_text(text: str, recipients: Sequence[PeerKey]) -> str:
    if not recipients:
        return text
    from services.crypto import messages

    return messages.encrypt(text, recipients).decode("ascii")


def _encrypt(
    source: BinaryIO, copy: BinaryIO, recipients: Sequence[PeerKey], progress: Told
) -> None:
    from services.crypto import stream

    stream.encrypt_file(source, copy, recipients, progress=progress)


def _copy(source: BinaryIO, copy: BinaryIO, progress: Told) -> None:
    done = 0
    while piece := source.read(_PIECE):
        copy.write(piece)
        done += len(piece)
        progress(done)


def _measured(copy: BinaryIO) -> tuple[int, str]:
    copy.seek(0)
    found = hashlib.sha256()
    size = 0
    while piece := copy.read(_PIECE):
        found.update(piece)
        size += len(piece)
    return size, found.hexdigest()


@contextmanager
def _nameless(folder: Path) -> Iterator[BinaryIO]:
    """Lend a file that has no name in its folder and ends with its last descriptor."""
    with ExitStack() as stack:
        with _disk_errors():
            copy = stack.enter_context(tempfile.TemporaryFile(dir=folder))
        yield copy


@contextmanager
def _source(file: OutboundFile) -> Iterator[BinaryIO]:
    """Open a file for reading; UsageError when it is none, cannot be read or is too large."""
    name = clean_line(file.name, 80)
    with ExitStack() as stack:
        try:
            opened = open(file.path, "rb", opener=_without_waiting)  # noqa: SIM115
            source = stack.enter_context(opened)
        except (OSError, ValueError):
            raise UsageError(f"The file {name} cannot be read.", "Check its path.") from None
        facts = os.fstat(source.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise UsageError(f"{name} is not a file that can be sent.", "Choose a plain file.")
        if facts.st_size > LARGEST:
            raise UsageError(f"The file {name} is larger than {LARGEST // 1024 // 1024} MB.")
        yield source


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a named pipe would wait for somebody to write."""
    return os.open(path, flags | os.O_NONBLOCK)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull("There is no room to prepare the files.", "Make room.") from None
        raise MailError(f"The files cannot be prepared: {error.strerror}.") from None
