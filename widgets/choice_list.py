"""A short list with a cursor in its gutter, for what is chosen among a few dozen things."""

from __future__ import annotations

from textual.message import Message
from textual.scroll_view import ScrollView


class ChoiceList(ScrollView):
    """A list of lines, one of them under the cursor."""

    class Left(Message):
        """Escape was pressed in the list."""
