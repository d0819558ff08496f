"""The scrolled part of a review: facts and text under each other, and a record of what was on screen.

Closes three traps. Consent to what nobody saw: every row that was painted on the top screen is noted,
and whoever decides asks `unseen` first. Forgery: the program's rows have the ground of the cards and
the first column, the mail's rows never. Size: rows are three numbers, their text is cut when drawn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color
from textual.message import Message
from textual.strip import Strip

from services.outbound_models import ReviewView
from services.safe_text import EMPTY, SafeText
from widgets.cells import fit, wrapped
from widgets.flowing import flowed_whole
from widgets.glyphs import UNICODE, Glyphs
from widgets.review_lines import (
    ReviewLine,
    Shape,
    Voice,
    copy_lines,
    is_long,
    note_lines,
    review_lines,
)
from widgets.rows import Part
from widgets.scrolled_view import ScrolledView

WIDEST: Final = 100
"""Cells that a line of the mail takes at most."""
_TEXT: Final = frozenset({"text", "fold"})
_OWN_GROUND: Final = frozenset({Voice.HEADING, Voice.FACT, Voice.FOLD})


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the screen: parts of line number `line`, or the stretch of its only fact."""

    line: int
    parts: tuple[Part, ...] = ()
    start: int = 0
    end: int = 0


