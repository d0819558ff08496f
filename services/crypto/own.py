"""One's own key: made, imported, exported, unlocked (RFC 4880 §5.5.3, api/assmbl.md §7.1).

Closes three traps of PGPy. Its RSA keys hold the primes in the wrong order, so gpg fails one
operation in a hundred with them: here p < q. Writing a key anew destroys the self-signatures of
newer programs: here the original bytes are kept. And it wipes an unlocked key under the hands of
another thread: here unlocking gives a separate, unchanging object (research/crypto.md §3.1, §4).
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from services.crypto import _pgpy, armor
from services.crypto.armor import ArmorKind
from services.crypto.armor_stream import is_binary
from services.crypto.certs import BLOCK_LIMIT, Component, PeerKey, spki_pem
from services.crypto.errors import Damaged, KeyUnusable, Locked, NoKey, TooLarge, Unsupported
from services.crypto.packets import Packet, Tag, join_all, split
from services.crypto.secret_parts import OpenPart, SecretPart
from services.errors import CryptoError, UsageError
from services.redact import Secret

LEAST_BITS: Final = 2048
_SECRET: Final = frozenset({Tag.SECRET_KEY, Tag.SECRET_SUBKEY})
_PUBLIC: Final = frozenset({Tag.PUBLIC_KEY, Tag.PUBLIC_SUBKEY})
_DROPPED: Final = frozenset({Tag.TRUST, Tag.MARKER})
_UNWRITABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff<>]")


class UnlockedKey:
    """A private key ready for use by any number of threads, until `close`.

    Nothing of the secret shows in `repr`. Every use after `close` raises Locked.
    """

    __slots__ = ("_parts", "foreign", "public")

    def __init__(
        self, public: PeerKey, parts: tuple[OpenPart, ...], foreign: tuple[SecretPart, ...]
    ) -> None:
        self.public = public
        self.foreign = foreign
        """Parts that this program cannot use; their `hindrance` tells why."""
        self._parts: tuple[OpenPart, ...] | None = parts

    @property
    def fingerprint(self) -> str:
        """Of the primary, 40 upper-case hex digits."""
        return self.public.fingerprint

    @property
    def is_closed(self) -> bool:
        """The secrets are gone."""
        return self._parts is None

    def parts(self) -> tuple[OpenPart, ...]:
        """Return the open parts; Locked after `close`."""
        parts = self._parts
        if parts is None:
            raise Locked
        return parts

    def signing_part(self) -> tuple[OpenPart, Component]:
        """Return the newest part that may sign; KeyUnusable, Locked."""
        held = {part.key.fingerprint: part for part in self.parts()}
        able = [one for one in self.public.signers if one.fingerprint in held]
        if not able:
            raise KeyUnusable("Your key cannot sign.", "Make a new key, or send without signing.")
        newest = max(able, key=lambda one: one.bound_at)
        return held[newest.fingerprint], newest

    def close(self) -> None:
        """Drop the secrets; work under way in other threads still ends well."""
        self._parts = None

    def __repr__(self) -> str:
        return f"UnlockedKey({self.fingerprint})"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A private key block as it lies on the disk, sealed or not. Immutable."""

    public: PeerKey
    """The same key as others see it."""
    warnings: tuple[str, ...]
    """Sentences for its owner."""
    block: bytes = field(repr=False)
    """The packets as they came; never re-serialised."""
    _parts: tuple[SecretPart, ...] = field(repr=False)

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
        name, address = _writable(name), _writable(address)
        if bits < LEAST_BITS:
            raise UsageError(f"A key has at least {LEAST_BITS} bits.")
        made = int(time.time()) if now is None else now
        fresh = cls.load(_fresh_block(name, address, bits, made), now=now)
        return fresh.resealed(None, passphrase, now=now)

    @classmethod
    def load(cls, block: str | bytes, *, now: int | None = None) -> OwnKey:
        """Read a private key block, armored or binary.

        Raises NoKey (no private key in it), Damaged, Unsupported, TooLarge.
        """
        data = _binary(block)
        packets = [packet for packet in split(data) if packet.tag not in _DROPPED]
        if not packets or packets[0].tag != Tag.SECRET_KEY:
            raise _no_private_key(packets)
        if sum(packet.tag == Tag.SECRET_KEY for packet in packets) > 1:
            raise Damaged("There is more than one private key in the block.", "Import one a time.")
        if any(packet.tag in _PUBLIC for packet in packets):
            raise Damaged("The block mixes private and public keys.", "Export the key again.")
        held, public = _halves(packets)
        peer = PeerKey.parse(join_all(public), now=now)
        return cls(peer, _warnings(peer, held, packets), data, held)

    @property
    def fingerprint(self) -> str:
        """Of the primary, 40 upper-case hex digits."""
        return self.public.fingerprint

    @property
    def is_sealed(self) -> bool:
        """A passphrase protects it."""
        return any(part.is_sealed for part in self._parts)

    @property
    def key_ids(self) -> tuple[str, ...]:
        """The key ids of all parts: what an envelope for this key names."""
        return tuple(part.key.key_id for part in self._parts)

    def unlock(self, passphrase: Secret | None = None) -> UnlockedKey:
        """Open the secrets; WrongPassphrase, Locked without one. 0.1 s a part: call in a thread."""
        usable = [part for part in self._parts if not part.is_absent and not part.hindrance]
        foreign = tuple(part for part in self._parts if part.hindrance)
        if not usable:
            raise _no_usable_part(foreign)
        opened = tuple(part.open(passphrase) for part in usable)
        return UnlockedKey(self.public, opened, foreign)

    def export_private(self) -> str:
        """Return the original block as armor."""
        return armor.encode(self.block, ArmorKind.PRIVATE_KEY).decode("ascii")

    def repaired(self, passphrase: Secret | None = None, *, now: int | None = None) -> OwnKey:
        """Return the key with its RSA primes in the order that gpg needs; itself when they are.

        Raises as `unlock`. Everything but the secret packets stays as it came.
        """
        if all(part.is_ordered for part in self.unlock(passphrase).parts()):
            return self
        return self.resealed(passphrase, passphrase if self.is_sealed else None, now=now)

    def resealed(self, old: Secret | None, new: Secret | None, *, now: int | None = None) -> OwnKey:
        """Return the key under another passphrase (None: unsealed), primes ordered.

        Raises as `unlock`; what this program cannot open stays as it is.
        """
        written = {
            part.packet: part.open(old).rewritten(new or None).packet
            for part in self._parts
            if not part.is_absent and not part.hindrance
        }
        packets = [written.get(packet, packet) for packet in split(self.block)]
        return OwnKey.load(join_all(packets), now=now)

    def public_block(self) -> str:
        """Return the public half as armor."""
        return self.public.armored()

    def spki_pem(self) -> str:
        """Return the primary's numbers as a PEM of SubjectPublicKeyInfo (directory entry)."""
        return spki_pem(self.public.components[0])

    def __repr__(self) -> str:
        return f"OwnKey({self.fingerprint})"


