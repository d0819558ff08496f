"""The message list: one row per message, drawn from a row source, at no cost per message.

Closes three traps. Position: new mail above must not put the cursor on another message, so cursor
and selection go by id and the cursor keeps its line on the screen. Bytes: a step paints two gutter
cells, a new snapshot only the rows that look different. Time: rows are decoded when they become
visible.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from textual.message import Message
from textual.strip import Strip

from services.models import FlagFinder, MessageRow, RowFlag, RowSource
from services.safe_text import SafeText, ui
from widgets.account_mark import AccountMark, mark_cells
from widgets.cells import GUTTER_CELLS, fit, wrapped
from widgets.cursor_view import CursorView
from widgets.dates import Calendar
from widgets.glyphs import UNICODE, Glyphs
from widgets.list_window import ListWindow
from widgets.no_rows import NO_ROWS
from widgets.rows import INKS, columns, row_parts
from widgets.selection import Selection

_KEPT_STRIPS: Final = 1_000
_EMPTY: Final = ui("No mail here.")

Look = tuple[MessageRow, bool, bool | None, Calendar]
"""What the picture of a row depends on, besides width and theme: row, selected, opens, day."""


class MessageList(CursorView):
    """A list over 100,000 rows; the cursor and the selection are kept by message id."""

    INKS: ClassVar[Mapping[str, str]] = INKS
    DEFAULT_CSS = """
    MessageList { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    class CursorMoved(Message):
        """The cursor stands on another message, or on none."""

        def __init__(self, message_id: str | None) -> None:
            super().__init__()
            self.message_id = message_id

    class Opened(Message):
        """A message was opened by Enter, or by a click on the current row."""

        def __init__(self, message_id: str) -> None:
            super().__init__()
            self.message_id = message_id

    class SelectionChanged(Message):
        """The number of selected messages changed."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._calendar = Calendar.at(clock())
        self._source: RowSource = NO_ROWS
        self._selection = Selection()
        self._rows: dict[int, MessageRow] = {}
        self._strips: dict[Look, Strip] = {}
        self._drawn: dict[int, Look | None] = {}
        self._width = 0
        self._columns = columns(80)
        self._empty: SafeText = _EMPTY
        self._opens: dict[str, bool] = {}
        self._marks: Mapping[str, AccountMark] = {}

    # ── what is shown ────────────────────────────────────────────────────────────────────────────

    def show(self, source: RowSource, keep: bool = True) -> None:
        """Draw from another source; `keep` holds the cursor on its message and its screen line.

        When that message is gone the cursor stays at its place. Without `keep` the cursor goes to
        the first row and nothing is selected.
        """
        old_id, old_count = self.cursor_id, self.selected_count
        old_cursor, old_line = self._window.cursor, self._window.cursor_line
        self._source = source
        self._rows = {}
        if keep and old_cursor is not None:
            place = None if old_id is None else source.position_of(old_id)
            self._window.follow(len(source), place)
            self._selection.keep_known(source)
        else:
            self._window.restart(len(source))
            self._selection.clear()
        self._refresh_changed(old_line)
        if self.cursor_id != old_id:
            self.post_message(self.CursorMoved(self.cursor_id))
        if self.selected_count != old_count:
            self.post_message(self.SelectionChanged(self.selected_count))

    def show_empty(self, text: SafeText) -> None:
        """The sentence of an empty list."""
        self._empty = text
        if not len(self._source):
            self.refresh()

    def show_accounts(self, marks: Mapping[str, AccountMark]) -> None:
        """Tell in each row whose mail it is, by these marks; without any, no row does."""
        if marks != self._marks:
            self._marks = marks
            self._width = 0
            self.refresh()

    def mark_encrypted(self, message_id: str, *, opens: bool) -> None:
        """Mark a message that was found encrypted, and whether it can be read."""
        if self._opens.get(message_id) is opens:
            return
        self._opens[message_id] = opens
        self._refresh_changed(self._window.cursor_line)

    def ids_near(self, place: int, after: int, before: int) -> tuple[str, ...]:
        """The message at a place, then its neighbours, those below it first."""
        below = range(place, min(len(self._source), place + after + 1))
        above = range(place - 1, max(-1, place - before - 1), -1)
        return tuple(self._source.message_id(at) for at in (*below, *above))

    @property
    def cursor_id(self) -> str | None:
        """The message under the cursor."""
        return None if self._window.cursor is None else self._source.message_id(self._window.cursor)

    @property
    def cursor_row(self) -> MessageRow | None:
        """The row under the cursor."""
        return None if self._window.cursor is None else self.row(self._window.cursor)

    @property
    def count(self) -> int:
        """How many messages are listed."""
        return len(self._source)

    def row(self, place: int) -> MessageRow:
        """A row, decoded once per source; raises IndexError outside of the list."""
        row = self._rows.get(place)
        if row is None:
            row = self._rows[place] = self._source.row(place)
        return row

    # ── moving ───────────────────────────────────────────────────────────────────────────────────

    def move_to(self, message_id: str) -> bool:
        """Put the cursor on a message; False when the list does not hold it."""
        place = self._source.position_of(message_id)
        if place is None:
            return False
        self.go(place)
        return True

    def action_next_unread(self) -> None:
        """To the next unread message below."""
        self._go_to_flag(RowFlag.UNREAD, 1)

    def action_previous_unread(self) -> None:
        """To the next unread message above."""
        self._go_to_flag(RowFlag.UNREAD, -1)

    def opened(self, place: int) -> None:
        """Say which message was opened."""
        self.post_message(self.Opened(self._source.message_id(place)))

    def move(self, move: Callable[[ListWindow], None]) -> None:
        """Move, and let an open range grow or shrink."""
        count = self.selected_count
        super().move(move)
        if self.selected_count != count:
            self._refresh_changed(self._window.cursor_line)
            self.post_message(self.SelectionChanged(self.selected_count))

    def cursor_moved(self) -> None:
        """Say where the cursor stands."""
        self.post_message(self.CursorMoved(self.cursor_id))

    def _go_to_flag(self, flag: RowFlag, step: int) -> None:
        if self._window.cursor is None:
            return
        start = self._window.cursor + step
        if isinstance(self._source, FlagFinder):
            place = self._source.find_flag(flag, start, step)
        else:
            stop = len(self._source) if step > 0 else -1
            found = (at for at in range(start, stop, step) if flag in self._source.row(at).flags)
            place = next(found, None)
        if place is not None:
            self.go(place)

    # ── selecting ────────────────────────────────────────────────────────────────────────────────

    @property
    def selected_ids(self) -> frozenset[str]:
        """The selected messages."""
        return self._selection.ids(self._source, self._window.cursor)

    @property
    def selected_count(self) -> int:
        """How many messages are selected."""
        return self._selection.count(self._source, self._window.cursor)

    def target_ids(self) -> tuple[str, ...]:
        """What a command is about: the selection in list order, else the cursor's message."""
        chosen = self.selected_ids
        if not chosen:
            return () if self.cursor_id is None else (self.cursor_id,)
        place = self._source.position_of
        return tuple(sorted(chosen, key=lambda one: place(one) or 0))

    def action_clear_selection(self) -> None:
        """Select nothing."""
        self._select(self._selection.clear)

    def action_select_all(self) -> None:
        """Select every listed message."""
        self._select(lambda: self._selection.set_all(self._source))

    clear_selection = action_clear_selection
    select_all = action_select_all

    def action_toggle_select(self) -> None:
        """Select the message under the cursor, or no longer, and go one down."""
        if self.cursor_id is None:
            return
        toggled = self.cursor_id
        self._selection.end_range(self._source, self._window.cursor)
        self._select(lambda: self._selection.toggle(toggled))
        self.step(1)

    def action_select_range(self) -> None:
        """Start a range that follows the cursor, or keep what it holds."""
        if self.cursor_id is None:
            return
        start = self.cursor_id
        if self._selection.ranging:
            self._select(lambda: self._selection.end_range(self._source, self._window.cursor))
        else:
            self._select(lambda: self._selection.start_range(start))

    def _select(self, change: Callable[[], None]) -> None:
        change()
        self._refresh_changed(self._window.cursor_line)
        self.post_message(self.SelectionChanged(self.selected_count))

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────

    def forget_lines(self) -> None:
        """Drop kept strips: the width, the theme or the day changed."""
        self._strips.clear()

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row: the gutter cell, then the kept strip of the message."""
        if width != self._width:
            self._width = width
            self._columns = columns(width, mark_cells(self._marks.values(), width))
            self.forget_lines()
        if not len(self._source):
            return self._empty_line(number, width)
        look = self._look(number)
        self._drawn[number - self.top] = look
        if look is None:
            return None
        return Strip([self.gutter_cell(number), *self._body(look)], width)

    def _look(self, place: int) -> Look | None:
        if place >= len(self._source):
            return None
        row = self.row(place)
        span = self._selection.span(self._source, self._window.cursor)
        selected = self._selection.holds(row.message_id, place, span)
        return row, selected, self._opens.get(row.message_id), self._calendar

    def _body(self, look: Look) -> Strip:
        strip = self._strips.get(look)
        if strip is None:
            row, selected, opens, calendar = look
            parts = row_parts(
                row, self._columns, self._glyphs, calendar, selected=selected, opens=opens,
                mark=self._marks.get(row.account),
            )  # fmt: skip
            strip = self.strip_of(parts, self._width - GUTTER_CELLS)
            if len(self._strips) >= _KEPT_STRIPS:
                self._strips.clear()
            self._strips[look] = strip
        return strip

    def _empty_line(self, number: int, width: int) -> Strip | None:
        self._drawn.clear()
        room = max(1, width - 4)
        lines = [self._empty[start:end] for start, end in wrapped(self._empty, room)]
        if not 1 <= number <= len(lines):
            return None
        return self.strip_of([("  " + fit(lines[number - 1], room), "muted")], width)

    def _refresh_changed(self, old_line: int | None) -> None:
        """Paint again the visible rows that look different, and the gutter cells of the cursor."""
        now = self._clock()
        if not self._calendar.same_day(now):
            self._calendar = Calendar.at(now)
        new_line = self._window.cursor_line
        if not len(self._source) or not self._drawn:
            self.refresh()
            return
        for y in range(self.size.height):
            if self._look(self.top + y) != self._drawn.get(y):
                self.refresh_row(self.top + y)
            elif old_line != new_line and y in (old_line, new_line):
                self.refresh_row(self.top + y, GUTTER_CELLS)
