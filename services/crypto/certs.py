"""PeerKey: a public key block with our own verdict on what it may be used for.

Closes the trap that pinning a fingerprint alone is no safety: an attacker's subkey spliced into the
block keeps the primary's fingerprint, and PGPy encrypts to it (research/crypto.md §4). Here a part
counts only when its binding is verified from the raw bytes; the block is kept as it came and never
written anew.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Final

from services.crypto.armor import ArmorKind, encode
from services.crypto.bindings import SIGN_FLAG, Bindings
from services.crypto.blocks import BLOCK_LIMIT, Block, read_block
from services.crypto.errors import KeyUnusable
from services.crypto.public_parts import PublicPart
from services.crypto.sigs import CLOCK_LEEWAY, Signature
from services.crypto.spki import must_agree, part_pem, spki_sha256

__all__ = ["BLOCK_LIMIT", "Component", "PeerKey", "spki_pem", "spki_sha256"]

ENCRYPT_FLAG: Final = 0x04
"""Key flag "encrypt communications" (RFC 4880 §5.2.3.21)."""
_AEAD_FEATURES: Final = 0x02 | 0x08
"""Features that ask senders for what PGPy cannot open (gpg's OCB, RFC 9580's SEIPDv2)."""
_AEAD_WARNING: Final = (
    "The key asks senders for an encryption (AEAD) that this program cannot open."
)


@dataclass(frozen=True, slots=True)
class Component:
    """The primary key or a subkey of a block, with what its valid signatures say.

    `expires` in seconds since the epoch (None: never); `flags` as in RFC 4880 §5.2.3.21;
    `bound_at` is the date of the binding; `why_not_encrypt` and `why_not_sign` are "" or a sentence.
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

    @property
    def usable_for_signing(self) -> bool:
        """Its signatures may be called good."""
        return not self.why_not_sign


@dataclass(frozen=True, slots=True)
class PeerKey:
    """A public key block, judged at one moment. Immutable.

    `user_ids` are those with a valid self-signature, raw and untrusted; `why` is "" when a message
    may be encrypted to it, else the sentence why not; `components` are the primary and the subkeys
    with a valid binding; `encrypt_to` is the newest usable part; `signers` are the parts whose
    signatures may be called good.
    """

    block: bytes = field(repr=False)
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
        (KeyMismatch). Raises NoKey, KeyUnusable (secret parts, several keys), Damaged, Unsupported,
        TooLarge; a key that must not be used comes back with `why`. `now` defaults to the clock.
        """
        taken = read_block(block)
        judged = _judge(cls, taken, int(time.time()) if now is None else now)
        must_agree((component.key for component in judged.components), pem, pem_sha256)
        return judged

    def require(self, now: int | None = None) -> Component:
        """Return what to encrypt to, judged again at `now`; KeyUnusable with the reason."""
        judged = PeerKey.parse(self.block, now=now)
        if judged.encrypt_to is None:
            raise KeyUnusable(judged.why)
        return judged.encrypt_to

    def armored(self) -> str:
        """Return the block as armor."""
        return encode(self.block, ArmorKind.PUBLIC_KEY).decode()

    def component(self, name: str) -> Component | None:
        """Return the part with that fingerprint or key id (upper-case hex)."""
        for part in self.components:
            if name in (part.fingerprint, part.key_id):
                return part
        return None


def spki_pem(component: Component) -> str:
    """Return a component's numbers as a PEM of SubjectPublicKeyInfo; Unsupported if not used."""
    return part_pem(component.key)


@dataclass(frozen=True, slots=True)
class _Standing:
    """What holds for the whole key: `why` no part of it may be used, and until when it lives."""

    why: str
    expires: int | None
    flags: int
    features: int
    bound_at: int
    user_ids: tuple[str, ...]


def _judge(make: type[PeerKey], block: Block, now: int) -> PeerKey:
    bindings = Bindings(block, now)
    standing = _standing(block, bindings, now)
    parts = [_primary(block.primary, standing)]
    features = standing.features
    for subkey in block.subkeys:
        binding = bindings.subkey(subkey)
        if binding is not None:
            features |= binding.features or 0
            parts.append(_subkey(subkey, binding, bindings, standing, now))
    usable = [part for part in parts if part.usable_for_encryption]
    best = max(
        usable, key=lambda part: (not part.is_primary, part.made, part.bound_at), default=None
    )
    return make(
        block=block.data,
        fingerprint=block.primary.fingerprint,
        user_ids=standing.user_ids,
        made=block.primary.made,
        expires=standing.expires,
        algorithm=block.primary.name,
        why="" if best is not None else standing.why or _why_none(parts),
        warnings=(_AEAD_WARNING,) if features & _AEAD_FEATURES else (),
        components=tuple(parts),
        encrypt_to=best,
        signers=tuple(part for part in parts if part.usable_for_signing),
    )


