"""The audit log, newest first: who did what about which mail, and what was answered.

Closes the trap of a log that is read as true although somebody changed it: what is wrong with its
chain stands above it, in the colour of danger and in words.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.outbound_models import AuditRow
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from widgets.card_view import CardView
from widgets.cells import count_words, fit, fit_right, wrapped
from widgets.dates import DATE_CELLS, Calendar
from widgets.flowing import Fact, flowed_whole, padded
from widgets.glyphs import UNICODE, Glyphs
from widgets.row_list import RowList
from widgets.rows import Part

_LEAST_NUMBER: Final = 4
_MOST_NOTE_ROWS: Final = 5


@dataclass(frozen=True, slots=True)
class AuditColumns:
    """How a row is divided, in cells; `subject` takes what is left."""

    number: int
    actor: int
    action: int
    subject: int


def audit_columns(width: int, highest: int) -> AuditColumns:
    """The division of a row that is `width` cells wide, when the numbers go up to `highest`."""
    number = max(_LEAST_NUMBER, len(count_words(highest)))
    actor = max(8, min(20, width // 6))
    action = max(8, min(18, width // 6))
    used = number + 2 + DATE_CELLS + 2 + actor + 1 + action + 1
    return AuditColumns(number, actor, action, max(0, width - used))


class AuditList(RowList[AuditRow]):
    """Lines of the log."""

    def key_of(self, record: AuditRow) -> Hashable:
        """Its log and its number there."""
        return record.account, record.number

    def parts(self, record: AuditRow, width: int) -> Sequence[Part]:
        """The parts of a row."""
        highest = self._records[0].number if self._records else 0
        columns, ellipsis = audit_columns(width, highest), self._glyphs.ellipsis
        date = Calendar.at(self._clock()).short(record.at)
        return [
            (fit_right(count_words(record.number), columns.number) + "  ", "muted"),
            (fit_right(date, DATE_CELLS) + "  ", "muted"),
            (fit(record.actor, columns.actor, ellipsis) + " ", "text"),
            (fit(record.action, columns.action, ellipsis) + " ", "strong"),
            (fit(record.subject, columns.subject, ellipsis), "text"),
        ]


class AuditHead(CardView):
    """How many lines there are, and what is wrong with them."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._told: tuple[int, int, SafeText] = (0, 0, EMPTY)
        self._trouble = EMPTY

    def show_counts(self, shown: int, total: int, words: SafeText, trouble: SafeText) -> None:
        """Show how many of the lines are listed, for which words, and whether the chain holds."""
        self._told, self._trouble = (shown, total, words), trouble
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """Trouble first, whole; then the counts."""
        shown, total, words = self._told
        rows: list[list[Part]] = []
        if self._trouble:
            told = phrase("{} This log was changed: {}", self._glyphs.unverified, self._trouble)
            rows = [[(told[start:end], "alarm")] for start, end in wrapped(told, max(1, width))]
        facts: list[Fact] = [(phrase("{:,} lines", total), "strong")]
        if shown != total:
            facts.append((phrase("{:,} listed", shown), "text"))
        if words:
            facts.append((phrase("with “{}”", words), "text"))
        if not self._trouble:
            facts.append((phrase("{} the chain holds", self._glyphs.verified), "good"))
        rows += flowed_whole(facts, max(1, width), self._glyphs)
        return [padded(row, width) for row in rows]


class AuditNote(CardView):
    """Everything about the current line that its row had to cut."""

    _row: AuditRow | None = None

    def show_row(self, row: AuditRow | None) -> None:
        """Show a line, or nothing."""
        self._row = row
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """When, who, what, about what; digest, reason, answer."""
        if self._row is None:
            return []
        rows = flowed_whole([*self._facts(self._row)], max(1, width), self._glyphs)
        return [padded(row, width) for row in rows[:_MOST_NOTE_ROWS]]

    def _facts(self, row: AuditRow) -> Iterator[Fact]:
        full = Calendar.at(self._clock()).full(row.at)
        yield clean_line(full), "text"
        yield phrase("{} {}", row.actor, row.action), "strong"
        for name, value in (
            (EMPTY, row.subject),
            (ui("digest "), row.digest),
            (ui("reason: "), row.reason),
            (ui("answer: "), row.answer),
        ):
            if value:
                yield phrase("{}{}", name, value), "text"
