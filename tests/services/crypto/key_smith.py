"""Keys and signatures made by hand, packet by packet, so that a test can make each one wrong.

`SmithKey` is one private key with its public body; `certificate` puts a whole block together. All
arithmetic is cryptography's own; nothing of `services.crypto` but the packet writer is used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.crypto.packets import Tag, join, new_length

NOW = 1_790_000_000
"""The moment at which hand-made keys are judged."""
DAY = 86_400
MADE = NOW - 100 * DAY

CERTIFY, SIGN, ENCRYPT = 0x01, 0x02, 0x0C
HASHES = {"md5": 1, "sha1": 2, "sha256": 8, "sha384": 9, "sha512": 10, "sha224": 11}
CURVE_IDS = {
    "ed25519": "2B06010401DA470F01",
    "cv25519": "2B060104019755010501",
    "P-256": "2A8648CE3D030107",
    "P-384": "2B81040022",
    "P-521": "2B81040023",
}
NIST = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


def mpi(number: int) -> bytes:
    return number.bit_length().to_bytes(2, "big") + number.to_bytes(
        (number.bit_length() + 7) // 8, "big"
    )


def field(kind: int, data: bytes, *, critical: bool = False) -> bytes:
    """One subpacket."""
    content = bytes((kind | (0x80 if critical else 0),)) + data
    return new_length(len(content)) + content


def made(moment: int = MADE) -> bytes:
    return field(2, moment.to_bytes(4, "big"))


def expires(seconds: int) -> bytes:
    return field(3, seconds.to_bytes(4, "big"))


def key_expires(seconds: int) -> bytes:
    return field(9, seconds.to_bytes(4, "big"))


def flags(bits: int) -> bytes:
    return field(27, bytes((bits,)))


def reason(code: int) -> bytes:
    return field(29, bytes((code,)) + b"why not")


def embedded(signature: bytes) -> bytes:
    return field(32, signature)


def _head(algorithm: int, moment: int) -> bytes:
    return b"\x04" + moment.to_bytes(4, "big") + bytes((algorithm,))


def _curve_body(algorithm: int, moment: int, curve: str, point: bytes) -> bytes:
    oid = bytes.fromhex(CURVE_IDS[curve])
    return _head(algorithm, moment) + bytes((len(oid),)) + oid + mpi(int.from_bytes(point))


@dataclass(frozen=True)
class SmithKey:
    """One private key and the body of its public packet."""

    private: Any
    algorithm: int
    body: bytes

    @classmethod
    def ed25519(cls, moment: int = MADE) -> SmithKey:
        private = ed25519.Ed25519PrivateKey.generate()
        point = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(private, 22, _curve_body(22, moment, "ed25519", b"\x40" + point))

    @classmethod
    def cv25519(cls, moment: int = MADE, kdf: bytes = b"\x03\x01\x08\x07") -> SmithKey:
        private = x25519.X25519PrivateKey.generate()
        point = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return cls(private, 18, _curve_body(18, moment, "cv25519", b"\x40" + point) + kdf)

    @classmethod
    def nist(cls, curve: str, moment: int = MADE, *, sign: bool) -> SmithKey:
        private = ec.generate_private_key(NIST[curve])
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        if sign:
            return cls(private, 19, _curve_body(19, moment, curve, point))
        return cls(private, 18, _curve_body(18, moment, curve, point) + b"\x03\x01\x08\x07")

    @classmethod
    def rsa(cls, bits: int, moment: int = MADE) -> SmithKey:
        return cls.from_rsa(rsa.generate_private_key(65537, bits), moment)

    @classmethod
    def from_rsa(cls, private: rsa.RSAPrivateKey, moment: int = MADE) -> SmithKey:
        numbers = private.public_key().public_numbers()
        return cls(private, 1, _head(1, moment) + mpi(numbers.n) + mpi(numbers.e))

    @property
    def hashed(self) -> bytes:
        return b"\x99" + len(self.body).to_bytes(2, "big") + self.body

    @property
    def fingerprint(self) -> str:
        return hashlib.sha1(self.hashed).hexdigest().upper()

    def issuer(self) -> bytes:
        return field(16, bytes.fromhex(self.fingerprint[-16:]))

    def sign(
        self,
        kind: int,
        parts: bytes,
        hashed: Sequence[bytes],
        unhashed: Sequence[bytes] = (),
        hash_name: str = "sha256",
        version: int = 4,
    ) -> bytes:
        """The body of a signature packet over the parts."""
        area = b"".join(hashed)
        start = bytes((version, kind, self.algorithm, HASHES[hash_name]))
        covered = start + len(area).to_bytes(2, "big") + area
        trailer = bytes((version, 0xFF)) + len(covered).to_bytes(4, "big")
        digest = hashlib.new(hash_name, parts + covered + trailer).digest()
        rest = b"".join(unhashed)
        return (
            covered
            + len(rest).to_bytes(2, "big")
            + rest
            + digest[:2]
            + b"".join(mpi(value) for value in self._values(digest, hash_name))
        )

    def _values(self, digest: bytes, hash_name: str) -> tuple[int, ...]:
        algorithm = utils.Prehashed(getattr(hashes, hash_name.upper())())
        if self.algorithm == 1:
            return (int.from_bytes(self.private.sign(digest, padding.PKCS1v15(), algorithm)),)
        if self.algorithm == 22:
            signature = self.private.sign(digest)
            return int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        return utils.decode_dss_signature(self.private.sign(digest, ec.ECDSA(algorithm)))


def hashed_user_id(user_id: bytes) -> bytes:
    return b"\xb4" + len(user_id).to_bytes(4, "big") + user_id


def self_signature(
    primary: SmithKey, user_id: bytes, *more: bytes, moment: int = MADE, hash_name: str = "sha256"
) -> bytes:
    """A positive certification of a user id by the primary: `more` are hashed subpackets."""
    fields = [made(moment), *(more or (flags(CERTIFY | SIGN),))]
    parts = primary.hashed + hashed_user_id(user_id)
    return primary.sign(0x13, parts, fields, [primary.issuer()], hash_name)


def binding(
    primary: SmithKey,
    subkey: SmithKey,
    *more: bytes,
    moment: int = MADE,
    bits: int = ENCRYPT,
    hash_name: str = "sha256",
) -> bytes:
    """A subkey binding by the primary."""
    fields = [made(moment), flags(bits), *more]
    parts = primary.hashed + subkey.hashed
    return primary.sign(0x18, parts, fields, [primary.issuer()], hash_name)


def back_signature(
    subkey: SmithKey, primary: SmithKey, *more: bytes, moment: int = MADE, hash_name: str = "sha256"
) -> bytes:
    """The signing subkey's word that it belongs to the primary."""
    parts = primary.hashed + subkey.hashed
    return subkey.sign(0x19, parts, [made(moment), *more], hash_name=hash_name)


def revocation(
    by: SmithKey,
    kind: int,
    parts: bytes,
    code: int | None = 2,
    moment: int = MADE + DAY,
    **more: Any,
) -> bytes:
    fields = [made(moment)] + ([] if code is None else [reason(code)])
    return by.sign(kind, parts, fields, [by.issuer()], **more)


USER_ID = b"Ada <ada@example.org>"


def certificate(
    primary: SmithKey,
    *subkeys: tuple[SmithKey, Sequence[bytes]],
    user_id: bytes = USER_ID,
    names: Sequence[bytes] | None = None,
    direct: Sequence[bytes] = (),
) -> bytes:
    """A binary block: the primary, signatures on it, one user id with its own, subkeys with theirs."""
    names = [self_signature(primary, user_id)] if names is None else names
    out = [join(Tag.PUBLIC_KEY, primary.body)]
    out += [join(Tag.SIGNATURE, body) for body in direct]
    out.append(join(Tag.USER_ID, user_id))
    out += [join(Tag.SIGNATURE, body) for body in names]
    for subkey, bodies in subkeys:
        out.append(join(Tag.PUBLIC_SUBKEY, subkey.body))
        out += [join(Tag.SIGNATURE, body) for body in bodies]
    return b"".join(out)
