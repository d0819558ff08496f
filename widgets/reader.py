"""The reader: the text of one message, wrapped as far as it is looked at.

Closes three traps. Size: a body of megabytes shows its first screen at once. Forgery: mail text
never stands in the first column and never gets the ground of the header card. Noise: long
quotations are one line until somebody asks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.strip import Strip

from services.models import MessageRow
from services.safe_text import EMPTY, SafeText, phrase, ui
from services.shown_mail import BodyLine, HeaderLine, LineKind, RenderedMessage, TrustFacts
from widgets.body_rows import INDENT, MOST_BARS, BodyRows, Piece, Row, foldable, pieces
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part
from widgets.scrolled_view import ScrolledView

WIDEST: Final = 100
"""Cells that a line of text takes at most: longer ones tire the eye."""

_MARK: Final = re.compile(r"\[(\d{1,4})\]")
_SHADES: Final = ("text", "quote-1", "quote-2", "quote-3")


class Reader(ScrolledView):
    """A view of one message body; it scrolls, it has no cursor."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "quote-1": "$quote-1 $muted-style",
        "quote-2": "$quote-2 $muted-style",
        "quote-3": "$quote-3 $muted-style",
        "muted": "$mail-muted $muted-style",
        "notice": "$notice-text italic",
        "alarm": "$mail-caution bold",
        "link": "$mail-accent",
        "strong": "$mail-text bold",
    }
    DEFAULT_CSS = """
    Reader { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._body: Sequence[BodyLine] = ()
        self._headers: tuple[HeaderLine, ...] = ()
        self._with_headers = False
        self._numbers: frozenset[int] = frozenset()
        self._opened: frozenset[int] = frozenset()
        self._foldable: frozenset[int] = frozenset()
        self._rows = BodyRows(iter(()), WIDEST)
        self._width = 0

    # ── what is shown ────────────────────────────────────────────────────────────────────────────

    def show_message(
        self,
        message: RenderedMessage,
        trust: TrustFacts,  # noqa: ARG002 - the same call for every widget of a message
        row: MessageRow | None = None,  # noqa: ARG002
    ) -> None:
        """Show the body of a message from its start, quotations folded."""
        self._headers = message.headers
        self._numbers = frozenset(link.number for link in message.links)
        self._start(message.body)

    def show_lines(self, lines: tuple[SafeText, ...]) -> None:
        """Show lines as they are: the raw mail."""
        self._headers, self._numbers = (), frozenset()
        self._start([BodyLine(line) for line in lines])

    def show_empty(self, text: SafeText) -> None:
        """Show one sentence instead of a message."""
        self._headers, self._numbers = (), frozenset()
        self._start([BodyLine(EMPTY), BodyLine(text, LineKind.NOTICE)])

    @property
    def headers_shown(self) -> bool:
        """Whether all header fields stand above the text."""
        return self._with_headers

    def show_headers(self, shown: bool) -> None:
        """Put all header fields above the text, or take them away; they are mail text too."""
        self._with_headers = shown
        self._top = 0
        self._lay_out()

    @property
    def at_end(self) -> bool:
        """Whether the last row is on the screen."""
        return self._rows.reach(self._top + self.page + 1) <= self._top + self.page

    def toggle_quotes(self) -> None:
        """Open all quotations, or fold them all when they are open."""
        self._opened = frozenset() if self._opened == self._foldable else self._foldable
        self._lay_out(keep=True)

    def toggle_quote_here(self) -> None:
        """Open or fold the first quotation on the screen."""
        heads = (self._rows.row(self._top + y) for y in range(self.page))
        head = next((row for row in heads if row is not None and row.piece.quoted), None)
        if head is not None:
            self._toggle(head.piece)

    def _toggle(self, head: Piece) -> None:
        self._opened = self._opened ^ {head.run}
        self._lay_out()

    def _start(self, body: Sequence[BodyLine]) -> None:
        self._body = body
        self._opened = frozenset()
        self._foldable = frozenset(start for start, _end in foldable(body))
        self._top = 0
        self._lay_out()

    def _lay_out(self, *, keep: bool = False) -> None:
        """Wrap anew; `keep` holds the piece of text that is at the top, if it is still there."""
        self._wrap(self._width or self.size.width, keep=keep)
        self.refresh()

    def _wrap(self, width: int, *, keep: bool) -> None:
        anchor = self._rows.row(self._top) if keep else None
        room = min(max(1, width - 1), WIDEST)
        shown = pieces(self._body, self._opened)
        head = self._header_pieces() if self._with_headers and self._headers else ()
        self._rows = BodyRows(chain(head, shown), room)
        if anchor is not None:
            self._top = self._place_of(anchor)
        self._top = self.clamped(self._top)

    def _header_pieces(self) -> Iterable[Piece]:
        for header in self._headers:
            yield Piece(phrase("{}: {}", header.name, header.value), LineKind.TEXT)
        yield Piece(EMPTY, LineKind.RULE)

    def _place_of(self, anchor: Row) -> int:
        number = 0
        while (row := self._rows.row(number)) is not None:
            if row.piece == anchor.piece and row.end > anchor.start:
                return number
            number += 1
        return self._top

    def reach(self, count: int) -> int:
        """Wrap the body until there are `count` rows, or it ends."""
        return self._rows.reach(count)

    # ── drawing ──────────────────────────────────────────────────────────────────────────────────

    def render_line(self, y: int) -> Strip:
        """Draw a row of the screen; at another width the body is wrapped anew first."""
        if self.size.width != self._width:
            self._width = self.size.width
            self._wrap(self._width, keep=True)
        return super().render_line(y)

    def line(self, number: int, width: int) -> Strip | None:
        """Draw one row."""
        row = self._rows.row(number)
        return None if row is None else self.strip_of(self._parts(row, width), width)

    def _parts(self, row: Row, width: int) -> list[Part]:
        piece = row.piece
        if piece.kind is LineKind.RULE:
            return [(self._rule(row.text, width), "alarm" if piece.outside else "muted")]
        if piece.outside:
            inner = self._parts(Row(replace(piece, outside=False), row.start, row.end), width)
            return [(self._glyphs.unverified, "alarm"), *_without_indent(inner)]
        if piece.quoted:
            return [(f" {self._fold_words(piece)}", "muted")]
        if piece.kind is LineKind.NOTICE:
            mark = self._glyphs.dot if row.start == 0 else " "
            return [(f"{mark} {row.text}", "notice")]
        bars = f"{self._glyphs.quote} " * min(piece.quote, MOST_BARS)
        shade = _SHADES[min(piece.quote, len(_SHADES) - 1)]
        return [(" " * INDENT, "text"), (bars, "muted"), *self._marked(row.text, shade)]

    def _rule(self, words: str, width: int) -> str:
        """A boundary between parts, with what begins behind it."""
        rule = self._glyphs.rule
        head = f"{rule * 2} {words} " if words else ""
        return head + rule * max(0, width - cell_len(head))

    def _fold_words(self, piece: Piece) -> SafeText:
        mark = self._glyphs.unfolded if piece.open else self._glyphs.folded
        return phrase("{} {} quoted lines", mark, piece.quoted)

    def _marked(self, text: str, shade: str) -> list[Part]:
        """The text, with the numbers of real links set apart."""
        if not self._numbers or "[" not in text:
            return [(text, shade)]
        parts: list[Part] = []
        done = 0
        for mark in _MARK.finditer(text):
            if int(mark[1]) in self._numbers:
                parts += [(text[done : mark.start()], shade), (mark[0], "link")]
                done = mark.end()
        return [*parts, (text[done:], shade)]

    def on_click(self, event: events.Click) -> None:
        """A click on the head of a quotation opens or folds it."""
        row = self._rows.row(self._top + event.y)
        if row is not None and row.piece.quoted:
            event.stop()
            self._toggle(row.piece)


NOTHING_OPEN: Final = ui("Nothing is open. Enter reads the message under the cursor.")


def _without_indent(parts: list[Part]) -> list[Part]:
    """Give the first column of a row free for a mark."""
    (text, role), *rest = parts
    return [(text[INDENT:], role), *rest]
