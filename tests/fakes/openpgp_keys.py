"""OpenPGP keys and certificates put together by hand, so that every rule can be broken alone.

`Key` is one key pair; the functions make the packets of a block, and a test joins those it wants:
`primary_packet(k) + user_id("x") + certify(k, "x")`. Whatever is left alone is valid: dates in the
past, SHA-256, the right flags, back-signatures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, decode_dss_signature

from tests.fakes.openpgp_packets import (
    MD5,
    SHA1,
    SHA224,
    SHA256,
    SHA384,
    SHA512,
    mpi,
    number_subpacket,
    packet,
    subpacket,
)

MADE = 1_700_000_000
"""When everything is made unless told otherwise: 2023-11-14."""
DAY = 86_400
NOW = MADE + 100 * DAY
"""A moment at which what is made is in force."""
RSA, ECDH, ECDSA, EDDSA = 1, 18, 19, 22
CERTIFY, SIGN, ENCRYPT = 0x01, 0x02, 0x0C
USER = "Peer Example <peer@example.org>"
_OIDS = {
    "ed25519": bytes.fromhex("2B06010401DA470F01"),
    "x25519": bytes.fromhex("2B060104019755010501"),
    "secp256r1": bytes.fromhex("2A8648CE3D030107"),
    "secp384r1": bytes.fromhex("2B81040022"),
    "secp521r1": bytes.fromhex("2B81040023"),
}
_NIST = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_HASHES: dict[int, hashes.HashAlgorithm] = {
    MD5: hashes.MD5(),
    SHA1: hashes.SHA1(),
    SHA224: hashes.SHA224(),
    SHA256: hashes.SHA256(),
    SHA384: hashes.SHA384(),
    SHA512: hashes.SHA512(),
}
_RAW = serialization.Encoding.Raw
_KDF = bytes((3, 1, SHA256, 9))  # SHA-256 and AES-256


@dataclass(frozen=True)
class Key:
    """One key pair: an algorithm of OpenPGP, when it was made, and cryptography's private key."""

    algorithm: int
    private: Any
    made: int = MADE
    kdf: bytes = _KDF

    @property
    def curve(self) -> str:
        """The name of its curve."""
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return "ed25519"
        if isinstance(self.private, x25519.X25519PrivateKey):
            return "x25519"
        return str(self.private.curve.name)

    @property
    def point(self) -> bytes:
        """The public point as it is written."""
        public = self.private.public_key()
        if self.curve.startswith("secp"):
            form = serialization.PublicFormat.UncompressedPoint
            return public.public_bytes(serialization.Encoding.X962, form)
        return b"\x40" + public.public_bytes(_RAW, serialization.PublicFormat.Raw)

    @property
    def kdf_parameters(self) -> bytes:
        """What the key wrapping of RFC 6637 §8 is bound to."""
        oid = _OIDS[self.curve]
        head = bytes((len(oid),)) + oid + bytes((ECDH,)) + self.kdf
        return head + b"Anonymous Sender    " + self.fingerprint

    @cached_property
    def body(self) -> bytes:
        """The public packet's body."""
        head = b"\x04" + self.made.to_bytes(4, "big") + bytes((self.algorithm,))
        if self.algorithm in (1, 2, 3):
            numbers = self.private.public_key().public_numbers()
            return head + mpi(numbers.n) + mpi(numbers.e)
        oid = _OIDS[self.curve]
        head += bytes((len(oid),)) + oid + mpi(int.from_bytes(self.point, "big"))
        return head + (self.kdf if self.algorithm == ECDH else b"")

    @cached_property
    def secret_body(self) -> bytes:
        """The secret packet's body, not sealed (RFC 4880 §5.5.3)."""
        if self.algorithm in (1, 2, 3):
            inner = self.private.private_numbers()
            p, q = sorted((inner.p, inner.q))
            numbers = mpi(inner.d) + mpi(p) + mpi(q) + mpi(pow(p, -1, q))
        elif self.curve.startswith("secp"):
            numbers = mpi(self.private.private_numbers().private_value)
        else:
            none = serialization.NoEncryption()
            raw = self.private.private_bytes(_RAW, serialization.PrivateFormat.Raw, none)
            numbers = mpi(int.from_bytes(raw if self.algorithm == EDDSA else raw[::-1], "big"))
        return self.body + b"\x00" + numbers + (sum(numbers) & 0xFFFF).to_bytes(2, "big")

    @property
    def hashed(self) -> bytes:
        """What a signature over this key hashes."""
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def fingerprint(self) -> bytes:
        """Twenty octets."""
        return hashlib.sha1(self.hashed).digest()

    @property
    def name(self) -> str:
        """The fingerprint as the program shows it."""
        return self.fingerprint.hex().upper()

    @property
    def key_id(self) -> bytes:
        """Eight octets."""
        return self.fingerprint[-8:]

    def sign(
        self,
        kind: int,
        covered: bytes,
        hashed: Sequence[bytes],
        unhashed: Sequence[bytes] = (),
        hash_id: int = SHA256,
        *,
        version: int = 4,
    ) -> bytes:
        """The body of a signature over octets, with exactly these subpackets (RFC 4880 §5.2.3)."""
        area, rest = b"".join(hashed), b"".join(unhashed)
        head = bytes((version, kind, self.algorithm, hash_id)) + len(area).to_bytes(2, "big") + area
        trailer = bytes((version, 0xFF)) + len(head).to_bytes(4, "big")
        digest = hashlib.new(_HASHES[hash_id].name, covered + head + trailer).digest()
        numbers = b"".join(mpi(number) for number in self._numbers(digest, hash_id))
        return head + len(rest).to_bytes(2, "big") + rest + digest[:2] + numbers

    def _numbers(self, digest: bytes, hash_id: int) -> tuple[int, ...]:
        """Sign a digest; the numbers as they stand in a signature."""
        prehashed = Prehashed(_HASHES[hash_id])
        if self.algorithm == RSA:
            return (
                int.from_bytes(self.private.sign(digest, padding.PKCS1v15(), prehashed), "big"),
            )
        if self.algorithm == EDDSA:
            made = self.private.sign(digest)
            return int.from_bytes(made[:32], "big"), int.from_bytes(made[32:], "big")
        return decode_dss_signature(self.private.sign(digest, ec.ECDSA(prehashed)))


