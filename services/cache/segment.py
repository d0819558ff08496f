"""A few thousand messages as folded text, the unit in which text is kept and searched.

Closes two traps: an index of words, which cannot find the middle of a word, and a copy of all text
in memory: a segment reads its text from wherever it is held, for as long as one look takes.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, compress, pairwise
from typing import Final, Protocol, TypeAlias

from services.query import Field, Term, fold

GONE: Final = 0xFFFF_FFFF
"""The slot of a record whose message is gone."""
SEGMENT: Final = 2_000
"""Records in a full segment."""
SPARSE: Final = 64
"""Up to so many hits in a segment are found one by one; beyond, all its records are looked at."""

_folded_sender = lru_cache(maxsize=1_024)(fold)

Mask = bytes
"""One byte for each record of a segment: 1 if it is among those meant."""
Slots: TypeAlias = "range | array[int]"


class Source(Protocol):
    """Where the text of a segment is held."""

    def read(self, begin: int, end: int) -> str: ...


@dataclass(frozen=True, slots=True)
class HeldText:
    """Text in memory."""

    text: str

    def read(self, begin: int, end: int) -> str:
        """Return a part of it."""
        return self.text[begin:end]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Records `sender LF subject LF preview NUL LF`, their offsets and the slots they belong to.

    The text is UTF-8 with one character per byte: as small as bytes, and Python takes it apart
    much faster. Segments never change, so readers and the builder need no lock.
    """

    source: Source
    length: int
    starts: array[int]
    slots: Slots
    """A range where they are consecutive: a mask is then copied as a whole."""

    @property
    def text(self) -> str:
        """All of it: a copy if it is not in memory."""
        return self.source.read(0, self.length)

    @property
    def is_held(self) -> bool:
        """Whether the text takes memory."""
        return isinstance(self.source, HeldText)

    def with_slots(self, slots: Iterable[int]) -> Segment:
        """Return the same records for slots that have other numbers now."""
        return Segment(self.source, self.length, self.starts, straightened(array("I", slots)))

    def records(self) -> Iterator[tuple[int, str]]:
        """Yield every slot with its record."""
        text = self.text
        ends = [*self.starts[1:], self.length]
        for slot, start, end in zip(self.slots, self.starts, ends, strict=True):
            yield slot, text[start:end]

    def record(self, number: int) -> str:
        """Return a record without its end."""
        last = number + 1 == len(self.starts)
        end = self.length if last else self.starts[number + 1]
        return self.source.read(self.starts[number], end - 2)

    def mask(self, numbers: Iterable[int]) -> Mask:
        """Return a mask of these records."""
        mask = bytearray(len(self.slots))
        for number in numbers:
            mask[number] = 1
        return bytes(mask)

    def mark(self, mask: bytearray, hits: Mask) -> None:
        """Set the slots of the records hit in a mask by slot.

        What has no place there came after the snapshot that asks, or is gone.
        """
        slots = self.slots
        if isinstance(slots, range) and slots and max(slots[0], slots[-1]) < len(mask):
            low = min(slots[0], slots[-1])
            mask[low : low + len(slots)] = hits[:: slots.step]
            return
        for slot in compress(slots, hits):
            if slot < len(mask):
                mask[slot] = 1


