"""The folded text of all messages, for searching while the operator types.

Closes two traps: a search that decodes documents (4 s at 100,000), and one that keeps 28 MB for
somebody who never searches. The text lies in segments of about 2,000 messages, newest first; a
segment never changes, so readers and the builder need no lock, and what one query found in a
segment is where the next, longer one looks.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.cache.columns import Columns
from services.cache.documents import texts_of
from services.query import Field, Query, Term, fold

SLICE: Final = 500
_SEGMENT: Final = 2_000
_SPARSE: Final = 64
"""Up to so many hits in a segment are found one by one; beyond, all its records are looked at."""

Records = Sequence[int]
"""Numbers of records in a segment."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Records `sender LF subject LF preview NUL`; `starts` has their offsets, `slots` their owners."""

    text: bytes
    starts: array[int]
    slots: array[int]

    def record(self, number: int) -> bytes:
        """Return one record without its NUL."""
        end = self.starts[number + 1] if number + 1 < len(self.starts) else len(self.text)
        return self.text[self.starts[number] : end - 1]

    def find(self, term: Term, among: Records | None) -> Records:
        """Return the records in which a term occurs, its negation left aside."""
        needle = term.value.encode("utf-8", "surrogatepass")
        if among is not None and len(among) < _SPARSE:
            return [n for n in among if holds(self.record(n), term.field, needle)]
        hits = self._few(needle)
        if hits is None:
            records = self.text.split(b"\0")
            chosen = range(len(self.slots)) if among is None else among
            return _hits(records, chosen, term.field, needle)
        if among is not None:
            allowed = set(among)
            hits = [n for n in hits if n in allowed]
        if term.field is Field.ANY:
            return hits
        return [n for n in hits if holds(self.record(n), term.field, needle)]

    def _few(self, needle: bytes) -> Records | None:
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
        return hits


def _hits(records: list[bytes], chosen: Iterable[int], field: Field, needle: bytes) -> Records:
    if field is Field.ANY:
        return [n for n in chosen if needle in records[n]]
    if field is Field.FROM:
        return [n for n in chosen if -1 < records[n].find(needle) < records[n].index(b"\n")]
    return [n for n in chosen if holds(records[n], field, needle)]


def holds(record: bytes, field: Field, needle: bytes) -> bool:
    """Say whether a record has a text in a field."""
    if field is Field.ANY:
        return needle in record
    sender, subject, _ = record.split(b"\n")
    return needle in (sender if field is Field.FROM else subject)


class SearchText:
    """The segments of one numbering of slots."""

    def __init__(self) -> None:
        self.segments: tuple[Segment, ...] = ()
        self.started = False
        self._todo: array[int] = array("I")
        self._memo: tuple[Query, dict[Segment, array[int]]] | None = None

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
            Segment(s.text, s.starts, array("I", (numbers.get(slot, gone) for slot in s.slots)))
            for s in self.segments
        )
        return other

    def find(self, query: Query) -> list[int]:
        """Return the slots whose text fulfils all text terms, in no order, gone ones included."""
        terms = query.of(Field.ANY, Field.FROM, Field.SUBJECT)
        memo = self._memo
        known = memo[1] if memo and query.narrows(memo[0]) else {}
        found: dict[Segment, array[int]] = {}
        slots: list[int] = []
        for segment in self.segments:
            records = _find_all(segment, terms, known.get(segment))
            found[segment] = array("H", records)
            slots.extend(map(segment.slots.__getitem__, records))
        self._memo = (query, found)
        return slots

    def _add(self, slots: array[int], records: list[bytes]) -> None:
        segments = self.segments
        text = b""
        starts, owners = array("I"), array("I")
        if segments and len(segments[-1].slots) + len(slots) <= _SEGMENT:
            last = segments[-1]
            text, starts, owners = last.text, last.starts[:], last.slots[:]
            segments = segments[:-1]
        at = len(text)
        for record in records:
            starts.append(at)
            at += len(record)
        self.segments = (*segments, Segment(text + b"".join(records), starts, owners + slots))


def record_of(document: Mapping[str, Any]) -> bytes:
    """Return the record of a document, NUL included."""
    texts = map(fold, texts_of(document))
    return "\n".join(texts).encode("utf-8", "surrogatepass") + b"\0"


def _find_all(segment: Segment, terms: tuple[Term, ...], among: Records | None) -> Records:
    for term in sorted(terms, key=lambda term: (term.negated, -len(term.value))):
        if among is not None and not among:
            return among
        hits = segment.find(term, among)
        if term.negated:
            excluded = set(hits)
            everything = range(len(segment.slots)) if among is None else among
            hits = [n for n in everything if n not in excluded]
        among = hits
    return list(range(len(segment.slots))) if among is None else among
