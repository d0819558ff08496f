"""The folded text of all messages, for searching while the operator types.

Closes two traps: a search that decodes documents (4 s at 100,000), and one that folds them again in
every run. Text is folded once, when a message comes; full segments go to a file and are read from
there (`search_file.py`). What one query found in a segment is where the next, longer one looks.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.cache.columns import Columns
from services.cache.documents import texts_of
from services.cache.segment import (
    GONE,
    SEGMENT,
    SPARSE,
    Look,
    Mask,
    Segment,
    both,
    record_of,
    with_records,
)
from services.query import TEXT_FIELDS, Query, Term

SLICE: Final = 500
_PROVED: Final = 10
"""Segments whose checksum is looked at in one slice."""
_NOT: Final = bytes([1, 0]) + bytes(254)

Load = Callable[[int], Mapping[str, Any]]
Memo = dict[Term, dict[Segment, Mask]]
"""What the terms of the last query were found in, their negation left aside."""


class SearchText:
    """The segments of one numbering of slots; `todo` are the slots not in them, oldest first."""

    def __init__(
        self,
        segments: Iterable[Segment] = (),
        todo: Iterable[int] = (),
        is_good: Callable[[Segment], bool] | None = None,
    ) -> None:
        self.segments = tuple(segments)
        self._todo = array("I", todo)
        self._is_good = is_good
        self._unproven = set(self.segments) if is_good else set()
        self._damaged: set[Segment] = set()
        self._slots = array("I")
        self._records: list[str] = []
        self._memo: Memo = {}

    @property
    def ready(self) -> bool:
        """Whether every message is in it."""
        return not (self._todo or self._damaged)

    @property
    def todo(self) -> int:
        """How many messages are not in it yet."""
        return len(self._todo)

    # ── building ─────────────────────────────────────────────────────────────────────────────────

    def take(self, slot: int, texts: tuple[str, str, str]) -> None:
        """Fold the text of a message that came; `settle` lets it be found."""
        self._slots.append(slot)
        self._records.append(record_of(texts))

    def settle(self) -> None:
        """Let what came be found."""
        if self._slots:
            slots, records = self._slots, self._records
            self._slots, self._records = array("I"), []
            self._add(slots, records)

    def build(self, load: Load, stop: Callable[[], bool]) -> bool:
        """Prove what a file held, then take in what is missing, newest first, slice by slice.

        Goes on until `stop()` says so; True when complete.
        """
        while self._unproven:
            for segment in list(self._unproven)[:_PROVED]:
                self._prove(segment)
            if stop():
                break
        self._drop_damaged()
        while self._todo and not self._unproven:
            self._build_slice(load)
            if stop():
                break
        return self.ready and not self._unproven

    def _drop_damaged(self) -> None:
        for segment in list(self._damaged):
            if segment in self.segments:
                self.segments = tuple(s for s in self.segments if s is not segment)
                self._todo.extend(segment.slots)
            self._damaged.discard(segment)

    def _build_slice(self, load: Load) -> None:
        slots = self._todo[-SLICE:][::-1]
        del self._todo[-SLICE:]
        self._add(slots, [record_of(texts_of(load(slot))) for slot in slots])

    def _prove(self, segment: Segment) -> bool:
        """Say whether the text of a segment is what was written; the answer is remembered."""
        if segment in self._unproven:
            if self._is_good is not None and not self._is_good(segment):
                self._damaged.add(segment)
            self._unproven.discard(segment)
        return segment not in self._damaged

    def _add(self, slots: array[int], records: list[str]) -> None:
        whole, last = self.segments, None
        if whole and whole[-1].is_held and len(whole[-1].slots) < SEGMENT:
            *some, last = whole
            whole = tuple(some)
        self.segments = (*whole, *with_records(last, slots, records))

    # ── keeping ──────────────────────────────────────────────────────────────────────────────────

    def held(self) -> list[Segment]:
        """Return the segments whose text is in memory."""
        return [segment for segment in self.segments if segment.is_held]

    def exchange(self, others: Mapping[Segment, Segment]) -> None:
        """Put segments in the place of equal ones."""
        self.segments = tuple(others.get(segment, segment) for segment in self.segments)

    def renumbered(self, numbers: Mapping[int, int]) -> SearchText:
        """Return the same text for slots that have new numbers; unnamed ones are gone."""
        whole = [segment for segment in self.segments if self._prove(segment)]
        return SearchText(s.with_slots(numbers.get(n, GONE) for n in s.slots) for s in whole)

    def add_todo(self, slots: Iterable[int]) -> None:
        """Note messages that are missing."""
        self._todo.extend(slots)

    # ── finding ──────────────────────────────────────────────────────────────────────────────────

    def find(self, query: Query, size: int) -> bytearray:
        """Return a mask over `size` slots of those whose text fulfils all text terms."""
        terms = sorted(query.of(*TEXT_FIELDS), key=lambda term: -len(term.value))
        known = self._memo
        starting = [(term, _narrowest(known, term)) for term in terms]
        found: Memo = {term: {} for term in terms}
        mask = bytearray(size)
        for segment in filter(self._prove, self.segments):
            segment.mark(mask, _passing(segment, starting, known, found))
        self._memo = found
        return mask

    def forget(self) -> bool:
        """Drop what the last query left; False if there was none."""
        had, self._memo = bool(self._memo), {}
        return had


def missing_slots(columns: Columns, segments: Iterable[Segment]) -> list[int]:
    """Return the living slots that no segment holds, oldest first."""
    covered = bytearray(len(columns.flags))
    for segment in segments:
        segment.mark(covered, b"\1" * len(segment.slots))
    missing = []
    at = covered.find(0)
    while at >= 0:
        if columns.alive(at):
            missing.append(at)
        at = covered.find(0, at + 1)
    return sorted(missing, key=columns.key)


def _passing(
    segment: Segment, terms: list[tuple[Term, dict[Segment, Mask]]], known: Memo, found: Memo
) -> Mask:
    """Return the records that fulfil all terms; `found` learns what each one was found in."""
    look = Look(segment)
    passing: Mask | None = None
    for term, wide in terms:
        if passing is not None and passing.count(1) < SPARSE:
            hits = look.find(term, passing)
        else:
            hits = known.get(term, {}).get(segment) or look.find(term, wide.get(segment))
            found[term][segment] = hits
        if term.negated:
            hits = hits.translate(_NOT)
        passing = hits if passing is None else both(hits, passing)
    return passing or b""


def _narrowest(known: Memo, term: Term) -> dict[Segment, Mask]:
    """Return what is known of a term that is part of this one: only there can this one be."""
    wider = [t for t in known if t.field is term.field and t.value in term.value]
    return known[max(wider, key=lambda t: len(t.value))] if wider else {}