def _standing(block: Block, bindings: Bindings, now: int) -> _Standing:
    certified = [(user_id, bindings.user_id(user_id)) for user_id in block.user_ids]
    named = [(user_id, signature) for user_id, signature in certified if signature is not None]
    # The user id that is marked as the main one speaks for the key, else the newest.
    first = max(
        (sig for _, sig in named), key=lambda sig: (sig.primary_user_id, sig.made), default=None
    )
    direct = bindings.direct()
    expires = _key_expiry(block.primary, first, direct)
    spoken = [signature for signature in (first, direct) if signature is not None]
    flags = next((sig.flags for sig in spoken if sig.flags is not None), 0)
    return _Standing(
        why=_why_not_key(block.primary, bindings, spoken, expires, now),
        expires=expires,
        flags=flags,
        features=reduce(or_, (sig.features or 0 for sig in spoken), 0),
        bound_at=max((sig.made for sig in spoken), default=0),
        user_ids=tuple(user_id.decode("utf-8", "replace") for user_id, _ in named),
    )


def _key_expiry(
    primary: PublicPart, first: Signature | None, direct: Signature | None
) -> int | None:
    """Return when the key ends: by the main user id, else by the signature on the key itself.

    A newer signature on the key may only make that earlier.
    """
    of_name = None if first is None else _end(primary, first)
    of_key = None if direct is None else _end(primary, direct)
    if of_name is None or of_key is None:
        return of_key if of_name is None else of_name
    newer = first is not None and direct is not None and direct.made >= first.made
    return min(of_name, of_key) if newer else of_name


def _end(part: PublicPart, signature: Signature) -> int | None:
    return None if signature.key_expires is None else part.made + signature.key_expires


def _why_not_key(
    primary: PublicPart, bindings: Bindings, spoken: list[Signature], expires: int | None, now: int
) -> str:
    if primary.weakness:
        return primary.weakness
    if not primary.can_sign:
        return f"The key's main part is {primary.name}, which cannot vouch for the others."
    revocation = bindings.key_revocation()
    if revocation is not None:
        return f"The key was revoked{_since(revocation)}."
    if primary.made > now + CLOCK_LEEWAY:
        return "The key was made in the future."
    if not spoken:
        reason = bindings.fault()
        return f"The key has no valid signature of its own. {reason}".rstrip()
    if expires is not None and expires <= now:
        return f"The key expired on {_day(expires)}."
    return ""


def _primary(primary: PublicPart, standing: _Standing) -> Component:
    return Component(
        key=primary,
        is_primary=True,
        expires=standing.expires,
        flags=standing.flags,
        bound_at=standing.bound_at,
        why_not_encrypt=standing.why or _why_no_encryption(primary, standing.flags),
        why_not_sign=standing.why or _why_no_signing(primary, standing.flags),
    )


def _subkey(
    subkey: PublicPart, binding: Signature, bindings: Bindings, standing: _Standing, now: int
) -> Component:
    expires, flags = _end(subkey, binding), binding.flags or 0
    why = standing.why or subkey.weakness
    if not why:
        why = _why_not_subkey(subkey, bindings.subkey_revocation(subkey), expires, now)
    return Component(
        key=subkey,
        is_primary=False,
        expires=expires,
        flags=flags,
        bound_at=binding.made,
        why_not_encrypt=why or _why_no_encryption(subkey, flags),
        why_not_sign=why or _why_no_signing(subkey, flags),
    )


def _why_not_subkey(
    subkey: PublicPart, revocation: Signature | None, expires: int | None, now: int
) -> str:
    if revocation is not None:
        return f"Its part {subkey.name} was revoked{_since(revocation)}."
    if subkey.made > now + CLOCK_LEEWAY:
        return f"Its part {subkey.name} was made in the future."
    if expires is not None and expires <= now:
        return f"Its part {subkey.name} expired on {_day(expires)}."
    return ""


def _why_no_encryption(part: PublicPart, flags: int) -> str:
    if flags & ENCRYPT_FLAG and part.can_encrypt:
        return ""
    return "It is not for encryption."


def _why_no_signing(part: PublicPart, flags: int) -> str:
    return "" if flags & SIGN_FLAG and part.can_sign else "It is not for signing."


def _why_none(parts: list[Component]) -> str:
    """Return why no part can be encrypted to, by the newest that was meant for it."""
    meant = [part for part in parts if part.flags & ENCRYPT_FLAG]
    if not meant:
        return "The key has no part for encryption."
    newest = max(meant, key=lambda part: part.made)
    return f"The key cannot be encrypted to. {newest.why_not_encrypt}"


def _since(revocation: Signature) -> str:
    return f" on {_day(revocation.made)}" if revocation.made else ""


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).date().isoformat()
