"""Fields of one line for what may come from outside: a subject, recipients, a path.

Closes two traps of the ready-made field: control characters of a pasted text reach the terminal as
they are, and of several pasted lines all but the first are lost without a word.
"""

from __future__ import annotations

import re
from typing import ClassVar, Final

from textual import events
from textual.widgets import Input

from services.safe_text import SafeText, clean_line

LONGEST: Final = 20_000
"""Characters of a field into which something is pasted; what would be more is not pasted at all."""
_SEPARATORS: Final = ",;"
_LINE_ENDS: Final = re.compile(r"[\r\n]+")


class LineField(Input):
    """A field of one line whose text is safe to show."""

    JOINS_LINES_BY = " "
    """What stands between the lines of a paste."""
    TAKES: ClassVar[int] = LONGEST
    """Characters that it holds at most when something is pasted."""
    DEFAULT_CSS = """
    LineField { background: transparent; color: $card-text; }
    """

    def __init__(
        self,
        value: SafeText = SafeText(""),  # noqa: B008 - immutable
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002 - Textual's own name
        classes: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            id=id,
            classes=classes,
            compact=True,
            select_on_focus=False,
        )
        self.cursor_blink = False

    passes_on = False
    """The next letter is not for this field: it ends a command that was begun."""

    def on_key(self, event: events.Key) -> None:
        """Let a letter go by that is not for this field."""
        if self.passes_on:
            event.prevent_default()

    def show(self, text: str) -> None:
        """Put a text into the field that is clean already, without telling that it changed."""
        if text != self.value:
            with self.prevent(Input.Changed):
                self.value = text
                self.cursor_position = len(text)

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()
        lines = _LINE_ENDS.sub(self.JOINS_LINES_BY, event.text.strip("\r\n"))
        text = clean_line(lines, LONGEST)
        if text:
            self.replace(text, *sorted(self.selection))


class RecipientField(LineField):
    """Recipients with commas between them; `piece` is the one under the cursor."""

    JOINS_LINES_BY = ", "

    @property
    def piece(self) -> str:
        """What is typed of the recipient that the cursor stands behind."""
        start = self._start
        return self.value[start : self.cursor_position].strip()

    def take(self, address: SafeText) -> None:
        """Put a whole recipient in the place of the piece."""
        start, end = self._start, self.cursor_position
        gap = " " if start and not self.value[:start].endswith(" ") else ""
        self.replace(f"{gap}{address}, ", start, end)

    def tidy(self) -> None:
        """Take off the comma that waits for another recipient."""
        tidied = self.value.rstrip(" ,;")
        if tidied != self.value:
            self.value = tidied

    @property
    def _start(self) -> int:
        """Where the recipient under the cursor begins: behind a comma outside of quotes."""
        start, quoted = 0, False
        for place, char in enumerate(self.value[: self.cursor_position]):
            if char == '"':
                quoted = not quoted
            elif char in _SEPARATORS and not quoted:
                start = place + 1
        return start
