"""The reader: the text of one message, wrapped as far as it is looked at."""

from __future__ import annotations

from textual.scroll_view import ScrollView

from services.models import MessageRow, RenderedMessage, TrustFacts
from services.safe_text import SafeText
from widgets.glyphs import UNICODE, Glyphs


class Reader(ScrollView):
    """A Line-API view of one message body."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs

    def show_message(
        self, message: RenderedMessage, trust: TrustFacts, row: MessageRow | None = None
    ) -> None:
        """Show the body of a message."""

    def show_lines(self, lines: tuple[SafeText, ...]) -> None:
        """Show lines as they are: the raw mail."""

    def show_empty(self, text: SafeText) -> None:
        """Show one sentence instead of a message."""

    def toggle_quotes(self) -> None:
        """Fold or unfold all quoted text."""
