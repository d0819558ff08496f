"""One signature packet, version 4 (RFC 4880 §5.2.3): what it claims and whether a key made it.

Closes three traps: PGPy calls a signature good that covers nothing, hashes a re-serialised area (so
keys of newer programs read as forged), and ignores what a critical subpacket asks for. Here the raw
hashed area is hashed, and dates, flags and issuers count only when they stand in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from services.crypto.errors import Damaged, Unsupported
from services.crypto.octets import Octets
from services.crypto.public_parts import Algorithm, PublicPart
from services.crypto.subpackets import UNDERSTOOD, Kind, Subpacket, read_area

CLOCK_LEEWAY: Final = 300
"""Seconds that a signature may seem to be from the future: clocks differ."""

HASH_NAMES: Final[Mapping[int, str]] = {
    1: "md5",
    2: "sha1",
    3: "ripemd160",
    8: "sha256",
    9: "sha384",
    10: "sha512",
    11: "sha224",
    12: "sha3_256",
    14: "sha3_512",
}
STRONG: Final = frozenset({8, 9, 10})
"""SHA-256, SHA-384, SHA-512: the only hashes that a signature may rest on."""
_READABLE: Final = frozenset(HASH_NAMES) - {1, 3}
_VALUES: Final[Mapping[int, int]] = {
    Algorithm.RSA: 1,
    Algorithm.RSA_SIGN: 1,
    Algorithm.DSA: 2,
    Algorithm.ECDSA: 2,
    Algorithm.EDDSA: 2,
}
_FIXED: Final = 6
"""Octets before the hashed area: version, type, algorithm, hash, size."""


class SignatureType(IntEnum):
    """What a signature is about (RFC 4880 §5.2.1)."""

    BINARY = 0x00
    TEXT = 0x01
    STANDALONE = 0x02
    GENERIC = 0x10
    PERSONA = 0x11
    CASUAL = 0x12
    POSITIVE = 0x13
    SUBKEY_BINDING = 0x18
    PRIMARY_BINDING = 0x19
    DIRECT_KEY = 0x1F
    KEY_REVOCATION = 0x20
    SUBKEY_REVOCATION = 0x28
    CERTIFICATION_REVOCATION = 0x30
    TIMESTAMP = 0x40


class Hasher(Protocol):
    """What hashlib gives."""

    def update(self, data: bytes, /) -> None: ...

    def copy(self) -> Hasher: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """One version 4 signature. Everything but `issuers` and `embedded` is from the hashed area alone.

    `made` 0 when absent; `expires` and `key_expires` are seconds after the making of the signature
    and of the key, None when absent or 0 (never); `flags`, `features` and `reason` None when absent;
    `issuers` are key ids and fingerprints, a hint only (upper-case hex); `recipients` the
    fingerprints that it is meant for; `critical` tells of a critical subpacket that this program
    does not act upon, which voids the signature; `embedded` are signatures inside, which prove
    themselves (and hold no further ones).
    """

    type: int
    algorithm: int
    hash_id: int
    made: int
    expires: int | None
    key_expires: int | None
    flags: int | None
    features: int | None
    reason: int | None
    primary_user_id: bool
    issuers: tuple[str, ...]
    recipients: tuple[str, ...]
    critical: bool
    embedded: tuple[Signature, ...] = field(repr=False)
    trailer: bytes = field(repr=False)
    start: bytes = field(repr=False)
    values: tuple[int, ...] = field(repr=False)

    @classmethod
    def parse(cls, body: bytes) -> Signature:
        """Read a signature packet's body; Unsupported for another version, Damaged for a wrong form.

        What is inside has to be right as well, hashed or not.
        """
        return _read(cls, body, inside=False)

    def fault(self, now: int) -> str:
        """Return why this signature counts for nothing whoever made it, "" when it may count."""
        if self.hash_id not in STRONG:
            name = (
                HASH_NAMES.get(self.hash_id, f"hash {self.hash_id}")
                .upper()
                .replace("SHA1", "SHA-1")
            )
            return f"It rests on {name}, which can be forged or is not known."
        if self.critical:
            return "It sets a condition that this program does not know."
        if not self.made:
            return "It tells no date."
        if self.made > now + CLOCK_LEEWAY:
            return "Its date lies in the future."
        if self.expires is not None and self.made + self.expires <= now:
            return "It has expired."
        return ""

    def new_hash(self) -> Hasher:
        """Start a hash for what is signed; feed it the data, then ask `made_by`.

        Of a text signature feed lines that end in CRLF. Unsupported for a hash that is not read.
        """
        if self.hash_id not in _READABLE:
            raise Unsupported("The signature rests on a hash that this program does not read.")
        return hashlib.new(HASH_NAMES[self.hash_id], usedforsecurity=False)

    def made_by(self, key: PublicPart, hasher: Hasher) -> bool:
        """Tell whether the key made this signature over what the hasher was fed.

        The hasher may be asked again with another key. Ask `fault` and the type besides.
        """
        final = hasher.copy()
        final.update(self.trailer)
        return self.signs(key, final.digest())

    def covers(self, key: PublicPart, *parts: bytes) -> bool:
        """Tell whether the key made this signature over the parts, one after the other."""
        digest = self.digest(*parts)
        return digest is not None and self.signs(key, digest)

    def digest(self, *parts: bytes) -> bytes | None:
        """Return the hash over parts and trailer, None when the hash is not read."""
        if self.hash_id not in _READABLE:
            return None
        hasher = self.new_hash()
        for part in parts:
            hasher.update(part)
        hasher.update(self.trailer)
        return hasher.digest()

    def signs(self, key: PublicPart, digest: bytes) -> bool:
        """Tell whether the key signed a whole digest."""
        if key.algorithm != self.algorithm or not key.can_sign:
            return False
        return key.verifies(self.values, digest, HASH_NAMES[self.hash_id])

    def names(self, key: PublicPart) -> bool:
        """Tell whether the issuer hints allow this key (True when there are none)."""
        return not self.issuers or key.fingerprint in self.issuers or key.key_id in self.issuers


def _read(make: type[Signature], body: bytes, *, inside: bool) -> Signature:
    octets = Octets(body)
    version = octets.number(1)
    if version != 4:
        raise Unsupported(f"The signature is OpenPGP version {version}, not version 4.")
    kind, algorithm, hash_id = octets.take(3)
    hashed = tuple(read_area(octets.take(octets.number(2))))
    covered = body[: octets.at]
    both = hashed + tuple(read_area(octets.take(octets.number(2))))
    start = octets.take(2)
    values = tuple(octets.mpi() for _ in range(_VALUES.get(algorithm, 0)))
    if algorithm in _VALUES:
        octets.end()
    said = _Said(hashed)
    return make(
        type=kind,
        algorithm=algorithm,
        hash_id=hash_id,
        made=said.number(Kind.MADE) or 0,
        expires=said.number(Kind.EXPIRES) or None,
        key_expires=said.number(Kind.KEY_EXPIRES) or None,
        flags=said.bits(Kind.FLAGS),
        features=said.bits(Kind.FEATURES),
        reason=said.bits(Kind.REASON),
        primary_user_id=bool(said.bits(Kind.PRIMARY_USER_ID)),
        issuers=_issuers(both),
        recipients=_fingerprints(hashed, Kind.INTENDED_RECIPIENT),
        critical=any(part.critical and part.kind not in UNDERSTOOD for part in hashed),
        embedded=_embedded(make, both, inside=inside),
        trailer=covered + b"\x04\xff" + len(covered).to_bytes(4, "big"),
        start=start,
        values=values,
    )


class _Said:
    """The hashed area by kind; of a repeated field the last one counts, as elsewhere."""

    __slots__ = ("_last",)

    def __init__(self, area: tuple[Subpacket, ...]) -> None:
        self._last = {part.kind: part for part in area}

    def number(self, kind: Kind) -> int | None:
        """Return a number, None when absent."""
        part = self._last.get(kind)
        return None if part is None else int.from_bytes(part.data, "big")

    def bits(self, kind: Kind) -> int | None:
        """Return the first octet, None when absent."""
        part = self._last.get(kind)
        return None if part is None else (part.data[0] if part.data else 0)


def _embedded(
    make: type[Signature], parts: tuple[Subpacket, ...], *, inside: bool
) -> tuple[Signature, ...]:
    bodies = [part.data for part in parts if part.kind == Kind.EMBEDDED]
    if bodies and inside:
        raise Damaged("A signature holds signatures within signatures.")
    return tuple(_read(make, body, inside=True) for body in bodies)


def _fingerprints(parts: tuple[Subpacket, ...], kind: Kind) -> tuple[str, ...]:
    return tuple(part.data[1:].hex().upper() for part in parts if part.kind == kind)


def _issuers(parts: tuple[Subpacket, ...]) -> tuple[str, ...]:
    key_ids = tuple(part.data.hex().upper() for part in parts if part.kind == Kind.ISSUER)
    return key_ids + _fingerprints(parts, Kind.ISSUER_FINGERPRINT)