def _writable(text: str) -> str:
    """Return a name or address that may stand in a user id; UsageError."""
    if _UNWRITABLE.search(text) or not text.strip():
        raise UsageError(
            "The name and the address of a key have no line breaks and no angle brackets.",
            "Give them as they should be shown.",
        )
    return text.strip()


def _fresh_block(name: str, address: str, bits: int, made: int) -> bytes:
    """Return the packets of a new unsealed RSA key in PGPy's form."""
    pgpy = _pgpy.load()
    constants = pgpy.constants
    moment = datetime.fromtimestamp(made, UTC)
    with _pgpy.guarded(Damaged("The key could not be made.", "Try again.")):
        algorithm = constants.PubKeyAlgorithm.RSAEncryptOrSign
        key = pgpy.PGPKey.new(algorithm, bits, created=moment)
        key.add_uid(
            pgpy.PGPUID.new(name, email=address),
            created=moment,
            usage={
                constants.KeyFlags.Certify,
                constants.KeyFlags.Sign,
                constants.KeyFlags.EncryptCommunications,
                constants.KeyFlags.EncryptStorage,
            },
            hashes=[constants.HashAlgorithm.SHA512, constants.HashAlgorithm.SHA256],
            ciphers=[
                constants.SymmetricKeyAlgorithm.AES256,
                constants.SymmetricKeyAlgorithm.AES192,
                constants.SymmetricKeyAlgorithm.AES128,
            ],
            compression=[
                constants.CompressionAlgorithm.Uncompressed,
                constants.CompressionAlgorithm.ZLIB,
                constants.CompressionAlgorithm.ZIP,
            ],
        )
        return bytes(key.__bytearray__())


def _binary(block: str | bytes) -> bytes:
    if len(block) > BLOCK_LIMIT:
        raise TooLarge("The key block is larger than a key can be.", "Export the key again.")
    text = block.encode("utf-8", "replace") if isinstance(block, str) else block
    if is_binary(text[:8]):
        return text
    kinds = {span.kind for span in armor.find(text)}
    if ArmorKind.PRIVATE_KEY not in kinds:
        raise _no_private_key([], is_public=ArmorKind.PUBLIC_KEY in kinds)
    return armor.decode(text, ArmorKind.PRIVATE_KEY)


def _halves(packets: list[Packet]) -> tuple[tuple[SecretPart, ...], list[Packet]]:
    """Return the secret parts and the public block of the same key.

    A subkey of an unknown kind is left out together with its signatures.
    """
    parts: list[SecretPart] = []
    public: list[Packet] = []
    is_left_out = False
    for packet in packets:
        if packet.tag in _SECRET:
            try:
                part = SecretPart.parse(packet)
            except Unsupported:
                if packet.tag == Tag.SECRET_KEY:
                    raise
                is_left_out = True
                continue
            is_left_out = False
            parts.append(part)
            public.append(part.public_packet)
        elif not is_left_out:
            public.append(packet)
    return tuple(parts), public


def _no_private_key(packets: list[Packet], *, is_public: bool = False) -> NoKey:
    if is_public or (packets and packets[0].tag == Tag.PUBLIC_KEY):
        return NoKey(
            "This is a public key; a private key is needed.",
            "Export the private key, and keep it from others.",
        )
    return NoKey(
        "There is no OpenPGP private key in it.",
        "Paste the whole block, from BEGIN PGP PRIVATE KEY BLOCK to its END line.",
    )


def _no_usable_part(foreign: tuple[SecretPart, ...]) -> CryptoError:
    if foreign:
        return Unsupported(foreign[0].hindrance, "Use another program for this key.")
    return NoKey(
        "The block holds no secrets: they are on a card or were left out.",
        "Export the whole private key.",
    )


def _warnings(
    public: PeerKey, parts: tuple[SecretPart, ...], packets: list[Packet]
) -> tuple[str, ...]:
    out = list(public.warnings)
    if public.why:
        out.append(public.why)
    out += [part.hindrance for part in parts if part.hindrance]
    if sum(packet.tag in _SECRET for packet in packets) > len(parts):
        out.append("A part of the key is of a kind that this program does not know.")
    if any(part.is_absent for part in parts):
        out.append("A part of the key is not in the block: it is on a card or was left out.")
    if not any(part.is_sealed for part in parts):
        out.append("The key has no passphrase: whoever can read its file can read your mail.")
    return tuple(dict.fromkeys(out))
