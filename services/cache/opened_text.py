"""The decrypted text of messages that were opened, for the search: in memory, and nowhere else.

Closes two traps: decrypted words in the search text on the disk, and a list that keeps showing what
a locked key hides: `forget` empties it at once. The screen's thread reads while the engine's thread
writes, so what is read never changes; a change puts a new table in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from services.cache.segment import holds, narrow, record_of
from services.query import TEXT_FIELDS, Query, Term

LIMIT: Final = 64 * 1024 * 1024
"""Characters that are held together; the text that was opened first goes first."""


class OpenedText:
    """Folded text by message id."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._records: dict[str, str] = {}
        self._limit = limit

    def __len__(self) -> int:
        return len(self._records)

    def put(self, texts: Iterable[tuple[str, tuple[str, str, str]]]) -> None:
        """Take in messages by id: sender, subject and the text to be found."""
        records = dict(self._records)
        for message_id, parts in texts:
            records.pop(message_id, None)
            records[message_id] = record_of(parts)
        size = sum(map(len, records.values()))
        while size > self._limit:
            size -= len(records.pop(next(iter(records))))
        self._records = records

    def forget(self) -> None:
        """Drop all of it."""
        self._records = {}

    def mark(self, mask: bytearray, query: Query, slot_of: Callable[[str], int | None]) -> None:
        """Judge the opened messages anew in a mask by slot, by their decrypted text too."""
        terms = [(term, narrow(term.value)) for term in query.of(*TEXT_FIELDS)]
        for message_id, record in self._records.items():
            slot = slot_of(message_id)
            if slot is not None and slot < len(mask):
                mask[slot] = all(_fits(record, term, needle) for term, needle in terms)


def _fits(record: str, term: Term, needle: str) -> bool:
    return holds(record, term.field, needle) != term.negated
