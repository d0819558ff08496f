"""What a signature says about itself: its subpackets (RFC 4880 §5.2.3.1).

Closes two traps. Trusting the area that no signature covers: the caller gives one area, and takes
dates and flags from the hashed one alone; a critical subpacket that this program does not act upon
is reported, because it may narrow what the signature is for. And reading half a field: what has not
the form of its kind voids the whole signature, as it does for Sequoia.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from services.crypto.errors import Damaged
from services.crypto.octets import Octets
from services.crypto.packets import read_length


class Kind(IntEnum):
    """The subpackets that are read (RFC 4880 §5.2.3.1, RFC 9580 §5.2.3.7)."""

    MADE = 2
    EXPIRES = 3
    EXPORTABLE = 4
    TRUST = 5
    REGULAR_EXPRESSION = 6
    REVOCABLE = 7
    KEY_EXPIRES = 9
    CIPHERS = 11
    REVOKER = 12
    ISSUER = 16
    NOTATION = 20
    HASHES = 21
    COMPRESSIONS = 22
    PRIMARY_USER_ID = 25
    FLAGS = 27
    REASON = 29
    FEATURES = 30
    TARGET = 31
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33
    INTENDED_RECIPIENT = 35
    ATTESTED = 37
    AEAD_SUITES = 39


UNDERSTOOD: Final = frozenset(
    {
        Kind.MADE,
        Kind.EXPIRES,
        Kind.KEY_EXPIRES,
        Kind.CIPHERS,
        Kind.ISSUER,
        Kind.HASHES,
        Kind.COMPRESSIONS,
        Kind.PRIMARY_USER_ID,
        Kind.FLAGS,
        Kind.REASON,
        Kind.FEATURES,
        Kind.EMBEDDED,
        Kind.ISSUER_FINGERPRINT,
        Kind.INTENDED_RECIPIENT,
    }
)
"""What may be critical: these are acted upon, or ask for nothing here."""


def _of_size(octets: int) -> Callable[[bytes], bool]:
    return lambda data: len(data) == octets


def _is_switch(data: bytes) -> bool:
    return data in (b"\x00", b"\x01")


def _is_notation(data: bytes) -> bool:
    """Four octets of flags, two lengths, a name and a value of these lengths."""
    sizes = int.from_bytes(data[4:6], "big") + int.from_bytes(data[6:8], "big")
    return len(data) >= 8 and len(data) == 8 + sizes


def _is_fingerprint(data: bytes) -> bool:
    return (data[:1], len(data)) in ((b"\x04", 21), (b"\x06", 33))


_FORMS: Final[Mapping[int, Callable[[bytes], bool]]] = {
    Kind.MADE: _of_size(4),
    Kind.EXPIRES: _of_size(4),
    Kind.EXPORTABLE: _is_switch,
    Kind.TRUST: _of_size(2),
    Kind.REGULAR_EXPRESSION: lambda data: data.endswith(b"\x00"),
    Kind.REVOCABLE: _is_switch,
    Kind.KEY_EXPIRES: _of_size(4),
    Kind.REVOKER: lambda data: len(data) == 22 and data[0] & 0x80 != 0,
    Kind.ISSUER: _of_size(8),
    Kind.NOTATION: _is_notation,
    Kind.PRIMARY_USER_ID: _is_switch,
    Kind.REASON: lambda data: len(data) >= 1,
    Kind.TARGET: lambda data: len(data) >= 2,
    Kind.ISSUER_FINGERPRINT: _is_fingerprint,
    Kind.INTENDED_RECIPIENT: _is_fingerprint,
    Kind.ATTESTED: lambda data: not data,
    Kind.AEAD_SUITES: lambda data: len(data) % 2 == 0,
}
"""The form of each kind that has one (RFC 9580 §5.2.3); the embedded signature is its own."""


@dataclass(frozen=True, slots=True)
class Subpacket:
    """One subpacket without its length."""

    kind: int
    critical: bool
    data: bytes


def read_area(area: bytes) -> Iterator[Subpacket]:
    """Yield the subpackets of one area; Damaged when a length or a form does not fit."""
    at = 0
    while at < len(area):
        length, at = _length(area, at)
        octets = Octets(area, at)
        content = octets.take(length)
        at = octets.at
        if not content:
            raise Damaged("A signature holds an empty field.")
        kind, data = content[0] & 0x7F, content[1:]
        if kind in _FORMS and not _FORMS[kind](data):
            raise Damaged("A signature holds a field of a wrong form.")
        yield Subpacket(kind, bool(content[0] & 0x80), data)


def _length(area: bytes, at: int) -> tuple[int, int]:
    """Read a length; unlike a packet's, 224 to 254 mean two octets and none is partial."""
    try:
        if 224 <= area[at] < 255:
            return ((area[at] - 192) << 8) + area[at + 1] + 192, at + 2
        length, behind, _ = read_length(area, at)
    except IndexError:
        raise Damaged from None
    return length, behind
