"""Rows without a cursor: text that scrolls by rows and screens, never beyond its end.

Closes two traps: views of text that each move a little differently, and an end that has to be known
before the first row is drawn (a body of megabytes is wrapped as far as it is looked at).
"""

from __future__ import annotations

import sys
from typing import ClassVar

from textual.binding import Binding, BindingType

from widgets.glyphs import UNICODE, Glyphs
from widgets.line_view import LineView


class ScrolledView(LineView):
    """A view that keeps the number of its first row; a subclass answers `reach` and `line`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "scroll_down", "Down", id="text.down", show=False),
        Binding("up", "scroll_up", "Up", id="text.up", show=False),
        Binding("pagedown", "page_down", "Page down", id="text.page-down", show=False),
        Binding("pageup", "page_up", "Page up", id="text.page-up", show=False),
        Binding("home", "first", "Top", id="text.first", show=False),
        Binding("end", "last", "End", id="text.last", show=False),
    ]

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._top = 0

    @property
    def top(self) -> int:
        """The first row on the screen, counted from 0."""
        return self._top

    def reach(self, count: int) -> int:
        """Make rows until there are `count`, or the text ends; return how many there are."""
        raise IndexError(count)

    def scrolled(self) -> None:
        """Other rows came on the screen."""

    def clamped(self, top: int) -> int:
        """The nearest row that can be the first on the screen."""
        known = self.reach(max(0, top) + self.page)
        return max(0, min(top, known - self.page))

    def scroll_rows(self, rows: int) -> None:
        """Scroll by whole rows, not beyond the end."""
        top = self.clamped(self._top + rows)
        if top != self._top:
            self._top = top
            self.refresh()
            self.scrolled()

    def action_scroll_down(self) -> None:
        """One row down."""
        self.scroll_rows(1)

    def action_scroll_up(self) -> None:
        """One row up."""
        self.scroll_rows(-1)

    def action_page_down(self) -> None:
        """One screen down, one row of overlap."""
        self.scroll_rows(max(1, self.page - 1))

    def action_page_up(self) -> None:
        """One screen up, one row of overlap."""
        self.scroll_rows(-max(1, self.page - 1))

    def action_half_page_down(self) -> None:
        """Half a screen down."""
        self.scroll_rows(max(1, self.page // 2))

    def action_half_page_up(self) -> None:
        """Half a screen up."""
        self.scroll_rows(-max(1, self.page // 2))

    def action_first(self) -> None:
        """To the start."""
        self.scroll_rows(-self._top)

    def action_last(self) -> None:
        """To the end; this alone makes every row."""
        self.scroll_rows(sys.maxsize)
