"""The public half of one key (RFC 4880 §5.5.2, RFC 6637): numbers, fingerprint, strength, arithmetic.

Closes the trap of asking a library whose view of a key is not the bytes: the fingerprint, the
numbers and every verification come from the packet body as it was received. Version 4 only; what a
key of another algorithm cannot do is told by `weakness`, so that it can still be named.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed, encode_dss_signature

from services.crypto.curves import CURVES, CV25519, ED25519, Curve
from services.crypto.errors import Damaged, Unsupported
from services.crypto.octets import Octets

RSA_LEAST: Final = 2048
RSA_MOST: Final = 16_384
BODY_LIMIT: Final = 0xFFFF
"""Octets of a body that can be hashed as a key (RFC 4880 §5.2.4)."""

Material: TypeAlias = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
)
"""cryptography's form of a key."""

HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - to honour an old revocation, never to trust anything
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_512": hashes.SHA3_512(),
}


class Algorithm(IntEnum):
    """Public-key algorithms (RFC 4880 §9.1, RFC 6637 §5)."""

    RSA = 1
    RSA_ENCRYPT = 2
    RSA_SIGN = 3
    ELGAMAL = 16
    DSA = 17
    ECDH = 18
    ECDSA = 19
    EDDSA = 22


_SIGNING: Final = frozenset({Algorithm.RSA, Algorithm.ECDSA, Algorithm.EDDSA})
_ENCRYPTING: Final = frozenset({Algorithm.RSA, Algorithm.ECDH})
_PRIMES: Final[Mapping[int, tuple[str, int]]] = {
    Algorithm.RSA: ("RSA", 2),
    Algorithm.RSA_ENCRYPT: ("RSA (encrypt only)", 2),
    Algorithm.RSA_SIGN: ("RSA (sign only)", 2),
    Algorithm.ELGAMAL: ("ElGamal", 3),
    Algorithm.DSA: ("DSA", 4),
}
"""Algorithms over primes: the name, and how many numbers a public key has."""


@dataclass(frozen=True, slots=True)
class PublicPart:
    """One public key or subkey, version 4.

    `made` in seconds since the epoch; `algorithm` its number; `bits` of the modulus or the field;
    `name` as shown ("RSA-4096", "Ed25519", "P-256"); `curve` its name or ""; `numbers` are n and e,
    or the point as one number; `kdf` the hash and cipher ids of an ECDH key; `weakness` is "" or the
    sentence why the key must not be used; `material` is None exactly then.
    """

    body: bytes = field(repr=False)
    made: int
    algorithm: int
    name: str
    bits: int
    fingerprint: str
    curve: str = ""
    numbers: tuple[int, ...] = field(default=(), repr=False)
    kdf: tuple[int, int] = (0, 0)
    weakness: str = ""
    material: Material | None = field(default=None, repr=False, compare=False)

    @classmethod
    def parse(cls, body: bytes, *, secret: bool = False) -> PublicPart:
        """Read a public packet's body, or with `secret` the public head of a secret one.

        Unsupported for another version, Damaged for numbers that make no key.
        """
        octets = Octets(body)
        version = octets.number(1)
        if version != 4:
            raise Unsupported(
                f"The key is OpenPGP version {version}; this program reads version 4.",
                "Ask its owner for a version 4 key.",
            )
        made, algorithm = octets.number(4), octets.number(1)
        if algorithm in _PRIMES:
            return _over_primes(cls, body, octets, made, algorithm, secret=secret)
        if algorithm in (Algorithm.ECDH, Algorithm.ECDSA, Algorithm.EDDSA):
            return _over_curve(cls, body, octets, made, algorithm, secret=secret)
        name = f"algorithm {algorithm}"
        return cls(body, made, algorithm, name, 0, _fingerprint(body), weakness=_not_used(name))

    @property
    def key_id(self) -> str:
        """The last 16 hex digits of the fingerprint."""
        return self.fingerprint[-16:]

    @property
    def can_sign(self) -> bool:
        """It makes signatures that this program verifies."""
        return self.material is not None and self.algorithm in _SIGNING

    @property
    def can_encrypt(self) -> bool:
        """It receives session keys that this program makes."""
        return self.material is not None and self.algorithm in _ENCRYPTING

    @property
    def hashed(self) -> bytes:
        """What a signature over this key hashes (RFC 4880 §5.2.4)."""
        return hashed_key(self.body)

    def verifies(self, values: tuple[int, ...], digest: bytes, hash_name: str) -> bool:
        """Tell whether signature values over a digest (hashlib's name) were made by this key."""
        if hash_name not in HASHES:
            return False
        try:
            return _verify(self, values, digest, Prehashed(HASHES[hash_name]))
        except (InvalidSignature, UnsupportedAlgorithm, ValueError, OverflowError):
            return False


def hashed_key(body: bytes) -> bytes:
    """Return a public key body as signatures hash it."""
    return b"\x99" + len(body).to_bytes(2, "big") + body


