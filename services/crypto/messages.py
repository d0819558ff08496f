"""Messages in memory: encrypted, opened, signed (RFC 4880 §11.3, research/crypto.md §5.2).

Closes the traps of research/crypto.md §4: a container without integrity protection is never opened,
nothing is believed before its integrity is proved, unpacking is capped, and every cause of a failed
decryption reads the same. Bytes above `LIMIT` belong to `services.crypto.stream`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.crypto.certs import PeerKey
from services.crypto.own import UnlockedKey
from services.crypto.verdicts import Verdict

LIMIT: Final = 32 * 1024 * 1024
"""Bytes that a message may unpack to in memory."""
HIDDEN: Final = "0" * 16
"""The key id that stands for a recipient who is not named."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A decrypted message.

    `text` is `data` as UTF-8 with LF when the sender marked it as text or it decodes cleanly, else
    None. `file_name` is the sender's claim: untrusted. `signer` is a fingerprint (verdict GOOD, BAD
    or UNUSABLE) or a key id (UNKNOWN) or "". `signed_at` in seconds since the epoch, 0 when nothing
    vouches for it. `to_key` is the fingerprint of the own part that opened it.
    """

    data: bytes
    text: str | None
    file_name: str
    verdict: Verdict
    signer: str
    signed_at: int
    to_key: str


def encrypt(
    data: str | bytes,
    recipients: Sequence[PeerKey],
    *,
    sign_with: UnlockedKey | None = None,
    now: int | None = None,
) -> bytes:
    """Return an armored message: AES-256, SEIPDv1, uncompressed; text as `u` with LF, bytes as `b`.

    Raises KeyUnusable when any recipient must not be encrypted to, NoKey without recipients.
    """
    raise SystemExit


def decrypt(
    blob: str | bytes,
    keys: Sequence[UnlockedKey],
    *,
    signer: PeerKey | None = None,
    limit: int = LIMIT,
    now: int | None = None,
) -> Opened:
    """Open a message, armored (text may stand around the block) or binary.

    `signer` is the pinned key of the claimed sender. Raises NotForMe (with the key ids named),
    Damaged, Unsupported, TooLarge, and Locked when a key was closed.
    """
    raise SystemExit


def recipients_of(blob: str | bytes) -> tuple[str, ...]:
    """Return the key ids that the envelopes name (16 upper-case hex, `HIDDEN`), in order.

    Raises Damaged when it is no encrypted message.
    """
    raise SystemExit


def sign_detached(data: bytes, key: UnlockedKey, *, now: int | None = None) -> bytes:
    """Return an armored detached signature over bytes; KeyUnusable when no part may sign."""
    raise SystemExit


def verify_detached(
    data: bytes, signature: str | bytes, signer: PeerKey, *, now: int | None = None
) -> Verdict:
    """Judge a detached signature, armored or binary; Damaged when it is none."""
    raise SystemExit
