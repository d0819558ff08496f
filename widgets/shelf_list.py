"""What lies beside the mailbox: when it came, from whom, about what; a note tells what a row had to cut.

Closes the trap of a list that looks whole and is not: how many of them are shown, and what is missing
from it, stands above the note about the current row.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Final

from services.models import MessageRow
from services.safe_text import EMPTY, SafeText, clean_line, ui
from widgets.card_view import CardView
from widgets.cells import fit, fit_right, wrapped
from widgets.dates import DATE_CELLS, Calendar
from widgets.flowing import Fact, flowed_whole, padded
from widgets.row_list import RowList
from widgets.rows import Part

_MOST_NOTE_ROWS: Final = 5
_NO_SUBJECT: Final = ui("(no subject)")


class ShelfList(RowList[MessageRow]):
    """Messages of one shelf."""

    def key_of(self, record: MessageRow) -> Hashable:
        """Its id."""
        return record.message_id

    def parts(self, record: MessageRow, width: int) -> Sequence[Part]:
        """Date, sender, subject."""
        ellipsis, sender = self._glyphs.ellipsis, max(10, min(26, width // 4))
        date = Calendar.at(self._clock()).short(record.received_at)
        room = max(0, width - DATE_CELLS - 2 - sender - 1)
        return [
            (fit_right(date, DATE_CELLS) + "  ", "muted"),
            (fit(record.sender or record.address, sender, ellipsis) + " ", "strong"),
            (fit(record.subject or _NO_SUBJECT, room, ellipsis), "text"),
        ]


class ShelfNote(CardView):
    """What is told about the list, then what the current row had to cut."""

    _row: MessageRow | None = None
    _told: SafeText = EMPTY

    def show_told(self, told: SafeText) -> None:
        """Show sentences about the whole list, or none."""
        self._told = told
        self.changed()

    def show_row(self, row: MessageRow | None) -> None:
        """Show a message, or nothing."""
        self._row = row
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """The sentences whole; subject, labels, sender, date, beginning of the text."""
        told, width = self._told, max(1, width)
        rows: list[list[Part]] = [
            [(told[start:end], "caution")] for start, end in wrapped(told, width) if told
        ]
        if self._row is not None:
            about = flowed_whole(self._facts(self._row), width, self._glyphs)
            rows += about[:_MOST_NOTE_ROWS]
        return [padded(row, width) for row in rows]

    def _facts(self, row: MessageRow) -> list[Fact]:
        full = clean_line(Calendar.at(self._clock()).full(row.received_at))
        facts: list[Fact] = [(row.subject or _NO_SUBJECT, "strong")]
        facts += [(label, "caution") for label in row.labels]
        facts.append((row.address, "text"))
        facts += [(one, "muted") for one in (full, row.preview) if one]
        return facts
