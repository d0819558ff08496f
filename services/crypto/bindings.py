"""Which signatures of a block count: self-signatures, bindings and revocations (RFC 4880 §5.2.4).

Closes the traps of research/crypto.md §4: forged and unbound subkeys, expired and revoked ones, a
subkey adopted from somebody else (no back-signature). A binding counts when the primary made it, by
arithmetic done here, and it has no fault; of several the newest. A revocation counts however old,
weak or odd it is, because believing one too many only stops a message.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from services.crypto.blocks import Block
from services.crypto.errors import TooLarge
from services.crypto.public_parts import PublicPart
from services.crypto.sigs import Signature, SignatureType

CHECKS_LIMIT: Final = 500
"""Signatures of one block that are tried; each costs up to a millisecond."""
SIGN_FLAG: Final = 0x02
"""Key flag of RFC 4880 §5.2.3.21."""
_CERTIFICATIONS: Final = frozenset(
    {
        SignatureType.GENERIC,
        SignatureType.PERSONA,
        SignatureType.CASUAL,
        SignatureType.POSITIVE,
    }
)
_SOFT: Final = frozenset({1, 3, 32})
"""Reasons that say nothing against what was before: superseded, retired, user id left."""


class Bindings:
    """The judge of one block at one moment; `now` in seconds since the epoch."""

    __slots__ = ("_block", "_checks", "_now", "_primary")

    def __init__(self, block: Block, now: int) -> None:
        self._block = block
        self._primary = block.primary
        self._now = now
        self._checks = 0

    def key_revocation(self) -> Signature | None:
        """Return a revocation of the whole key."""
        return self._revocation(SignatureType.KEY_REVOCATION, self._primary.hashed)

    def subkey_revocation(self, subkey: PublicPart) -> Signature | None:
        """Return a revocation of a subkey."""
        kind = SignatureType.SUBKEY_REVOCATION
        return self._revocation(kind, self._primary.hashed, subkey.hashed)

    def direct(self) -> Signature | None:
        """Return the newest valid signature of the primary on itself."""
        return self._newest({SignatureType.DIRECT_KEY}, self._primary.hashed)

    def user_id(self, user_id: bytes) -> Signature | None:
        """Return the newest valid self-signature of a user id, None when there is none or revoked."""
        parts = self._primary.hashed, b"\xb4" + len(user_id).to_bytes(4, "big") + user_id
        newest = self._newest(_CERTIFICATIONS, *parts)
        if newest is None:
            return None
        revocation = self._revocation(
            SignatureType.CERTIFICATION_REVOCATION, *parts, survived_by=newest
        )
        return newest if revocation is None else None

    def subkey(self, subkey: PublicPart) -> Signature | None:
        """Return the newest valid binding of a subkey; one for signing needs a back-signature."""
        parts = self._primary.hashed, subkey.hashed
        kinds = {SignatureType.SUBKEY_BINDING}
        for binding in self._valid(kinds, *parts):
            if not (binding.flags or 0) & SIGN_FLAG or self._signed_back(binding, subkey):
                return binding
        return None

    def fault(self) -> str:
        """Return the first reason why self-signatures were passed over, "" when there is none."""
        kinds = _CERTIFICATIONS | {SignatureType.DIRECT_KEY}
        for signature in self._block.signatures:
            if signature.type in kinds and signature.names(self._primary):
                reason = signature.fault(self._now)
                if reason:
                    return reason
        return ""

    def _newest(self, kinds: Iterable[int], *parts: bytes) -> Signature | None:
        return next(iter(self._valid(kinds, *parts)), None)

    def _valid(self, kinds: Iterable[int], *parts: bytes) -> Iterable[Signature]:
        """Yield the valid signatures of some types over the parts, newest first."""
        wanted = [sig for sig in self._block.signatures if sig.type in kinds]
        for signature in sorted(wanted, key=lambda sig: sig.made, reverse=True):
            if signature.fault(self._now) or signature.made < self._primary.made:
                continue
            if not signature.names(self._primary):
                continue
            # The two octets of the hash tell the signatures of others apart without arithmetic.
            digest = signature.digest(*parts)
            if digest is None or digest[:2] != signature.start:
                continue
            if self._signs(signature, self._primary, digest):
                yield signature

    def _revocation(
        self, kind: SignatureType, *parts: bytes, survived_by: Signature | None = None
    ) -> Signature | None:
        for signature in self._block.signatures:
            if signature.type != kind:
                continue
            newer = survived_by is not None and survived_by.made > signature.made
            if newer and signature.reason in _SOFT:
                continue
            digest = signature.digest(*parts)
            if digest is not None and self._signs(signature, self._primary, digest):
                return signature
        return None

    def _signed_back(self, binding: Signature, subkey: PublicPart) -> bool:
        """Tell whether the subkey says itself that it belongs to the primary (RFC 4880 §5.2.1)."""
        for back in binding.embedded:
            if back.type != SignatureType.PRIMARY_BINDING or back.fault(self._now):
                continue
            digest = back.digest(self._primary.hashed, subkey.hashed)
            if digest is None or digest[:2] != back.start:
                continue
            if self._signs(back, subkey, digest):
                return True
        return False

    def _signs(self, signature: Signature, key: PublicPart, digest: bytes) -> bool:
        self._checks += 1
        if self._checks > CHECKS_LIMIT:
            raise TooLarge("The key block holds more signatures than this program checks.")
        return signature.signs(key, digest)
