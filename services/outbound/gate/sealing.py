"""From a planned mail to bytes that may leave: body and files encrypted, nothing uploaded yet.

Closes three traps: plaintext on the wire because one file was forgotten, a file that is another one
since it was approved (the hash is of the bytes that are sealed), and files that change afterwards:
what is uploaded, now and at every retry, are copies of our own in the spool, 0600. Source:
api/assmbl.md §7.3, §7.4.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from services.errors import CryptoError, PolicyRefused
from services.outbound.drafts.files import PIECE, HashedReader, disk_errors, opened
from services.outbound.gate.plan import OutboundMail, PlannedFile
from services.outbound.gate.ready import ReadyMail, SealedFile
from services.paths import private_folder
from services.progress import Told, in_thread
from services.safe_text import clean_line
from services.sealed_names import SEALED_TYPE

if TYPE_CHECKING:
    from services.crypto.certs import PeerKey

SEALED_ENDING: Final = ".asc"
ENCRYPTED_HEADER: Final = "X-AgentMail-Encrypted"
_BEGIN: Final = "-----BEGIN PGP MESSAGE-----"
_END: Final = "-----END PGP MESSAGE-----"
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


async def sealed_text(text: str, recipients: Sequence[PeerKey]) -> str:
    """Return a body as it will be sent: armor, or without `recipients` itself."""
    return await in_thread(lambda _: _sealed_text(text, recipients))


async def sealed_files(
    mail: OutboundMail,
    recipients: Sequence[PeerKey],
    folder: Path,
    tell: Callable[[int, int], None],
) -> tuple[SealedFile, ...]:
    """Put a mail's files into `folder` as they will be uploaded, named 0, 1, 2 …

    `tell` takes the number of the file and the bytes of it that are done. Raises UsageError for a
    file that cannot be read, PolicyRefused for one that is not the approved one, DiskFull, and
    CryptoError when a key must not be used; then nothing of it stays in the folder.
    """
    made: list[SealedFile] = []
    with _removed_on_failure(folder, len(mail.files)):
        for number, file in enumerate(mail.files):
            place = folder / str(number)

            def work(progress: Told, file: PlannedFile = file, place: Path = place) -> SealedFile:
                return _sealed(file, place, recipients, progress)

            def told(done: int, number: int = number) -> None:
                tell(number, done)

            made.append(await in_thread(work, told))
    return tuple(made)


def check_sealed(mail: ReadyMail, *, marked: bool) -> None:
    """Look once more at what is about to leave as encrypted; CryptoError when something is not.

    `marked`: it carries the header field that says so.
    """
    body = mail.body.strip()
    is_armor = body.startswith(_BEGIN) and body.endswith(_END) and body.count("-----") == 4
    is_marked = not marked or dict(mail.headers).get(ENCRYPTED_HEADER) == "body"
    files = all(file.encrypted and file.content_type == SEALED_TYPE for file in mail.files)
    if not (is_armor and is_marked and files):
        raise CryptoError(
            "A part of this mail is not encrypted although all of it must be.",
            "Nothing was sent. Write it anew.",
        )


def check_spooled(file: SealedFile, source: BinaryIO) -> None:
    """Read a file of the spool through; PolicyRefused when it is not what was sealed."""
    reader = HashedReader(source)
    with disk_errors():
        while reader.read(PIECE):
            pass
        source.seek(0)
    if (reader.size, reader.sha256) != (file.size, file.sha256):
        raise PolicyRefused(
            f"The copy of {clean_line(file.name, 80)} was changed while it waited.",
            "Nothing was sent. Review the mail again.",
        )


def _sealed(
    file: PlannedFile, place: Path, recipients: Sequence[PeerKey], progress: Told
) -> SealedFile:
    with opened(Path(file.path), file.name) as found, disk_errors():
        private_folder(place.parent)
        source = HashedReader(found)
        descriptor = os.open(place, _NEW_FILE, 0o600)
        with os.fdopen(descriptor, "wb") as raw:
            os.fchmod(descriptor, 0o600)
            copy = _HashedWriter(raw)
            if recipients:
                _encrypt(source, copy, recipients, progress)
            else:
                _copy(source, copy, progress)
            raw.flush()
            os.fsync(descriptor)
    if (source.size, source.sha256) != (file.size, file.sha256):
        raise PolicyRefused(
            f"The file {clean_line(file.name, 80)} is not the one that was approved.",
            "It was changed since. Nothing was sent; review the mail again.",
        )
    encrypted = bool(recipients)
    return SealedFile(
        path=str(place),
        name=file.name + SEALED_ENDING if encrypted else file.name,
        content_type=SEALED_TYPE if encrypted else file.content_type,
        size=copy.size,
        sha256=copy.sha256,
        encrypted=encrypted,
    )


class _HashedWriter:
    """A file that hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._found = hashlib.sha256()
        self.size = 0

    def write(self, piece: bytes) -> int:
        self._found.update(piece)
        self.size += len(piece)
        return self._file.write(piece)

    @property
    def sha256(self) -> str:
        return self._found.hexdigest()


def _sealed_text(text: str, recipients: Sequence[PeerKey]) -> str:
    if not recipients:
        return text
    from services.crypto import messages

    return messages.encrypt(text, recipients).decode("ascii")


def _encrypt(
    source: HashedReader, copy: _HashedWriter, recipients: Sequence[PeerKey], progress: Told
) -> None:
    from services.crypto import stream

    reader, writer = cast("BinaryIO", source), cast("BinaryIO", copy)
    stream.encrypt_file(reader, writer, recipients, progress=progress)


def _copy(source: HashedReader, copy: _HashedWriter, progress: Told) -> None:
    while piece := source.read(PIECE):
        copy.write(piece)
        progress(source.size)


@contextmanager
def _removed_on_failure(folder: Path, count: int) -> Iterator[None]:
    with ExitStack() as undo:
        undo.callback(_remove, folder, count)
        yield
        undo.pop_all()


def _remove(folder: Path, count: int) -> None:
    for number in range(count):
        with suppress(OSError):
            (folder / str(number)).unlink()
    with suppress(OSError):
        folder.rmdir()
