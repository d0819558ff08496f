"""Files of any size, encrypted and opened in constant memory (research/crypto.md §2).

Closes two traps: a file that costs ten times its size in memory, and plaintext that lies on the disk
before its integrity is proved. What is opened goes to a 0600 file beside the target, which takes the
target's name only after the last check; on any failure nothing is left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from services.crypto.certs import PeerKey
from services.crypto.own import UnlockedKey
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

    `source` must be seekable and is read from where it stands. Raises KeyUnusable, NoKey, TooLarge
    (4 GiB), Damaged when the file changes meanwhile; OSError passes through.
    """
    raise SystemExit


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

    Raises NotForMe, Damaged, Unsupported, TooLarge, Locked; OSError passes through.
    """
    raise SystemExit
