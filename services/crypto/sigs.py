"""One signature packet, version 4 (RFC 4880 §5.2.3): what it claims and whether a key made it.

Closes three traps: PGPy calls a signature good that covers nothing, hashes a re-serialised area (so
keys of newer programs read as forged), and ignores what a critical subpacket asks for. Here the raw
hashed area is hashed, and dates, flags and issuers count only when they stand in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from services.crypto.public_parts import PublicPart


class SignatureType(IntEnum):
    """What a signature is about (RFC 4880 §5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    STANDALONE = 0x02
    GENERIC = 0x10
    PERSONA = 0x11
    CASUAL = 0x12
    POSITIVE = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_BINDING = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30
    TIMESTAMP = 0x40


class Hasher(Protocol):
    """What hashlib gives."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One version 4 signature. Everything but `issuers` is from the hashed area alone.

    `made` 0 when absent; `expires` and `key_expires` are seconds after the making of the signature
    and of the key, None when absent or 0; `flags` and `features` None when absent; `issuers` are
    key ids and fingerprints, a hint only (upper-case hex); `critical` tells of an unknown critical
    subpacket, which voids the signature.
    """

    type: int
    algorithm: int
    hash_id: int
    made: int
    expires: int | None
    key_expires: int | None
    flags: int | None
    features: int | None
    reason: int | None
    issuers: tuple[str, ...]
    critical: bool
    embedded: tuple[bytes, ...]
    trailer: bytes
    start: bytes
    values: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes) -> Signature:
        """Read a signature packet's body; Unsupported for another version, Damaged when cut."""
        raise SystemExit

    def fault(self, now: int) -> str:
        """Return why this signature counts for nothing whoever made it, "" when it may count.

        Weak or unknown hash, no date, a date in the future, expired, unknown critical subpacket.
        """
        raise SystemExit

    def new_hash(self) -> Hasher:
        """Start a hash for what is signed; feed it the data, then ask `made_by`. Unsupported."""
        raise SystemExit

    def made_by(self, key: PublicPart, hasher: Hasher) -> bool:
        """Tell whether the key made this signature over what the hasher was fed."""
        raise SystemExit

    def covers(self, key: PublicPart, *parts: bytes) -> bool:
        """Tell whether the key made this signature over the parts, one after the other."""
        raise SystemExit

    def names(self, key: PublicPart) -> bool:
        """Tell whether the issuer hints allow this key (True when there are none)."""
        raise SystemExit
