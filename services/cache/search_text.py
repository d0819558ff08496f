"""The folded text of all messages, for searching while the operator types.

Closes two traps: a search that decodes documents (4 s at 100,000), and one that keeps 28 MB for
somebody who never searches. The text lies in segments of about 2,000 messages, newest first; a
segment never changes, so readers and the builder need no lock, and what one query found in a
segment is where the next, longer one looks.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import compress, pairwise
from typing import Any, Final

from services.cache.columns import Columns
from services.cache.documents import texts_of
from services.query import TEXT_FIELDS, Field, Query, Term, fold

SLICE: Final = 500
_SEGMENT: Final = 2_000
_SPARSE: Final = 64
"""Up to so many hits in a segment are found one by one; beyond, all its records are looked at."""
_NOT: Final = bytes([1, 0]) + bytes(254)

Mask = bytes
"""One byte for each record of a segment: 1 if it is among those meant."""
Pieces = Callable[[str], list[str]]
"""The text of a segment, split at a separator (once for all terms of a query)."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Records `sender LF subject LF preview NUL LF`, their offsets and the slots they belong to.

    The text is UTF-8 with one character per byte: as small as bytes, and searched five times
    faster.
    """

    text: str
    starts: array[int]
    slots: array[int]
    falling: bool
    """Whether the slots are consecutive, the highest first (a mask can be copied as a whole)."""

    @classmethod
    def of(cls, text: str, starts: array[int], slots: array[int]) -> Segment:
        """Make a segment."""
        return cls(text, starts, slots, all(a - b == 1 for a, b in pairwise(slots)))

    def find(self, term: Term, among: Mask | None, pieces: Pieces) -> Mask:
        """Return the records that hold a term, of those `among` which it is asked (None: all)."""
        needle = narrow(term.value)
        if among is not None and among.count(1) < _SPARSE:
            few = [n for n, wanted in enumerate(among) if wanted]
            return self._mask(n for n in few if holds(self._record(n), term.field, needle))
        hits = self._few(term.field, needle)
        return _many(pieces, term.field, needle) if hits is None else hits

    def _record(self, number: int) -> str:
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        return self.text[self.starts[number] : end - 2]

    def _mask(self, numbers: Iterable[int]) -> Mask:
        mask = bytearray(len(self.slots))
        for number in numbers:
            mask[number] = 1
        return bytes(mask)

    def _few(self, field: Field, needle: str) -> Mask | None:
        hits: list[int] = []
        at = self.text.find(needle)
        while at >= 0:
            number = bisect_right(self.starts, at) - 1
            hits.append(number)
            if len(hits) > _SPARSE:
                return None
            if number + 1 == len(self.starts):
                break
            at = self.text.find(needle, self.starts[number + 1])
        return self._mask(n for n in hits if holds(self._record(n), field, needle))


def _many(pieces: Pieces, field: Field, needle: str) -> Mask:
    if field is Field.ANY:
        return bytes([needle in record for record in pieces("\0")[:-1]])
    first = 0 if field is Field.FROM else 1
    return bytes([needle in line for line in pieces("\n")[first:-1:3]])


def both(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    """Return the bytewise AND of two equally long masks."""
    joined = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return joined.to_bytes(len(one), "little")


def holds(record: str, field: Field, needle: str) -> bool:
    """Say whether a record has a text in a field."""
    if field is Field.ANY:
        return needle in record
    sender_end = record.index("\n")
    if field is Field.FROM:
        return record.find(needle, 0, sender_end) >= 0
    return record.find(needle, sender_end + 1, record.rindex("\n")) >= 0


Memo = dict[Term, dict[Segment, Mask]]
"""What the terms of the last query were found in, their negation left aside."""


class SearchText:
    """The segments of one numbering of slots."""

    def __init__(self) -> None:
        self.segments: tuple[Segment, ...] = ()
        self.started = False
        self._todo: array[int] = array("I")
        self._memo: Memo = {}

    @property
    def ready(self) -> bool:
        """Whether every message is in it."""
        return self.started and not self._todo

    def build(
        self, columns: Columns, load: Callable[[int], Mapping[str, Any] | None],
        stop: Callable[[], bool],
    ) -> bool:  # fmt: skip
        """Take in messages, newest first, until `stop()` says so; True when complete."""
        if not self.started:
            self.started = True
            self._todo = columns.order[:]
        while self._todo:
            slots = self._todo[-SLICE:][::-1]
            del self._todo[-SLICE:]
            self._add(slots, [record_of(load(slot) or {}) for slot in slots])
            if stop():
                break
        return self.ready

    def extend(self, slots: Iterable[int], load: Callable[[int], Mapping[str, Any] | None]) -> None:
        """Take in messages that came after building began."""
        fresh = array("I", slots)
        if self.started and fresh:
            self._add(fresh, [record_of(load(slot) or {}) for slot in fresh])

    def renumbered(self, numbers: Mapping[int, int]) -> SearchText:
        """Return the same text for slots that have new numbers; unnamed ones are gone."""
        other = SearchText()
        other.started = self.started
        other._todo = array("I", sorted(numbers[s] for s in self._todo if s in numbers))
        gone = (1 << 32) - 1
        other.segments = tuple(
            Segment.of(s.text, s.starts, array("I", (numbers.get(slot, gone) for slot in s.slots)))
            for s in self.segments
        )
        return other

    def find(self, query: Query, size: int) -> bytearray:
        """Return a mask over `size` slots of those whose text fulfils all text terms."""
        terms = sorted(query.of(*TEXT_FIELDS), key=lambda term: -len(term.value))
        known = self._memo
        starting = [_narrowest(known, term) for term in terms]
        found: Memo = {term: {} for term in terms}
        mask = bytearray(size)
        for segment in self.segments:
            pieces = cache(segment.text.split)
            passing: Mask | None = None
            for term, wide in zip(terms, starting, strict=True):
                if passing is not None and passing.count(1) < _SPARSE:
                    hits = segment.find(term, passing, pieces)
                else:
                    again = known.get(term, {}).get(segment)
                    hits = again or segment.find(term, wide.get(segment), pieces)
                    found[term][segment] = hits
                if term.negated:
                    hits = hits.translate(_NOT)
                passing = hits if passing is None else both(hits, passing)
            _mark(mask, segment, passing or b"")
        self._memo = found
        return mask

    def _add(self, slots: array[int], records: list[str]) -> None:
        segments = self.segments
        text = ""
        starts, owners = array("I"), array("I")
        if segments and len(segments[-1].slots) + len(slots) <= _SEGMENT:
            last = segments[-1]
            text, starts, owners = last.text, last.starts[:], last.slots[:]
            segments = segments[:-1]
        at = len(text)
        for record in records:
            starts.append(at)
            at += len(record)
        self.segments = (*segments, Segment.of(text + "".join(records), starts, owners + slots))


def record_of(document: Mapping[str, Any]) -> str:
    """Return the record of a document, its end included."""
    return narrow("\n".join(map(fold, texts_of(document))) + "\0\n")


def narrow(text: str) -> str:
    """Return the UTF-8 of a text with one character per byte."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def _narrowest(known: Memo, term: Term) -> dict[Segment, Mask]:
    """Return what is known of a term that is part of this one: only there can this one be."""
    wider = [t for t in known if t.field is term.field and t.value in term.value]
    return known[max(wider, key=lambda t: len(t.value))] if wider else {}


def _mark(mask: bytearray, segment: Segment, hits: Mask) -> None:
    slots = segment.slots
    if segment.falling and slots[0] < len(mask):
        mask[slots[-1] : slots[0] + 1] = hits[::-1]
        return
    for slot in compress(slots, hits):
        # What has no place in the mask came after the snapshot that asks, or is gone.
        if slot < len(mask):
            mask[slot] = 1
