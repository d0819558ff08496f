"""The index of the messages: one array per fact, one slot per message.

Closes the trap of loading documents to sort, count or filter. Sharing with snapshots is copy on
write: appending leaves what a snapshot sees untouched, so only an edit of a published column copies
it. A slot's date, sender and text never change: a message whose text changed gets a new slot.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

DEAD: Final = 0xFFFF_FFFF
"""The label set of a slot whose message is gone or has another slot now."""

EDITED: Final = ("flags", "labels", "offsets", "lengths", "order")
"""Columns in which existing values change; all others only grow."""
CODES: Final = {
    "dates": "q", "doc_ids": "Q", "senders": "Q", "texts": "I", "labels": "I", "offsets": "Q",
    "lengths": "I", "order": "I",
}  # fmt: skip


@dataclass(slots=True)
class Columns:
    """Parallel arrays by slot; `order` lists the living slots by date, then slot, ascending."""

    dates: array[int]
    """Seconds since the epoch."""
    doc_ids: array[int]
    """The TinyDB id: a keyed hash of the message id."""
    senders: array[int]
    """A keyed hash of the correspondent's address."""
    texts: array[int]
    """CRC32 of sender, subject and preview."""
    labels: array[int]
    """The number of the label set, or DEAD."""
    offsets: array[int]
    lengths: array[int]
    order: array[int]
    flags: bytearray
    """RowFlag bits."""
    straight: bool = True
    """Whether `order` is simply all slots: every message came in the order of its date."""

    @classmethod
    def empty(cls) -> Columns:
        """Return columns without a message."""
        fresh: dict[str, Any] = {name: array(code) for name, code in CODES.items()}
        return cls(**fresh, flags=bytearray())

    def alive(self, slot: int) -> bool:
        """Say whether a slot holds a message."""
        return self.labels[slot] != DEAD

    def key(self, slot: int) -> tuple[int, int]:
        """Return what slots are sorted by."""
        return self.dates[slot], slot

    def position(self, slot: int) -> int:
        """Return where in `order` a slot stands or would stand."""
        return bisect_left(self.order, self.key(slot), key=self.key)

    def copy_of(self, slots: Iterable[int]) -> Columns:
        """Return columns that hold these slots only, renumbered in this order."""
        chosen = array("I", slots)
        copied = Columns.empty()
        for name, code in CODES.items():
            if name != "order":
                pick: Callable[[int], int] = getattr(self, name).__getitem__
                setattr(copied, name, array(code, map(pick, chosen)))
        copied.flags = bytearray(map(self.flags.__getitem__, chosen))
        copied.order = array("I", range(len(chosen)))
        return copied


class SharedColumns:
    """Columns that are published to snapshots and edited afterwards."""

    def __init__(self, columns: Columns) -> None:
        self.now = columns
        self._published: set[str] = set()

    def publish(self) -> Columns:
        """Return the columns as they are; later edits copy first. Appended slots may show up."""
        self._published.update(EDITED)
        now = self.now
        return Columns(
            now.dates, now.doc_ids, now.senders, now.texts, now.labels, now.offsets,
            now.lengths, now.order, now.flags, now.straight,
        )  # fmt: skip

    def own(self, *names: str) -> Columns:
        """Return the columns with these ones free to be edited."""
        for name in names:
            if name in self._published:
                self._published.discard(name)
                setattr(self.now, name, getattr(self.now, name)[:])
        return self.now

    def append(
        self, *, date: int, doc_id: int, sender: int, text: int, labels: int, flags: int,
        place: tuple[int, int],
    ) -> int:  # fmt: skip
        """Add a slot (not yet in `order`) and return its number."""
        now = self.now
        slot = len(now.dates)
        now.doc_ids.append(doc_id)
        now.senders.append(sender)
        now.texts.append(text)
        now.labels.append(labels)
        now.offsets.append(place[0])
        now.lengths.append(place[1])
        now.flags.append(flags)
        now.dates.append(date)
        return slot
