"""The ground of the facts about a message: rows that are known before they are laid out.

Closes two traps: a card that learns its width only after the first paint, so that the text below it
jumps; and a new layout of the whole screen for every message, though the card is as tall as before.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.strip import Strip

from widgets.glyphs import UNICODE, Glyphs
from widgets.line_view import LineView
from widgets.rows import Part


class CardView(LineView, can_focus=False):
    """Rows of parts on the card's own ground; a subclass says which rows fit a width."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$card-text",
        "strong": "$card-text bold",
        "muted": "$card-muted $muted-style",
        "caution": "$card-caution",
        "alarm": "$card-caution bold",
        "good": "$card-good",
    }
    DEFAULT_CSS = """
    CardView {
        width: 1fr; height: auto; padding: 0 1; background: $card-background; color: $card-text;
    }
    """

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._glyphs = glyphs
        self._clock = clock
        self._kept: dict[int, Sequence[Sequence[Part]]] = {}

    def fitted(self, width: int) -> Sequence[Sequence[Part]]:
        """The rows at a width, each exactly as wide."""
        raise IndexError(width)

    def changed(self) -> None:
        """Draw anew; the screen is laid out anew only when the number of rows changed."""
        width = self.content_size.width
        before = len(self._kept.get(width, ()))
        self._kept.clear()
        self.refresh(layout=len(self._rows_at(width)) != before)

    def get_content_height(
        self,
        container: Size,  # noqa: ARG002 - Textual's signature
        viewport: Size,  # noqa: ARG002
        width: int,
    ) -> int:
        """As tall as its rows at that width."""
        return len(self._rows_at(width))

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row."""
        rows = self._rows_at(width)
        return self.strip_of(rows[number], width) if 0 <= number < len(rows) else None

    def _rows_at(self, width: int) -> Sequence[Sequence[Part]]:
        rows = self._kept.get(width)
        if rows is None:
            rows = self._kept[width] = self.fitted(width)
        return rows
