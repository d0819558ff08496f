"""A list of records under one cursor, each of them one row; the ground of every list of outgoing mail.

Closes the trap of a cursor that loses its record when the list is told anew: it stays on the same
one by its key, or at its place when that one is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual.message import Message
from textual.strip import Strip

from services.safe_text import EMPTY, SafeText
from widgets.account_mark import ACCOUNT_INKS, AccountMark, mark_part
from widgets.cells import GUTTER_CELLS, wrapped
from widgets.cursor_view import CursorView
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part

Record = TypeVar("Record")


class RowList(CursorView, Generic[Record]):
    """Rows of records; a subclass says what tells two apart and how one is drawn."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "strong": "$mail-text bold",
        "muted": "$mail-muted $muted-style",
        "accent": "$mail-accent",
        "good": "$mail-accent",
        "caution": "$mail-caution",
        "alarm": "$mail-caution bold",
        "danger": "$mail-danger bold",
        "cursor": "$mail-accent",
        "cursor-blurred": "$mail-muted",
        **ACCOUNT_INKS,
    }
    DEFAULT_CSS = """
    RowList { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    class CursorMoved(Message):
        """The cursor stands on another record."""

    class Opened(Message):
        """Enter was pressed on a record, or it was clicked."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._records: Sequence[Record] = ()
        self._empty: SafeText = EMPTY
        self._is_told = False
        """What to list; nobody knows it before."""
        self._marks: Mapping[str, AccountMark] = {}

    def show_accounts(self, marks: Mapping[str, AccountMark]) -> None:
        """Tell in each row whose it is, by these marks; without any, no row does."""
        self._marks = marks

    def key_of(self, record: Record) -> Hashable:
        """What tells this record from every other one."""
        raise LookupError(record)

    def parts(self, record: Record, width: int) -> Sequence[Part]:
        """The parts of a row, right of the gutter."""
        raise LookupError(record, width)

    @property
    def records(self) -> Sequence[Record]:
        """All of them, in their order."""
        return self._records

    @property
    def current(self) -> Record | None:
        """The record under the cursor."""
        place = self._window.cursor
        return None if place is None else self._records[place]

    def show_records(self, records: Sequence[Record], empty: SafeText) -> None:
        """List records, or a sentence in place of none; the cursor stays on its record."""
        before = self.current
        self._records, self._empty, self._is_told = records, empty, True
        if self._window.cursor is None:
            self._window.restart(len(records))
        else:
            key = None if before is None else self.key_of(before)
            places = (at for at, one in enumerate(records) if self.key_of(one) == key)
            self._window.follow(len(records), next(places, None))
        self.refresh()
        self.post_message(self.CursorMoved())

    def clear(self) -> None:
        """List nothing until something is told again."""
        self.show_records((), EMPTY)
        self._is_told = False

    def say_meanwhile(self, words: SafeText) -> None:
        """Say a sentence until there is something to list, or nothing; later it says nothing."""
        if not self._is_told:
            self._empty = words
            self.refresh()

    @property
    def counts(self) -> bool:
        """Whether something in it changes with time alone."""
        return False

    def tick(self) -> None:
        """A second has passed: show what that has changed."""

    def lists(self, record: Record) -> bool:
        """Whether a record is in the list."""
        key = self.key_of(record)
        return any(self.key_of(one) == key for one in self._records)

    def show_record(self, record: Record) -> bool:
        """Show one record anew; False when it is not listed."""
        key = self.key_of(record)
        for place, one in enumerate(self._records):
            if self.key_of(one) == key:
                records = list(self._records)
                records[place] = record
                self._records = records
                self.refresh_row(place)
                return True
        return False

    def go_to(self, key: Hashable) -> None:
        """Put the cursor on a record, if it is listed."""
        for place, one in enumerate(self._records):
            if self.key_of(one) == key:
                self.go(place)
                return

    def cursor_moved(self) -> None:
        """Say that the cursor moved."""
        self.post_message(self.CursorMoved())

    def opened(self, place: int) -> None:  # noqa: ARG002 - it is the cursor's
        """Say that a record was opened."""
        self.post_message(self.Opened())

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row."""
        if not self._records:
            return self._sentence(number, width)
        if not 0 <= number < len(self._records):
            return None
        record, room = self._records[number], width - GUTTER_CELLS
        mark = mark_part(self._marks, getattr(record, "account", ""), width, self._glyphs.ellipsis)
        body = self.strip_of([mark, *self.parts(record, room - len(mark[0]))], room)
        return Strip([self.gutter_cell(number), *body], width)

    def _sentence(self, number: int, width: int) -> Strip | None:
        rows = [*wrapped(self._empty, max(1, width - 4))]
        if not 1 <= number <= len(rows):
            return None
        start, end = rows[number - 1]
        return self.strip_of([("  ", "text"), (self._empty[start:end], "muted")], width)
