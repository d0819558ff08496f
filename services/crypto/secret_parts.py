"""One secret key packet: sealed as it lies in a block, and open (RFC 4880 §5.5.3, §3.7).

Closes three traps. PGPy opens a packet in place, so one thread can wipe it under another: here every
opening makes a new object that is never changed while it is shared. It believes that the secret half
belongs to the public one, which lets an altered file give the key away: here both are compared. And
it writes the primes in the order that makes gpg fail (research/crypto.md §3.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from services.crypto import _pgpy
from services.crypto.curves import CURVES
from services.crypto.errors import Damaged, Locked, Unsupported, WrongPassphrase
from services.crypto.packets import Packet, Tag, join
from services.crypto.public_parts import Algorithm, PublicPart
from services.redact import Secret

_RSA: Final = frozenset({Algorithm.RSA, Algorithm.RSA_ENCRYPT, Algorithm.RSA_SIGN})
_CURVES: Final = frozenset({Algorithm.ECDH, Algorithm.ECDSA, Algorithm.EDDSA})
_KNOWN_CURVES: Final = frozenset({"Ed25519", "Cv25519", "P-256", "P-384", "P-521"})
_PLAIN: Final = 0
_SEALED: Final = frozenset({254, 255})
_READABLE_S2K: Final = frozenset({0, 1, 3})
_GNU_S2K: Final = 101
_FOREIGN: Final = "Your key uses {}, which this program cannot use."


@dataclass(frozen=True, slots=True)
class SecretPart:
    """One secret packet of a block: the public half, and the rest as it came."""

    key: PublicPart
    is_primary: bool
    rest: bytes = field(repr=False)

    @classmethod
    def parse(cls, packet: Packet) -> SecretPart:
        """Read a packet of tag 5 or 7.

        Damaged; Unsupported for another version, and for an algorithm whose public half has an
        unknown end, so that nothing secret is ever taken for public.
        """
        key = PublicPart.parse(packet.body, secret=True)
        rest = packet.body[len(key.body) :]
        if not rest and key.algorithm not in frozenset(Algorithm):
            raise Unsupported(_FOREIGN.format(key.name), "Use another program for this key.")
        if not rest:
            raise Damaged("The private key is cut short.", "Export it again.")
        return cls(key, packet.tag == Tag.SECRET_KEY, rest)

    @property
    def is_absent(self) -> bool:
        """The secret is elsewhere: on a card, or left out on purpose (GnuPG's stub)."""
        return self.rest[0] in _SEALED and len(self.rest) > 2 and self.rest[2] == _GNU_S2K

    @property
    def is_sealed(self) -> bool:
        """A passphrase protects it."""
        return self.rest[0] != _PLAIN and not self.is_absent

    @property
    def hindrance(self) -> str:
        """The sentence why this program cannot use it, "" when it can."""
        if self.key.algorithm not in _RSA | _CURVES:
            return _FOREIGN.format(self.key.name)
        if self.key.algorithm in _CURVES and self.key.curve not in _KNOWN_CURVES:
            return _FOREIGN.format(self.key.name)
        if self.is_sealed and (
            self.rest[0] not in _SEALED or len(self.rest) < 3 or self.rest[2] not in _READABLE_S2K
        ):
            return "Your key is sealed with a passphrase in a way that this program cannot open."
        return ""

    @property
    def public_packet(self) -> Packet:
        """The same key without its secret."""
        return Packet(Tag.PUBLIC_KEY if self.is_primary else Tag.PUBLIC_SUBKEY, self.key.body)

    @property
    def packet(self) -> Packet:
        """The packet as it came."""
        tag = Tag.SECRET_KEY if self.is_primary else Tag.SECRET_SUBKEY
        return Packet(tag, self.key.body + self.rest)

    def open(self, passphrase: Secret | None) -> OpenPart:
        """Return the open key; WrongPassphrase, Locked, Unsupported, Damaged. Takes 0.1 s."""
        if self.hindrance:
            raise Unsupported(self.hindrance, "Use another program for this key.")
        if self.is_sealed and passphrase is None:
            raise Locked
        if not self.is_sealed and sum(self.rest[1:-2]) % 65536 != int.from_bytes(
            self.rest[-2:], "big"
        ):
            raise _damaged()  # PGPy reads the sum and does not compare it
        with _pgpy.guarded(_damaged()):
            held = _pgpy.load().packet.Packet(bytearray(join(self.packet.tag, self.packet.body)))
        if self.is_sealed and passphrase is not None:
            with _pgpy.guarded(WrongPassphrase()):
                held.unprotect(passphrase.reveal())
        with _pgpy.guarded(_damaged()):
            _compare_halves(self.key, held.keymaterial)
        return OpenPart(self.key, self.is_primary, held)


@dataclass(frozen=True, slots=True)
class OpenPart:
    """One key with its secret at hand. Unchanging, so any number of threads may use it."""

    key: PublicPart
    is_primary: bool
    _held: Any = field(repr=False, compare=False)

    def session_key(self, envelope: bytes) -> tuple[int, bytes] | None:
        """Return cipher id and session key out of a version 3 envelope body; None if it fails.

        RFC 4880 §5.1. RSA gives random octets for bad padding, so a result may still be wrong.
        """
        body = bytearray(envelope)
        if body[9] == Algorithm.RSA_ENCRYPT:
            body[9] = Algorithm.RSA  # PGPy knows the older number and does not act on it
        try:
            with _pgpy.guarded(Damaged()):
                sealed = _pgpy.load().packet.Packet(
                    bytearray(join(Tag.PUBLIC_SESSION_KEY, bytes(body)))
                )
                cipher, key = sealed.decrypt_sk(self._held)
                return int(cipher), bytes(key)
        except Damaged:
            return None

    def sign(self, digest: bytes) -> tuple[int, ...]:
        """Return the numbers of a signature over a SHA-512 digest (RFC 4880 §5.2.2)."""
        from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature
        from cryptography.hazmat.primitives.hashes import SHA512

        with _pgpy.guarded(Damaged("Your key cannot sign.", "Import it again.")):
            material = self._held.keymaterial
            if self.key.algorithm == Algorithm.EDDSA:
                # PGPy hashes again what it is given here.
                made = material.__privkey__().sign(digest)
                return int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big")
            made = material.sign(digest, Prehashed(SHA512()))
            if self.key.algorithm == Algorithm.ECDSA:
                return decode_dss_signature(made)
            return (int.from_bytes(made, "big"),)

    @property
    def is_ordered(self) -> bool:
        """The primes stand as RFC 4880 §5.5.3 wants them (p < q); True for other algorithms."""
        material = self._held.keymaterial
        return self.key.algorithm not in _RSA or bool(material.p < material.q)

    def rewritten(self, passphrase: Secret | None) -> SecretPart:
        """Return it as it is stored, primes ordered, sealed when there is a passphrase.

        This uses the object up: open the part anew for that and let nobody else have it.
        """
        material = self._held.keymaterial
        if not self.is_ordered:
            _order_primes(material)
        if passphrase is None:
            numbers = b"".join(bytes(number.to_mpibytes()) for number in _secrets(material))
            rest = b"\0" + numbers + (sum(numbers) % 65536).to_bytes(2, "big")
        else:
            constants = _pgpy.load().constants
            material.encrypt_keyblob(
                passphrase.reveal(),
                constants.SymmetricKeyAlgorithm.AES256,
                constants.HashAlgorithm.SHA256,
            )
            rest = bytes(material.s2k.__bytearray__()) + bytes(material.encbytes)
        return SecretPart(self.key, self.is_primary, rest)


def _damaged() -> Damaged:
    return Damaged("The private key is damaged.", "Import it again.")


def _secrets(material: Any) -> list[Any]:
    return [getattr(material, name) for name in material.__privfields__]


def _order_primes(material: Any) -> None:
    number = type(material.p)
    p, q = sorted((int(material.p), int(material.q)))
    material.p, material.q, material.u = number(p), number(q), number(pow(p, -1, q))


def _compare_halves(key: PublicPart, material: Any) -> None:
    """Raise ValueError when the secret numbers are not those of the public key."""
    public = material.__privkey__().public_key()
    if key.algorithm in _RSA:
        if (public.public_numbers().n, public.public_numbers().e) != key.numbers:
            raise ValueError
        return
    if key.curve in ("Ed25519", "Cv25519"):
        if b"\x40" + public.public_bytes_raw() != key.numbers[0].to_bytes(33, "big"):
            raise ValueError
        return
    theirs = public.public_numbers()
    if key.numbers[0] != int.from_bytes(
        b"\x04" + theirs.x.to_bytes(_octets(key), "big") + theirs.y.to_bytes(_octets(key), "big"),
        "big",
    ):
        raise ValueError


def _octets(key: PublicPart) -> int:
    return next(curve.octets for curve in CURVES.values() if curve.name == key.curve)