class ReviewText(ScrolledView):
    """Scrolls; has no cursor. `unseen` counts the rows that were never on screen."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "strong": "$mail-text bold",
        "muted": "$mail-muted $muted-style",
        "good": "$mail-accent",
        "caution": "$mail-caution",
        "alarm": "$mail-caution bold",
        "danger": "$mail-danger bold",
        "card text": "$card-text",
        "card strong": "$card-text bold",
        "card heading": "$card-text bold",
        "card muted": "$card-muted $muted-style",
        "card good": "$card-good",
        "card caution": "$card-caution",
        "card alarm": "$card-caution bold",
        "card danger": "$card-danger bold",
    }
    DEFAULT_CSS = """
    ReviewText { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    class Looked(Message):
        """Rows were painted: others than before, or the first time."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        unfold_key: SafeText = EMPTY,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._unfold_key = unfold_key
        self._view: ReviewView | None = None
        self._changed: Sequence[SafeText] = ()
        self._shape = Shape()
        self._instead: Sequence[ReviewLine] = ()
        self._lines: Sequence[ReviewLine] = ()
        self._rows: list[Row] = []
        self._width = 0
        self._seen: set[int] = set()
        self._left: Counter[int] = Counter()
        """Rows of each line that were never on screen."""
        self._known: set[tuple[str, int]] = set()
        """The names of lines that were on screen in full."""

    # ── what is shown ────────────────────────────────────────────────────────────────────────────

    def show_review(
        self, view: ReviewView | None, shape: Shape, changed: Sequence[SafeText] = ()
    ) -> None:
        """Show a review from its start; nothing of it counts as seen."""
        self._view, self._shape, self._changed = view, shape, changed
        self._known.clear()
        self._top = 0
        self._lay_out()

    def show_note(self, words: SafeText) -> None:
        """Show a sentence in place of a review."""
        self._instead = note_lines(words)
        self.show_review(None, Shape())

    def show_copy(
        self, facts: Sequence[tuple[SafeText, SafeText]], body: Sequence[SafeText]
    ) -> None:
        """Show facts and a text about which nothing has to be decided any more."""
        self._instead = copy_lines(facts, body)
        self.show_review(None, Shape())

    def reshape(self, shape: Shape) -> None:
        """Show more or less of the same review; what was seen stays seen."""
        if shape != self._shape:
            self._shape = shape
            self._lay_out()

    @property
    def shape(self) -> Shape:
        """How much is shown."""
        return self._shape

    def toggle_fold(self) -> None:
        """Show all of the text, or fold it again."""
        self.reshape(replace(self._shape, unfolded=not self._shape.unfolded))

    def toggle_details(self) -> None:
        """Show whole hashes and types of files, or not."""
        self.reshape(replace(self._shape, details=not self._shape.details))

    @property
    def is_folded(self) -> bool:
        """Whether text is hidden behind its count."""
        return self._view is not None and is_long(self._view.texts) and not self._shape.unfolded

    def unseen(self, *, with_text: bool) -> int:
        """Rows that were never on screen; without the text, only the facts count."""
        if with_text:
            return sum(self._left.values())
        return sum(
            rows for line, rows in self._left.items() if self._lines[line].name[0] not in _TEXT
        )

    @property
    def below(self) -> int:
        """Rows below the screen."""
        return max(0, len(self._rows) - self._top - self.page)

    def look_again(self) -> None:
        """What is on screen now counts, once it is painted."""
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        if not (self.is_attached and self.display and self.size.height and self.screen.is_current):
            return
        for number in range(self._top, min(self._top + self.size.height, len(self._rows))):
            if number not in self._seen:
                self._note(number)
        self.post_message(self.Looked())

    def _note(self, number: int) -> None:
        self._seen.add(number)
        line = self._rows[number].line
        self._left[line] -= 1
        if not self._left[line]:
            del self._left[line]
            self._known.add(self._lines[line].name)

    # ── layout ───────────────────────────────────────────────────────────────────────────────────

    def _lay_out(self) -> None:
        self._wrap(self.size.width or self._width)
        self.refresh()
        self.look_again()

    def _wrap(self, width: int) -> None:
        self._width = width
        self._rows, self._left = [], Counter()
        if width:
            self._lines = self._made_lines()
            for number, line in enumerate(self._lines):
                self._rows += self._rows_of(number, line, width)
        self._take_stock()
        self._top = self.clamped(self._top)

    def _made_lines(self) -> Sequence[ReviewLine]:
        if self._view is None:
            return self._instead
        return review_lines(self._view, self._shape, self._glyphs, self._changed, self._unfold_key)

    def _take_stock(self) -> None:
        self._seen = set()
        for number, row in enumerate(self._rows):
            if self._lines[row.line].name in self._known:
                self._seen.add(number)
            else:
                self._left[row.line] += 1

    def _rows_of(self, number: int, line: ReviewLine, width: int) -> list[Row]:
        if line.voice is Voice.HEADING:
            return [Row(number)]
        room = max(1, min(width - 2, WIDEST) if line.voice is Voice.MAIL else width - 2)
        if len(line.facts) == 1 and not line.under:
            words = line.facts[0][0]
            if len(words) <= room and words.isascii():
                return [Row(number, end=len(words))]
            return [Row(number, start=start, end=end) for start, end in wrapped(words, room)]
        # What goes on in the next row stands further in, so that each file begins at its mark.
        flow = flowed_whole(line.facts, max(1, room - 2), self._glyphs)
        first = 1 if line.under else 0
        return [Row(number, tuple(parts), start=at) for at, parts in enumerate(flow, first)]

    def on_resize(self, event: events.Resize) -> None:
        """Wrap anew at another width; a taller screen shows more."""
        if event.size.width != self._width:
            self._wrap(event.size.width)
        self._top = self.clamped(self._top)
        self.refresh()
        self.look_again()

    # ── moving ───────────────────────────────────────────────────────────────────────────────────

    def reach(self, count: int) -> int:  # noqa: ARG002 - all rows are made at once
        """How many rows there are."""
        return len(self._rows)

    def scrolled(self) -> None:
        """What came on the screen counts, once it is painted."""
        self.look_again()

    def read_on(self, *, with_text: bool) -> None:
        """One screen down; at the end, back to what was passed too fast to be painted."""
        if self.below:
            self.action_page_down()
            return
        for number, row in enumerate(self._rows):
            counts = with_text or self._lines[row.line].name[0] not in _TEXT
            if counts and number not in self._seen:
                self.scroll_rows(number - self._top)
                return

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────

    def _mix(self, words: str) -> Style:
        style = super()._mix(words)
        if not words.startswith("$card"):
            return style
        ground = Color.parse(self.app.theme_variables["card-background"]).rich_color
        return style + Style(bgcolor=ground)

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row."""
        if not 0 <= number < len(self._rows):
            return None
        row = self._rows[number]
        line = self._lines[row.line]
        own = line.voice in _OWN_GROUND
        prefix = "card " if own else ""
        segments = [
            Segment(text, self.ink(prefix + role))
            for text, role in self._parts(row, line, width)
            if text
        ]
        return Strip(segments).adjust_cell_length(width, self.ink(f"{prefix}text"))

    def _parts(self, row: Row, line: ReviewLine, width: int) -> Sequence[Part]:
        words, role = line.facts[0]
        if line.voice is Voice.HEADING:
            rule = self._glyphs.rule
            head = fit(words, min(cell_len(words), width - 2), self._glyphs.ellipsis)
            tail = rule * max(0, width - cell_len(head) - 2)
            return [(f" {head} ", role), (tail, "muted")]
        indent = " " if line.voice in (Voice.FACT, Voice.MAIL) else ""
        if row.parts:
            return [(indent + ("  " if row.start else ""), "text"), *row.parts]
        return [(indent, "text"), (words[row.start : row.end].replace("\n", " "), role)]
