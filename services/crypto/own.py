"""One's own key: made, imported, exported, unlocked (RFC 4880 §5.5.3, api/assmbl.md §7.1).

Closes three traps of PGPy. Its RSA keys hold the primes in the wrong order, so gpg fails one
operation in a hundred with them: here p < q. Writing a key anew destroys the self-signatures of
newer programs: here the original bytes are kept. And it wipes an unlocked key under the hands of
another thread: here unlocking gives a separate, unchanging object (research/crypto.md §3.1, §4).
"""

from __future__ import annotations

from services.crypto.certs import PeerKey
from services.redact import Secret


class UnlockedKey:
    """A private key ready for use by any number of threads, until `close`.

    Nothing of the secret shows in `repr`. Every use after `close` raises Locked.
    """

    __slots__ = ("_parts", "public")

    def __init__(self, public: PeerKey, parts: tuple[object, ...]) -> None:
        self.public = public
        self._parts = parts

    @property
    def fingerprint(self) -> str:
        """Of the primary, 40 upper-case hex digits."""
        return self.public.fingerprint

    @property
    def is_closed(self) -> bool:
        """The secrets are gone."""
        raise SystemExit

    def close(self) -> None:
        """Drop the secrets; work under way in other threads still ends well."""
        raise SystemExit

    def __repr__(self) -> str:
        return f"UnlockedKey({self.fingerprint})"


class OwnKey:
    """A private key block as it lies on the disk, sealed or not. Immutable.

    `public` is the same key as others see it, `warnings` are sentences for its owner.
    """

    __slots__ = ("block", "is_sealed", "public", "warnings")

    block: bytes
    """The packets as they came; never re-serialised."""
    public: PeerKey
    is_sealed: bool
    """A passphrase protects it."""
    warnings: tuple[str, ...]

    @classmethod
    def generate(
        cls,
        name: str,
        address: str,
        passphrase: Secret | None,
        *,
        bits: int = 4096,
        now: int | None = None,
    ) -> OwnKey:
        """Make an RSA key that certifies, signs and encrypts, as the vendor's are.

        Takes up to seconds: call it in a thread. UsageError for a name that cannot stand in a user
        id. Sealed with AES-256 and iterated SHA-256 (65 M octets).
        """
        raise SystemExit

    @classmethod
    def load(cls, block: str | bytes, *, now: int | None = None) -> OwnKey:
        """Read a private key block, armored or binary.

        Raises NoKey (no private key in it), Damaged, Unsupported, TooLarge.
        """
        raise SystemExit

    @property
    def fingerprint(self) -> str:
        """Of the primary, 40 upper-case hex digits."""
        return self.public.fingerprint

    def unlock(self, passphrase: Secret | None = None) -> UnlockedKey:
        """Open the secrets; WrongPassphrase, Locked without one. 0.1 s a part: call in a thread."""
        raise SystemExit

    def export_private(self) -> str:
        """Return the original block as armor."""
        raise SystemExit

    def repaired(self, passphrase: Secret | None = None) -> OwnKey:
        """Return the key with its RSA primes in the order that gpg needs; itself when they are."""
        raise SystemExit

    def resealed(self, old: Secret | None, new: Secret | None) -> OwnKey:
        """Return the key under another passphrase (None: unsealed); WrongPassphrase, Locked."""
        raise SystemExit

    def public_block(self) -> str:
        """Return the public half as armor."""
        raise SystemExit

    def spki_pem(self) -> str:
        """Return the primary's numbers as a PEM of SubjectPublicKeyInfo (directory entry)."""
        raise SystemExit

    def __repr__(self) -> str:
        return f"OwnKey({self.fingerprint})"
