"""Everything about one message: header card and trust panel above, body, attachments and links below."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from services.models import MessageRow, RenderedMessage, TrustFacts
from services.safe_text import SafeText
from widgets.glyphs import UNICODE, Glyphs
from widgets.reader import Reader


class ReaderPane(Vertical):
    """The reader with its chrome: `header`, `trust`, `reader`, `attachments`, `links`."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self.reader = Reader(glyphs=glyphs)

    def compose(self) -> ComposeResult:
        """Chrome first, then the body."""
        yield self.reader

    def show_message(
        self, message: RenderedMessage, trust: TrustFacts, row: MessageRow | None = None
    ) -> None:
        """Show a message whole."""

    def show_lines(self, lines: tuple[SafeText, ...]) -> None:
        """Show the raw mail under the header card of the message shown before."""

    def show_empty(self, text: SafeText) -> None:
        """Show one sentence and no chrome."""

    def toggle_headers(self) -> None:
        """Show all header fields, or only the usual ones."""
