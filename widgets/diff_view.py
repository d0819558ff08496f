"""What changed between two revisions of a proposal: lines behind a sign, `@` for what is not text.

Closes the trap of a change that only a colour tells, and of a line of the mail that looks like a sign
of the program's: the sign has the first column, which mail text never gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from textual import events
from textual.strip import Strip

from services.outbound_models import DiffLine
from services.safe_text import EMPTY, SafeText, phrase, ui
from widgets.cells import wrapped
from widgets.glyphs import UNICODE, Glyphs
from widgets.review_words import lines_words
from widgets.scrolled_view import ScrolledView

_SIGN_CELLS: Final = 3
_ROLES: Final = {"+": "added", "-": "removed", "@": "caution"}


class DiffView(ScrolledView, can_focus=False):
    """Scrolls; the first row says what is compared, with exact counts."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "strong": "$mail-text bold",
        "muted": "$mail-muted $muted-style",
        "added": "$mail-accent",
        "removed": "$mail-danger",
        "caution": "$mail-caution bold",
    }
    DEFAULT_CSS = """
    DiffView { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._title: SafeText = EMPTY
        self._lines: Sequence[DiffLine] = ()
        self._rows: list[tuple[int, int, int]] = []

    def show_waiting(self) -> None:
        """Nothing is compared yet."""
        self._show(ui("Comparing …"), ())

    def show_diff(self, older: int, newer: int, lines: Sequence[DiffLine]) -> None:
        """Show a comparison from its start."""
        if not lines:
            self._show(phrase("revision {}: there is no earlier one to compare with", newer), ())
            return
        signs = [line.sign for line in lines]
        counts = phrase(
            "{} added, {} removed",
            lines_words(signs.count("+")),
            lines_words(signs.count("-")),
        )
        self._show(phrase("revision {} against {}: {}", newer, older, counts), lines)

    def _show(self, title: SafeText, lines: Sequence[DiffLine]) -> None:
        self._title, self._lines, self._top = title, lines, 0
        self._wrap(self.size.width)
        self.refresh()

    def _wrap(self, width: int) -> None:
        room = max(1, width - _SIGN_CELLS - 1)
        self._rows = [
            (number, start, end)
            for number, line in enumerate(self._lines)
            for start, end in wrapped(line.text, room)
        ]

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew."""
        self._wrap(event.size.width)
        self.scroll_rows(0)
        self.refresh()

    def reach(self, count: int) -> int:  # noqa: ARG002 - all rows are made at once
        """How many rows there are, the title among them."""
        return len(self._rows) + 1

    def line(self, number: int, width: int) -> Strip | None:
        """Draw the title, or a row of a line."""
        if number == 0:
            rule = self._glyphs.rule * width
            return self.strip_of([(f" {self._title} ", "strong"), (rule, "muted")], width)
        if number > len(self._rows):
            return None
        at, start, end = self._rows[number - 1]
        line = self._lines[at]
        role = _ROLES.get(line.sign, "text")
        sign = line.sign if start == 0 else " "
        return self.strip_of([(f" {sign} ", role), (line.text[start:end], role)], width)
