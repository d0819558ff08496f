"""What a signature says about itself: its subpackets (RFC 4880 §5.2.3.1).

Closes the trap of trusting the area that no signature covers: the caller gives one area, and takes
dates and flags from the hashed one alone. A critical subpacket that this program does not act upon
is reported, because it may narrow what the signature is for.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    REVOCABLE = 7
    KEY_EXPIRES = 9
    CIPHERS = 11
    ISSUER = 16
    HASHES = 21
    COMPRESSIONS = 22
    PRIMARY_USER_ID = 25
    FLAGS = 27
    REASON = 29
    FEATURES = 30
    EMBEDDED = 32
    ISSUER_FINGERPRINT = 33
    INTENDED_RECIPIENT = 35


UNDERSTOOD: Final = frozenset(Kind) - {Kind.EXPORTABLE, Kind.REVOCABLE}
"""What may be critical: these are acted upon, or ask for nothing here."""


@dataclass(frozen=True, slots=True)
class Subpacket:
    """One subpacket without its length."""

    kind: int
    critical: bool
    data: bytes

    def number(self, octets: int) -> int:
        """Return the content as a number of exactly that size; Damaged else."""
        if len(self.data) != octets:
            raise Damaged("A signature holds a field of the wrong size.")
        return int.from_bytes(self.data, "big")


def read_area(area: bytes) -> Iterator[Subpacket]:
    """Yield the subpackets of one area; Damaged when a length does not fit."""
    at = 0
    while at < len(area):
        length, at = _length(area, at)
        octets = Octets(area, at)
        content = octets.take(length)
        at = octets.at
        if not content:
            raise Damaged("A signature holds an empty field.")
        yield Subpacket(content[0] & 0x7F, bool(content[0] & 0x80), content[1:])


def _length(area: bytes, at: int) -> tuple[int, int]:
    """Read a length; unlike a packet's, 224 to 254 mean two octets and none is partial."""
    try:
        if 224 <= area[at] < 255:
            return ((area[at] - 192) << 8) + area[at + 1] + 192, at + 2
        length, behind, _ = read_length(area, at)
    except IndexError:
        raise Damaged from None
    return length, behind
