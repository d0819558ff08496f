"""The ground of the screens that are one list of records with a note about the current one.

Closes two traps: a list that moves by other keys than its neighbour, and a clock that goes on when
there is nothing left to count: idle writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast

from textual.app import ComposeResult

from tui.screens.side_screen import Answer, Handlers, SideScreen
from widgets.row_list import RowList

if TYPE_CHECKING:
    from textual.timer import Timer
    from textual.widget import Widget

    from widgets.cursor_view import CursorView

SECOND: Final = 1.0


def row_motions(rows: CursorView) -> Handlers:
    """What the commands do that move the cursor of a list."""
    return {
        "next_row": rows.action_cursor_down,
        "previous_row": rows.action_cursor_up,
        "rows_down": rows.action_page_down,
        "rows_up": rows.action_page_up,
        "first_row": rows.action_first,
        "last_row": rows.action_last,
    }


class Note(Protocol):
    """A widget that tells about one record."""

    def show_row(self, row: Any) -> None:
        """Show a record, or nothing."""
        ...


class ListScreen(SideScreen[Answer]):
    """A list and a note; a subclass makes them and says what opens a row."""

    OPENS: ClassVar[str]
    """The command of a click on the current row."""

    list: RowList[Any]
    note: Note
    _ticking: Timer | None = None

    def parts(self) -> ComposeResult:
        """The list, and what its current row had to cut."""
        yield self.list
        yield cast("Widget", self.note)

    def show_current(self) -> None:
        """The note and the hints, as the current row is now."""
        self.note.show_row(self.list.current)
        self.show_hints()

    def tick(self) -> None:
        """Count seconds while there is anything to count."""
        if self.list.counts and self._ticking is None:
            self._ticking = self.set_interval(SECOND, self._second)

    def _second(self) -> None:
        self.list.tick()
        if not self.list.counts and self._ticking is not None:
            self._ticking.stop()
            self._ticking = None

    def on_row_list_cursor_moved(self, event: RowList.CursorMoved) -> None:
        """Tell about the row under the cursor."""
        event.stop()
        self.show_current()

    def on_row_list_opened(self, event: RowList.Opened) -> None:
        """A click on the current row is Enter."""
        event.stop()
        self.run_command(self.OPENS)