def _fingerprint(body: bytes) -> str:
    if len(body) > BODY_LIMIT:
        raise Damaged("The key is longer than a key can be.")
    # RFC 4880 §12.2 says SHA-1; nothing else may name a version 4 key.
    return hashlib.sha1(hashed_key(body), usedforsecurity=False).hexdigest().upper()


def _not_used(name: str) -> str:
    return f"The key uses {name}, which this program does not use."


def _over_primes(
    make: type[PublicPart], body: bytes, octets: Octets, made: int, algorithm: int, *, secret: bool
) -> PublicPart:
    family, count = _PRIMES[algorithm]
    numbers = tuple(octets.mpi() for _ in range(count))
    body = _cut(body, octets, secret=secret)
    bits = numbers[0].bit_length()
    name = f"{family}-{bits}"
    weakness = _not_used(name) if algorithm != Algorithm.RSA else _rsa_weakness(name, bits)
    return make(
        body,
        made,
        algorithm,
        name,
        bits,
        _fingerprint(body),
        numbers=numbers,
        weakness=weakness,
        material=None if weakness else _rsa(*numbers),
    )


def _rsa_weakness(name: str, bits: int) -> str:
    if bits < RSA_LEAST:
        return f"The key is {name}, which is too short to be safe."
    if bits > RSA_MOST:
        return f"The key is {name}, which is longer than this program uses."
    return ""


def _rsa(n: int, e: int) -> rsa.RSAPublicKey:
    try:
        if not n & 1 or e.bit_length() > 64:
            raise Damaged("The numbers of the key are none of RSA.")
        return rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError as error:
        raise Damaged("The numbers of the key are none of RSA.") from error


def _over_curve(
    make: type[PublicPart], body: bytes, octets: Octets, made: int, algorithm: int, *, secret: bool
) -> PublicPart:
    oid = octets.take(octets.number(1))
    curve = CURVES.get(oid, Curve("an unknown curve", 0))
    point = octets.mpi()
    kdf = _kdf(octets) if algorithm == Algorithm.ECDH else (0, 0)
    body = _cut(body, octets, secret=secret)
    weakness = "" if _fits(algorithm, curve, kdf) else _not_used(curve.name)
    return make(
        body,
        made,
        algorithm,
        curve.name,
        256 if curve.bits == 255 else curve.bits,
        _fingerprint(body),
        curve=curve.name,
        numbers=(point,),
        kdf=kdf,
        weakness=weakness,
        material=None if weakness else _point(curve, point),
    )


def _kdf(octets: Octets) -> tuple[int, int]:
    """Read the hash and the cipher that wrap a session key (RFC 6637 §9)."""
    field_ = octets.take(octets.number(1))
    if len(field_) != 3 or field_[0] != 1:
        return 0, 0
    return field_[1], field_[2]


def _fits(algorithm: int, curve: Curve, kdf: tuple[int, int]) -> bool:
    if algorithm == Algorithm.EDDSA:
        return curve is ED25519
    if algorithm == Algorithm.ECDSA:
        return curve.nist is not None
    # SHA-256, SHA-384 or SHA-512, and AES.
    return (
        (curve is CV25519 or curve.nist is not None)
        and kdf[0] in (8, 9, 10)
        and kdf[1] in (7, 8, 9)
    )


def _point(curve: Curve, point: int) -> Material:
    try:
        if curve.nist is not None:
            encoded = point.to_bytes(2 * curve.octets + 1, "big")
            return ec.EllipticCurvePublicKey.from_encoded_point(curve.nist, encoded)
        encoded = point.to_bytes(33, "big")
        if encoded[0] != 0x40:
            raise Damaged("The point of the key has an unknown form.")
        if curve is ED25519:
            return ed25519.Ed25519PublicKey.from_public_bytes(encoded[1:])
        return x25519.X25519PublicKey.from_public_bytes(encoded[1:])
    except (ValueError, OverflowError) as error:
        raise Damaged("The point of the key is not on its curve.") from error


def _cut(body: bytes, octets: Octets, *, secret: bool) -> bytes:
    """Return the public part of a body; nothing may follow it in a public packet."""
    if not secret:
        octets.end()
    return body[: octets.at]


def _verify(key: PublicPart, values: tuple[int, ...], digest: bytes, algorithm: Prehashed) -> bool:
    if isinstance(key.material, rsa.RSAPublicKey) and len(values) == 1:
        signature = values[0].to_bytes((key.bits + 7) // 8, "big")
        key.material.verify(signature, digest, padding.PKCS1v15(), algorithm)
        return True
    if len(values) != 2:
        return False
    if isinstance(key.material, ed25519.Ed25519PublicKey):
        signature = values[0].to_bytes(32, "big") + values[1].to_bytes(32, "big")
        key.material.verify(signature, digest)
        return True
    if key.algorithm == Algorithm.ECDSA and isinstance(key.material, ec.EllipticCurvePublicKey):
        key.material.verify(encode_dss_signature(*values), digest, ec.ECDSA(algorithm))
        return True
    return False
