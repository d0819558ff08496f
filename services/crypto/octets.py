"""Reading octets in order, with one error when they run out.

Closes the trap of slices: Python gives a short one without a word, and a cut field becomes a wrong
number.
"""

from __future__ import annotations

from services.crypto.errors import Damaged


class Octets:
    """A place in a run of octets that moves forward; every method raises Damaged at the end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def at(self) -> int:
        """The place, counted from the start of the data."""
        return self._at

    @property
    def left(self) -> int:
        """Octets still to come."""
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        """Return the next octets."""
        if count > self.left:
            raise Damaged
        start, self._at = self._at, self._at + count
        return self._data[start : self._at]

    def number(self, count: int) -> int:
        """Return the next octets as one big-endian number."""
        return int.from_bytes(self.take(count), "big")

    def mpi(self) -> int:
        """Return a multiprecision integer (RFC 4880 §3.2); its bit count has to be exact."""
        bits = self.number(2)
        value = self.number((bits + 7) // 8)
        if value.bit_length() != bits:
            raise Damaged
        return value

    def end(self) -> None:
        """Say that nothing may follow."""
        if self.left:
            raise Damaged
