"""The ground of every list and text view: lines drawn on demand, scrolled by whole rows.

Closes three traps of ready-made lists: widgets per row (8 s for 2,000), a scrollbar column that is
painted again at every step, and animated scrolling (256 KB over SSH). A view keeps the number of
its first line and draws only the lines that are asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

WHEEL_LINES = 3


class LineView(Widget, can_focus=True):
    """A view that draws line by line and scrolls without a scrollbar or motion.

    A subclass sets `INKS` and answers `line`, `line_count` and `scroll_to_line`.
    """

    ALLOW_SELECT = False
    INKS: ClassVar[Mapping[str, str]] = {"text": "$mail-text"}
    """Each role's colour and text style: words, or variables of the theme with a `$`.

    Not component classes: Textual styles each of them like one more widget, again and again, and
    five views of seven roles took a sixth of the start.
    """

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._inks: dict[str, Style] = {}

    @property
    def top(self) -> int:
        """The number of the line that stands in the first row of the screen."""
        return 0

    def ink(self, role: str) -> Style:
        """The Rich style of a role, on the view's own ground."""
        style = self._inks.get(role)
        if style is None:
            style = self._inks[role] = self._mix(self.INKS[role])
        return style

    def _mix(self, words: str) -> Style:
        variables = self.app.theme_variables
        told = (variables[word[1:]] if word.startswith("$") else word for word in words.split())
        colour, *styles = told
        return Style(
            color=Color.parse(colour).rich_color,
            bgcolor=self.rich_style.bgcolor,
            bold="bold" in styles or None,
            dim="dim" in styles or None,
            italic="italic" in styles or None,
        )

    def notify_style_update(self) -> None:
        """Forget the inks: the theme or the classes changed."""
        self._inks.clear()
        self.forget_lines()
        super().notify_style_update()

    def forget_lines(self) -> None:
        """Drop drawn lines that were kept."""

    @property
    def page(self) -> int:
        """Rows on the screen, at least one."""
        return max(1, self.size.height)

    def line(self, number: int, width: int) -> Strip | None:
        """Draw one line; None below the end."""
        raise IndexError(number, width)

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen."""
        width = self.size.width
        strip = self.line(self.top + y, width)
        return Strip.blank(width, self.ink("text")) if strip is None else strip

    def strip_of(self, parts: Iterable[tuple[str, str]], width: int) -> Strip:
        """Make a strip of exactly `width` cells from (text, role) parts."""
        segments = [Segment(text, self.ink(role)) for text, role in parts if text]
        strip = Strip(segments)
        return strip.adjust_cell_length(width, self.ink("text"))

    def refresh_row(self, number: int, cells: int | None = None) -> None:
        """Paint one line again, or only its first `cells`, if it is on the screen."""
        y = number - self.top
        if 0 <= y < self.size.height:
            self.refresh(Region(0, y, cells or self.size.width, 1))

    def on_focus(self, event: events.Focus) -> None:
        """Take the keys; Textual's own way paints every line again."""
        event.prevent_default()
        self._take_focus(events.DescendantFocus(self), has_focus=True)

    def on_blur(self, event: events.Blur) -> None:
        """Give the keys away."""
        event.prevent_default()
        self._take_focus(events.DescendantBlur(self), has_focus=False)

    def _take_focus(self, news: events.Event, *, has_focus: bool) -> None:
        self.has_focus = has_focus
        self.focus_changed()
        if self.parent is not None:
            self.parent.post_message(news)

    def focus_changed(self) -> None:
        """Paint what looks different with and without the keys."""

    def scroll_rows(self, rows: int) -> None:
        """Scroll by whole rows; a view decides where it ends."""
        raise IndexError(rows)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll without motion."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll without motion."""
        event.stop()
        event.prevent_default()
        self.scroll_rows(-WHEEL_LINES)
