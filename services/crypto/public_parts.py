"""The public half of one key (RFC 4880 §5.5.2): numbers, fingerprint, strength, arithmetic.

Closes the trap of asking a library whose view of a key is not the bytes: the fingerprint, the
numbers and every verification come from the packet body as it was received. Version 4 only.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Algorithm(IntEnum):
    """Public-key algorithms (RFC 4880 §9.1, RFC 6637 §5, RFC 9580 §9.1)."""

    RSA = 1
    RSA_ENCRYPT = 2
    RSA_SIGN = 3
    ELGAMAL = 16
    DSA = 17
    ECDH = 18
    ECDSA = 19
    EDDSA = 22


@dataclass(frozen=True, slots=True)
class PublicPart:
    """One public key or subkey, version 4.

    `made` in seconds since the epoch; `bits` of the modulus or the field; `name` as shown
    ("RSA-4096", "Ed25519"); `numbers` are the MPIs (n, e) or the point; `curve` is a name or "".
    """

    body: bytes
    made: int
    algorithm: int
    name: str
    bits: int
    fingerprint: str
    curve: str
    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, body: bytes) -> PublicPart:
        """Read a packet body (the public head of a secret packet will do).

        Unsupported for another version or algorithm, Damaged for bad numbers.
        """
        raise SystemExit

    @property
    def key_id(self) -> str:
        """The last 16 hex digits of the fingerprint."""
        return self.fingerprint[-16:]

    @property
    def can_sign(self) -> bool:
        """The algorithm makes signatures that this program verifies."""
        raise SystemExit

    @property
    def can_encrypt(self) -> bool:
        """The algorithm receives session keys that this program makes."""
        raise SystemExit

    @property
    def weakness(self) -> str:
        """The sentence why these numbers are too weak, "" when they are not."""
        raise SystemExit

    def verifies(self, values: tuple[int, ...], digest: bytes, hash_name: str) -> bool:
        """Tell whether signature values over a digest (hashlib's name) were made by this key."""
        raise SystemExit
