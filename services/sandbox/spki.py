"""Reads just enough of a public key in SPKI form to say what kind it is.

Closes the trap of a directory that publishes whatever it is given: the PEM must hold one key of the
announced algorithm, read here with a length-checked DER reader and no cryptography package.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

_PEM: Final = re.compile(
    r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)-----END PUBLIC KEY-----\s*"
)
_SEQUENCE: Final = 0x30
_OID: Final = 0x06
_BITS: Final = 0x03
_INTEGER: Final = 0x02
_RSA: Final = bytes.fromhex("2a864886f70d010101")
_EC: Final = bytes.fromhex("2a8648ce3d0201")
_P256: Final = bytes.fromhex("2a8648ce3d030107")
_ED25519: Final = bytes.fromhex("2b6570")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key's family (`RSA`, `ECDSA_P256`, `Ed25519`), its size in bits, and its fingerprint.

    The fingerprint is the SHA-256 of the SPKI in lower-case hex (api/assmbl.md §8).
    """

    family: str
    bits: int
    fingerprint: str

    def fits(self, algorithm: str) -> bool:
        """Whether the key is one of this directory algorithm."""
        if algorithm in ("RSA2048", "RSA4096"):
            return self.family == "RSA" and self.bits == int(algorithm[3:])
        return self.family == algorithm


def read_pem(text: str) -> PublicKey:
    """Return what an SPKI PEM holds; raises ValueError when it is not one."""
    found = _PEM.fullmatch(text)
    if not found:
        raise ValueError("no public key block")
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    outer, rest = _take(der, _SEQUENCE)
    algorithm, bits = _take(outer, _SEQUENCE)
    key, trailing = _take(bits, _BITS)
    oid, parameters = _take(algorithm, _OID)
    if rest or trailing or key[:1] != b"\x00":
        raise ValueError("bytes that do not belong to a key")
    family, size = _family(oid, parameters, key[1:])
    return PublicKey(family, size, hashlib.sha256(der).hexdigest())


def _family(oid: bytes, parameters: bytes, key: bytes) -> tuple[str, int]:
    if oid == _ED25519 and len(key) == 32:
        return "Ed25519", 256
    if oid == _EC and _take(parameters, _OID)[0] == _P256 and len(key) in (33, 65):
        return "ECDSA_P256", 256
    if oid == _RSA:
        modulus, _ = _take(_take(key, _SEQUENCE)[0], _INTEGER)
        bits = int.from_bytes(modulus, "big").bit_length()
        if bits >= 1024:
            return "RSA", bits
    raise ValueError("an algorithm that the directory does not take")


def _take(data: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the content of the first element and what follows it."""
    if len(data) < 2 or data[0] != tag:
        raise ValueError("not the expected element")
    length, start = data[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(data[2:start], "big")
    if start > 6 or start + length > len(data):
        raise ValueError("a length that does not fit")
    return data[start : start + length], data[start + length :]
