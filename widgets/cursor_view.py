"""A list with a cursor: a bright bar in the gutter, which is the only thing that moves.

Closes two traps: a full inverse row costs two rows of bytes at every step and hides what is unread,
and a cursor that differs from list to list has to be learnt again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType

from widgets.cells import GUTTER_CELLS
from widgets.glyphs import UNICODE, Glyphs
from widgets.line_view import LineView
from widgets.list_window import ListWindow


class CursorView(LineView):
    """Lines, one of them under the cursor; every list of the program moves by these actions."""

    BAR_WITHOUT_FOCUS = True
    """Whether the bar is drawn, dimmed, while another pane has the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "cursor_down", "Next", id="list.down", show=False),
        Binding("up", "cursor_up", "Previous", id="list.up", show=False),
        Binding("pagedown", "page_down", "Page down", id="list.page-down", show=False),
        Binding("pageup", "page_up", "Page up", id="list.page-up", show=False),
        Binding("home", "first", "First", id="list.first", show=False),
        Binding("end", "last", "Last", id="list.last", show=False),
        Binding("enter", "open", "Open", id="list.open", show=False),
    ]

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._glyphs = glyphs
        self._window = ListWindow()

    @property
    def top(self) -> int:
        """The first row on the screen, counted from 0."""
        return self._window.top

    @property
    def position(self) -> int | None:
        """The cursor's place, counted from 0; None in an empty list."""
        return self._window.cursor

    def action_cursor_down(self) -> None:
        """One row down."""
        self.step(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self.step(-1)

    def action_page_down(self) -> None:
        """One screen down; the cursor keeps its line."""
        self.move(lambda window: window.leap(self.page))

    def action_page_up(self) -> None:
        """One screen up; the cursor keeps its line."""
        self.move(lambda window: window.leap(-self.page))

    def action_half_page_down(self) -> None:
        """Half a screen down."""
        self.move(lambda window: window.leap(max(1, self.page // 2)))

    def action_half_page_up(self) -> None:
        """Half a screen up."""
        self.move(lambda window: window.leap(-max(1, self.page // 2)))

    def action_first(self) -> None:
        """To the first row."""
        self.go(0)

    def action_last(self) -> None:
        """To the last row."""
        self.go(self._window.count - 1)

    def action_open(self) -> None:
        """Open what is under the cursor."""
        if self._window.cursor is not None:
            self.opened(self._window.cursor)

    def go(self, place: int) -> None:
        """Put the cursor on a row, the nearest one there is."""
        self.move(lambda window: window.go(place))

    def step(self, by: int) -> None:
        """Move the cursor by some rows."""
        self.move(lambda window: window.go((window.cursor or 0) + by))

    def scroll_rows(self, rows: int) -> None:
        """Scroll; the cursor comes along when it would leave the screen."""
        self.move(lambda window: window.scroll(rows))

    def move(self, move: Callable[[ListWindow], None]) -> None:
        """Move, and paint no more than the two gutter cells when the screen stays where it is."""
        old, old_top = self._window.cursor, self._window.top
        move(self._window)
        new = self._window.cursor
        if self._window.top != old_top:
            self.refresh()
        if old is None or new is None or old == new:
            return
        self.refresh_row(old, GUTTER_CELLS)
        self.refresh_row(new, GUTTER_CELLS)
        self.cursor_moved()

    def opened(self, place: int) -> None:
        """A row was opened by Enter, or by a click on the cursor's row."""

    def cursor_moved(self) -> None:
        """The cursor stands on another row."""

    def focus_changed(self) -> None:
        """Only the bar is bright or dim."""
        if self._window.cursor is not None:
            self.refresh_row(self._window.cursor, GUTTER_CELLS)

    def gutter_cell(self, place: int) -> Segment:
        """The gutter cell of a row."""
        if place != self._window.cursor or not (self.has_focus or self.BAR_WITHOUT_FOCUS):
            return Segment(" ", self.ink("text"))
        role = "cursor" if self.has_focus else "cursor-blurred"
        return Segment(self._glyphs.cursor, self.ink(role))

    def on_resize(self, event: events.Resize) -> None:
        """Keep the cursor in sight."""
        top = self.top
        self._window.resize(event.size.height)
        if self.top != top:
            self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the clicked row; open the row that it stood on."""
        place = self.top + event.y
        if not 0 <= place < self._window.count:
            return
        event.stop()
        if place == self._window.cursor:
            self.opened(place)
        else:
            self.go(place)
