"""The message list: one row per message, drawn from a row source, at no cost per message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message
from textual.scroll_view import ScrollView

from services.models import RowSource
from services.safe_text import SafeText
from widgets.glyphs import UNICODE, Glyphs


class MessageList(ScrollView):
    """A list over 100,000 rows; the cursor and the selection are kept by message id."""

    BINDINGS: ClassVar[list[BindingType]] = []

    class CursorMoved(Message):
        """The cursor stands on another message, or on none."""

        def __init__(self, message_id: str | None) -> None:
            super().__init__()
            self.message_id = message_id

    class Opened(Message):
        """A message was opened by Enter, or by a click on the current row."""

        def __init__(self, message_id: str) -> None:
            super().__init__()
            self.message_id = message_id

    class SelectionChanged(Message):
        """The number of selected messages changed."""

        def __init__(self, count: int) -> None:
            super().__init__()
            self.count = count

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

    def show(self, source: RowSource, keep: bool = True) -> None:
        """Draw from another source; `keep` holds the cursor on its message and its screen line."""

    def show_empty(self, text: SafeText) -> None:
        """The sentence of an empty list."""

    @property
    def cursor_id(self) -> str | None:
        """The message under the cursor."""
        return None

    @property
    def position(self) -> int | None:
        """The cursor's place, counted from 0."""
        return None

    def move_to(self, message_id: str) -> bool:
        """Put the cursor on a message; False when the list does not hold it."""
        return message_id == self.cursor_id

    @property
    def selected_ids(self) -> frozenset[str]:
        """The selected messages."""
        return frozenset()

    def target_ids(self) -> tuple[str, ...]:
        """What a command is about: the selection in list order, else the cursor's message."""
        return ()

    def clear_selection(self) -> None:
        """Select nothing."""

    def select_all(self) -> None:
        """Select every listed message."""
