"""A short list with a cursor in its gutter, for what is chosen among a few dozen things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from widgets.cells import GUTTER_CELLS
from widgets.cursor_view import CursorView
from widgets.rows import Part


class ChoiceList(CursorView):
    """Rows of parts, one row a choice; a subclass says what choosing means in `opened`."""

    TALLEST = 6
    """Rows that a list of automatic height takes at most; the rest is scrolled."""

    BAR_WITHOUT_FOCUS = False
    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$bar-text",
        "strong": "$bar-text bold",
        "muted": "$bar-muted $muted-style",
        "accent": "$mail-accent",
        "caution": "$bar-caution",
        "cursor": "$mail-accent",
        "cursor-blurred": "$bar-muted",
    }
    DEFAULT_CSS = """
    ChoiceList { width: 1fr; height: auto; background: $bar-background; color: $bar-text; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Back", id="choice.leave", show=False)
    ]

    class Left(Message):
        """Escape was pressed in the list."""

    def get_content_height(
        self,
        container: Size,  # noqa: ARG002
        viewport: Size,  # noqa: ARG002
        width: int,  # noqa: ARG002
    ) -> int:
        """As tall as its rows, up to a limit."""
        return min(self._window.count, self.TALLEST)

    def show_count(self, count: int) -> None:
        """Start again with so many rows."""
        grown = count != self._window.count
        self._window.restart(count)
        self.refresh(layout=grown)

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """The parts of a row, right of the gutter."""
        raise IndexError(place, width)

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row."""
        if not 0 <= number < self._window.count:
            return None
        room = width - GUTTER_CELLS
        body = self.strip_of(self.parts(number, room), room)
        return Strip([self.gutter_cell(number), *body], width)

    def action_leave(self) -> None:
        """Say that the person is done here."""
        self.post_message(self.Left())
