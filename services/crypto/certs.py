"""PeerKey: a public key block with our own verdict on what it may be used for.

Closes the trap that pinning a fingerprint alone is no safety: an attacker's subkey spliced into the
block keeps the primary's fingerprint, and PGPy encrypts to it (research/crypto.md §4). Here a part
counts only when its binding is verified from the raw bytes; the block is kept as it came and never
written anew.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.crypto.public_parts import PublicPart

BLOCK_LIMIT = 256 * 1024
"""Bytes of a public block (armored or not)."""


@dataclass(frozen=True, slots=True)
class Component:
    """The primary key or a subkey of a block, with what its valid signatures say.

    `made` and `expires` in seconds since the epoch (None: never); `flags` as in RFC 4880 §5.2.3.21;
    `why_not_encrypt` and `why_not_sign` are "" or a sentence; `key` holds the numbers.
    """

    key: PublicPart
    is_primary: bool
    expires: int | None
    flags: int
    bound_at: int
    why_not_encrypt: str
    why_not_sign: str

    @property
    def body(self) -> bytes:
        """The raw public packet body."""
        return self.key.body

    @property
    def fingerprint(self) -> str:
        """40 upper-case hex digits."""
        return self.key.fingerprint

    @property
    def key_id(self) -> str:
        """The last 16 hex digits of the fingerprint."""
        return self.key.key_id

    @property
    def algorithm(self) -> str:
        """As shown: "RSA-4096", "Cv25519"."""
        return self.key.name

    @property
    def bits(self) -> int:
        """Bits of the modulus or the field."""
        return self.key.bits

    @property
    def made(self) -> int:
        """When it was made, seconds since the epoch."""
        return self.key.made

    @property
    def usable_for_encryption(self) -> bool:
        """It may be encrypted to."""
        return not self.why_not_encrypt


@dataclass(frozen=True, slots=True)
class PeerKey:
    """A public key block, judged at one moment. Immutable; user ids are raw and untrusted.

    `why` is "" when a message may be encrypted to it, else the sentence why not; `encrypt_to` is
    the newest usable part; `signers` are the parts whose signatures may be called good.
    """

    block: bytes
    """The packets as they came; never re-serialised."""
    fingerprint: str
    """Of the primary, 40 upper-case hex digits."""
    user_ids: tuple[str, ...]
    made: int
    expires: int | None
    algorithm: str
    why: str
    warnings: tuple[str, ...]
    components: tuple[Component, ...]
    encrypt_to: Component | None
    signers: tuple[Component, ...]

    @classmethod
    def parse(
        cls, block: str | bytes, *, pem: str = "", pem_sha256: str = "", now: int | None = None
    ) -> PeerKey:
        """Read and judge a public block, armored or binary.

        With `pem` (SPKI) and `pem_sha256` of the directory they must agree with the block
        (KeyMismatch). Raises NoKey, Damaged, Unsupported, TooLarge. `now` defaults to the clock.
        """
        raise SystemExit

    def require(self, now: int | None = None) -> Component:
        """Return what to encrypt to, judged at `now`; KeyUnusable with the reason."""
        raise SystemExit

    def armored(self) -> str:
        """Return the block as armor."""
        raise SystemExit


def spki_pem(component: Component) -> str:
    """Return a component's numbers as a PEM of SubjectPublicKeyInfo; Unsupported for X25519."""
    raise SystemExit


def spki_sha256(pem: str) -> str:
    """Return the SHA-256 of the SPKI in a PEM, 64 lower-case hex digits; KeyMismatch if unreadable."""
    raise SystemExit