class Look:
    """One look at a segment: its text is read and taken apart once for all terms of a query."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._text: str | None = None
        self._pieces: dict[str, list[str]] = {}

    def find(self, term: Term, among: Mask | None) -> Mask:
        """Return the records that hold a term, of those `among` which it is asked (None: all)."""
        needle = narrow(term.value)
        segment = self._segment
        if among is not None and among.count(1) < SPARSE:
            few = [n for n, wanted in enumerate(among) if wanted] if 1 in among else []
            return segment.mask(n for n in few if holds(segment.record(n), term.field, needle))
        hits = self._few(term.field, needle)
        return self._many(term.field, needle) if hits is None else hits

    @property
    def text(self) -> str:
        """The text of the segment."""
        if self._text is None:
            self._text = self._segment.text
        return self._text

    def _few(self, field: Field, needle: str) -> Mask | None:
        text, starts = self.text, self._segment.starts
        hits: list[int] = []
        at = text.find(needle)
        while at >= 0:
            number = bisect_right(starts, at) - 1
            hits.append(number)
            if len(hits) > SPARSE:
                return None
            if number + 1 == len(starts):
                break
            at = text.find(needle, starts[number + 1])
        record = self._segment.record
        return self._segment.mask(n for n in hits if holds(record(n), field, needle))

    def _many(self, field: Field, needle: str) -> Mask:
        if field is Field.ANY:
            return bytes([needle in record for record in self._split("\0")[:-1]])
        first = 0 if field is Field.FROM else 1
        return bytes([needle in line for line in self._split("\n")[first:-1:3]])

    def _split(self, separator: str) -> list[str]:
        pieces = self._pieces.get(separator)
        if pieces is None:
            pieces = self._pieces[separator] = self.text.split(separator)
        return pieces


def holds(record: str, field: Field, needle: str) -> bool:
    """Say whether a record has a text in a field."""
    if field is Field.ANY:
        return needle in record
    sender_end = record.index("\n")
    if field is Field.FROM:
        return record.find(needle, 0, sender_end) >= 0
    return record.find(needle, sender_end + 1, record.rindex("\n")) >= 0


def record_of(texts: tuple[str, str, str]) -> str:
    """Return the record of sender, subject and preview, its end included."""
    sender, subject, preview = texts
    return narrow(f"{_folded_sender(sender)}\n{fold(subject)}\n{fold(preview)}\0\n")


def narrow(text: str) -> str:
    """Return the UTF-8 of a text with one character per byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def straightened(slots: array[int]) -> Slots:
    """Return consecutive slots as a range, others as they are."""
    step = slots[1] - slots[0] if len(slots) > 1 else 1
    if not slots or abs(step) != 1 or any(b - a != step for a, b in pairwise(slots)):
        return slots
    return range(slots[0], slots[-1] + step, step)


def with_records(last: Segment | None, slots: array[int], records: Sequence[str]) -> list[Segment]:
    """Return segments in memory that hold these records behind those of `last`.

    All but the last of them are full.
    """
    segments = []
    while slots:
        room = SEGMENT - (len(last.slots) if last else 0)
        segments.append(_joined(last, straightened(slots[:room]), records[:room]))
        slots, records, last = slots[room:], records[room:], None
    return segments


def _joined(last: Segment | None, slots: Slots, records: Sequence[str]) -> Segment:
    begin = last.length if last else 0
    *starts, end = accumulate(map(len, records), initial=begin)
    text = "".join([last.text if last else "", *records])
    before = last.starts if last else array("I")
    return Segment(
        HeldText(text),
        end,
        before + array("I", starts),
        _together(last.slots, slots) if last else slots,
    )


def _together(slots: Slots, more: Slots) -> Slots:
    if isinstance(slots, range) and isinstance(more, range):
        step = more[0] - slots[-1]
        if all(len(part) == 1 or part.step == step for part in (slots, more)) and abs(step) == 1:
            return range(slots[0], more[-1] + step, step)
    return array("I", [*slots, *more])


def repacked(segments: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the living records of these segments in full segments; full ones as they are."""
    slots, records = array("I"), list[str]()
    for segment in segments:
        if len(segment.slots) == SEGMENT and GONE not in segment.slots:
            yield segment
            continue
        for slot, record in segment.records():
            if slot != GONE:
                slots.append(slot)
                records.append(record)
        if len(slots) >= SEGMENT:
            yield from with_records(None, slots[:SEGMENT], records[:SEGMENT])
            del slots[:SEGMENT], records[:SEGMENT]
    yield from with_records(None, slots, records)


def both(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """Return the bytewise AND of two equally long masks."""
    joined = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return joined.to_bytes(len(one), "little")
