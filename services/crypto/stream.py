"""Files of any size, encrypted and opened in constant memory (research/crypto.md §2).

Closes two traps: a file that costs ten times its size in memory, and plaintext that lies on the disk
before its integrity is proved. What is opened goes to a 0600 file beside the target, which takes the
target's name only after the last check; on any failure nothing is left behind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Final

from services.crypto.armor import ArmorKind
from services.crypto.armor_stream import armored, message_pieces
from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged
from services.crypto.feeds import PIECE, pieces_of
from services.crypto.opening import open_message
from services.crypto.own import UnlockedKey
from services.crypto.sealing import seal_message
from services.crypto.signing import Signer
from services.crypto.verdicts import Verdict

FILE_LIMIT: Final = 2 * 1024 * 1024 * 1024
"""Bytes that a file may unpack to unless the caller says otherwise."""

Progress = Callable[[int], None]
"""Told the bytes of the source read so far; whatever it raises cancels and passes through."""


@dataclass(frozen=True, slots=True)
class StreamOpened:
    """A decrypted file; `size` in bytes, the other fields as in `messages.Opened`."""

    size: int
    file_name: str
    verdict: Verdict
    signer: str
    signed_at: int
    to_key: str


def encrypt_file(
    source: BinaryIO,
    target: BinaryIO,
    recipients: Sequence[PeerKey],
    *,
    sign_with: UnlockedKey | None = None,
    progress: Progress | None = None,
    now: int | None = None,
) -> int:
    """Write a file as an armored message without its name; return the bytes written.

    `source` must be seekable and is read from where it stands, twice when it is signed. Raises
    KeyUnusable, NoKey, TooLarge (4 GiB), Damaged when the file changes meanwhile; OSError passes
    through.
    """
    moment = int(time.time()) if now is None else now
    start = source.tell()
    length = source.seek(0, os.SEEK_END) - start
    source.seek(start)
    signer = _signed(source, length, Signer(sign_with, moment, recipients)) if sign_with else None
    source.seek(start)
    pieces = _told(_exactly(source, length), progress)
    sealed = seal_message(pieces, length, recipients, is_text=False, signer=signer, now=moment)
    return sum(target.write(piece) for piece in armored(sealed, ArmorKind.MESSAGE))


def decrypt_file(
    source: Path | BinaryIO,
    target: Path,
    keys: Sequence[UnlockedKey],
    *,
    signer: PeerKey | None = None,
    limit: int = FILE_LIMIT,
    progress: Progress | None = None,
    now: int | None = None,
) -> StreamOpened:
    """Open a message, armored or binary, into `target` (0600, replaced in one step).

    A `source` that is no path must be seekable and is read from where it stands; `progress` is told
    octets without armor. Raises NotForMe, Damaged, Unsupported, TooLarge, Locked; OSError passes
    through.
    """
    with ExitStack() as stack:
        file = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
        pieces = _told(message_pieces(file), progress)
        message = open_message(pieces, keys, limit, prove_first=False)
        written = stack.enter_context(_replacing(target))
        for piece in message.data:
            written.write(piece)
        judgement = message.judge(signer, int(time.time()) if now is None else now)
    return StreamOpened(
        message.content.size,
        message.content.file_name,
        judgement.verdict,
        judgement.signer,
        judgement.signed_at,
        message.to_key,
    )


def _signed(source: BinaryIO, length: int, signer: Signer) -> Signer:
    for piece in _exactly(source, length):
        signer.update(piece)
    return signer


def _exactly(source: BinaryIO, length: int) -> Iterator[bytes]:
    """Yield as much of a file as was counted; Damaged when it has become another."""
    left = length
    for piece in pieces_of(source):
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise Damaged("The file changed while it was being encrypted.", "Try again.")


def _told(pieces: Iterable[bytes], progress: Progress | None) -> Iterator[bytes]:
    done = 0
    for piece in pieces:
        yield piece
        done += len(piece)
        if progress is not None:
            progress(done)


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """Give a new 0600 file that becomes `target` at the end, or vanishes when anything is raised."""
    descriptor, name = mkstemp(prefix=f".{target.name[:48]}.", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb", buffering=PIECE) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        # Gone already when it has become the target.
        with suppress(OSError):
            temporary.unlink()