def rsa_key(bits: int = 2048, made: int = MADE) -> Key:
    """A fresh RSA key."""
    return Key(RSA, rsa.generate_private_key(65537, bits), made)


def ed25519_key(made: int = MADE) -> Key:
    """A fresh signing key on edwards25519."""
    return Key(EDDSA, ed25519.Ed25519PrivateKey.generate(), made)


def x25519_key(made: int = MADE, kdf: bytes = _KDF) -> Key:
    """A fresh encryption key on curve25519."""
    return Key(ECDH, x25519.X25519PrivateKey.generate(), made, kdf)


def nist_key(curve: str = "P-256", made: int = MADE, *, algorithm: int = ECDSA) -> Key:
    """A fresh signing key on a curve of NIST, or with `ECDH` one for encryption."""
    return Key(algorithm, ec.generate_private_key(_NIST[curve]), made)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a signature says about itself, all in the hashed area but `unhashed`.

    `made` None leaves the date out; `issuer` None names the signer; `spoil` flips a bit of the
    numbers after signing.
    """

    made: int | None = MADE
    hash_id: int = SHA256
    expires: int | None = None
    key_expires: int | None = None
    flags: int | None = None
    reason: int | None = None
    extra: tuple[bytes, ...] = ()
    unhashed: tuple[bytes, ...] = ()
    issuer: Key | None = None
    spoil: bool = False


PLAIN = Terms()


def signature(kind: int, signer: Key, covered: bytes, terms: Terms = PLAIN) -> bytes:
    """The body of one version 4 signature over octets."""
    issuer = terms.issuer or signer
    parts = [subpacket(33, b"\x04" + issuer.fingerprint)]
    for number, value in ((2, terms.made), (3, terms.expires), (9, terms.key_expires)):
        if value is not None:
            parts.append(number_subpacket(number, value))
    if terms.flags is not None:
        parts.append(subpacket(27, bytes((terms.flags,))))
    if terms.reason is not None:
        parts.append(subpacket(29, bytes((terms.reason,)) + b"why"))
    hashed = [*parts, *terms.extra]
    unhashed = [subpacket(16, issuer.key_id), *terms.unhashed]
    made = bytearray(signer.sign(kind, covered, hashed, unhashed, terms.hash_id))
    made[-1] ^= terms.spoil
    return bytes(made)


def hashed_user_id(text: str | bytes) -> bytes:
    """What a certification hashes of a user id."""
    data = text.encode() if isinstance(text, str) else text
    return b"\xb4" + len(data).to_bytes(4, "big") + data


def primary_packet(key: Key, *, secret: bool = False) -> bytes:
    """The first packet of a block."""
    return packet(5, key.secret_body) if secret else packet(6, key.body)


def subkey_packet(key: Key, *, secret: bool = False) -> bytes:
    """A subkey without its binding."""
    return packet(7, key.secret_body) if secret else packet(14, key.body)


def user_id(text: str = USER) -> bytes:
    """A user id without its certification."""
    return packet(13, text.encode())


def certify(
    key: Key, text: str = USER, kind: int = 0x13, by: Key | None = None, **terms: Any
) -> bytes:
    """A self-signature over a user id; `by` makes it another's.

    It asks for the version 1 container: without that Sequoia sends the newer one.
    """
    said = Terms(**{"flags": CERTIFY | SIGN, **terms})
    said = replace(said, extra=(*said.extra, subpacket(30, b"\x01")))
    return packet(2, signature(kind, by or key, key.hashed + hashed_user_id(text), said))


def direct(key: Key, **terms: Any) -> bytes:
    """A direct-key signature."""
    return packet(2, signature(0x1F, key, key.hashed, Terms(**terms)))


def bind(key: Key, sub: Key, by: Key | None = None, *, back: bool = True, **terms: Any) -> bytes:
    """A subkey binding, with the back-signature that a signing subkey owes unless told not to."""
    said = Terms(**{"flags": ENCRYPT, **terms})
    if back and (said.flags or 0) & (SIGN | CERTIFY):
        inner = signature(0x19, sub, key.hashed + sub.hashed, Terms(made=said.made))
        said = replace(said, unhashed=(*said.unhashed, subpacket(32, inner)))
    return packet(2, signature(0x18, by or key, key.hashed + sub.hashed, said))


def revoke(key: Key, by: Key | None = None, **terms: Any) -> bytes:
    """A revocation of a primary key."""
    said = Terms(**{"reason": 0x02, **terms})
    return packet(2, signature(0x20, by or key, key.hashed, said))


def revoke_subkey(key: Key, sub: Key, by: Key | None = None, **terms: Any) -> bytes:
    """A revocation of a subkey."""
    said = Terms(**{"reason": 0x02, **terms})
    return packet(2, signature(0x28, by or key, key.hashed + sub.hashed, said))


def revoke_user_id(key: Key, text: str = USER, by: Key | None = None, **terms: Any) -> bytes:
    """A revocation of a certification."""
    said = Terms(**{"reason": 0x20, **terms})
    return packet(2, signature(0x30, by or key, key.hashed + hashed_user_id(text), said))


@dataclass(frozen=True)
class Person:
    """A primary key and an encryption subkey, and the valid block that they make."""

    primary: Key
    sub: Key
    user: str = USER
    flags: int = field(default=CERTIFY | SIGN)

    @property
    def head(self) -> bytes:
        """The valid block without the subkey."""
        return (
            primary_packet(self.primary)
            + user_id(self.user)
            + certify(self.primary, self.user, flags=self.flags)
        )

    @property
    def block(self) -> bytes:
        """The valid public block."""
        return self.head + subkey_packet(self.sub) + bind(self.primary, self.sub)

    @property
    def secret_block(self) -> bytes:
        """The valid private block, not sealed."""
        return (
            primary_packet(self.primary, secret=True)
            + user_id(self.user)
            + certify(self.primary, self.user, flags=self.flags)
            + subkey_packet(self.sub, secret=True)
            + bind(self.primary, self.sub)
        )


def person(user: str = USER, made: int = MADE) -> Person:
    """Somebody with a fresh Ed25519 and Cv25519 key."""
    return Person(ed25519_key(made), x25519_key(made), user)


def rsa_person(user: str = USER, made: int = MADE) -> Person:
    """Somebody with fresh RSA keys."""
    return Person(rsa_key(made=made), rsa_key(made=made), user)
