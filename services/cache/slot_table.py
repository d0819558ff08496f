"""A hash table of 4 bytes per cell: from a 64-bit key to the slot whose column holds that key.

Closes the trap of a dictionary of 100,000 numbers (10 MB): the keys already stand in a column, and
they are keyed hashes, so they need no further mixing.
"""

from __future__ import annotations

from array import array
from typing import Final

MISSING: Final = -1
_SMALLEST: Final = 64


class SlotTable:
    """Open addressing; a cell holds the slot plus one, 0 is empty. Slots are never taken out."""

    __slots__ = ("_keys", "_used", "cells")

    def __init__(self, keys: array[int], cells: array[int] | None = None, used: int = 0) -> None:
        self._keys = keys
        self._used = used
        self.cells = cells or array("I", bytes(4 * _SMALLEST))

    @property
    def used(self) -> int:
        """Cells that are not empty."""
        return self._used

    def get(self, key: int) -> int:
        """Return the slot of a key, or MISSING; safe beside a thread that sets."""
        cells = self.cells
        mask = len(cells) - 1
        at = key & mask
        while cells[at]:
            slot = cells[at] - 1
            if self._keys[slot] == key:
                return slot
            at = (at + 1) & mask
        return MISSING

    def set(self, key: int, slot: int) -> None:
        """Point a key to a slot; the key column holds it already."""
        mask = len(self.cells) - 1
        at = key & mask
        while self.cells[at]:
            if self._keys[self.cells[at] - 1] == key:
                self.cells[at] = slot + 1
                return
            at = (at + 1) & mask
        self.cells[at] = slot + 1
        self._used += 1
        if 3 * self._used > 2 * len(self.cells):
            self._grow()

    def _grow(self) -> None:
        cells = array("I", bytes(2 * self.cells.itemsize * len(self.cells)))
        mask = len(cells) - 1
        for value in filter(None, self.cells):
            at = self._keys[value - 1] & mask
            while cells[at]:
                at = (at + 1) & mask
            cells[at] = value
        self.cells = cells
