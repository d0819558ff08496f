"""Fields for secrets: masked while they are typed, empty as soon as they were taken.

Closes two traps: a secret that stays in a field after it was used, and a key block that is pasted
into a field that shows it, or into one that keeps its first line only.
"""

from __future__ import annotations

from typing import Final

from rich.segment import Segment
from textual import events
from textual.message import Message
from textual.strip import Strip
from textual.widgets import Input

from services.redact import Secret
from services.safe_text import SafeText, phrase, ui
from widgets.cells import fit
from widgets.line_view import LineView

_LONGEST: Final = 1 << 20
_END: Final = "-----END PGP PRIVATE KEY BLOCK-----"
_BEGIN: Final = "-----BEGIN PGP PRIVATE KEY BLOCK-----"
_EMPTY_WORDS: Final = ui("paste it here; it is not shown")


def secret_field(name: str, placeholder: str = "it is not shown") -> Input:
    """A masked field of one line."""
    field = Input(placeholder=placeholder, password=True, id=name, compact=True)
    field.cursor_blink = False
    return field


def take_secret(field: Input) -> Secret:
    """Take what was typed out of a field and leave it empty."""
    secret = Secret(field.value)
    field.clear()
    return secret


class PasteField(LineView):
    """Takes a pasted key block of many lines and shows only how much there is of it.

    Terminals without bracketed paste send the block as key presses; those are taken as well.
    """

    INKS = {"text": "$mail-text", "muted": "$mail-muted $muted-style", "strong": "$mail-text bold"}  # noqa: RUF012 - Textual's own way
    DEFAULT_CSS = """
    PasteField { width: 1fr; height: 1; background: $mail-background; color: $mail-text; }
    """

    class Changed(Message):
        """There is more, or less."""

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._parts: list[str] = []
        self._length = 0

    @property
    def is_empty(self) -> bool:
        """Nothing was pasted."""
        return not self._length

    @property
    def is_whole(self) -> bool:
        """There is a block from its first line to its last."""
        text = "".join(self._parts)
        return _BEGIN in text and text.rstrip().endswith(_END)

    def add_line(self) -> None:
        """End a line, as Enter does."""
        if not self.is_empty:
            self._add("\n")

    def take(self) -> Secret:
        """Take the block out and leave the field empty."""
        secret = Secret("".join(self._parts))
        self.clear()
        return secret

    def clear(self) -> None:
        """Forget what was pasted."""
        self._parts, self._length = [], 0
        self.refresh()
        self.post_message(self.Changed())

    def on_paste(self, event: events.Paste) -> None:
        """Take the pasted text."""
        event.stop()
        self._add(event.text)

    def on_key(self, event: events.Key) -> None:
        """Take typed characters; Backspace empties the field."""
        if event.key in ("backspace", "ctrl+u", "delete"):
            self.clear()
        elif event.character and event.is_printable:
            self._add(event.character)
        else:
            return
        event.stop()
        event.prevent_default()

    def line(self, number: int, width: int) -> Strip | None:  # noqa: ARG002 - one row only
        """How much there is, never what."""
        words = self.words()
        role = "muted" if self.is_empty else "strong"
        cursor = "|" if self.has_focus else " "
        body = Segment(fit(words, max(0, width - 1)), self.ink(role))
        return Strip([Segment(cursor, self.ink("text")), body], width)

    def words(self) -> SafeText:
        """What is said about the content."""
        if self.is_empty:
            return _EMPTY_WORDS
        kind = ui("a private key block") if self.is_whole else ui("not a whole key block yet")
        lines = "".join(self._parts).count("\n") + 1
        return phrase("{}: {:,} characters, {:,} lines", kind, self._length, lines)

    def focus_changed(self) -> None:
        """The cursor comes or goes."""
        self.refresh()

    def scroll_rows(self, rows: int) -> None:
        """There is one row."""

    def _add(self, text: str) -> None:
        text = text.replace("\r\n", "\n").replace("\r", "\n")[: _LONGEST - self._length]
        self._parts.append(text)
        self._length += len(text)
        self.refresh()
        self.post_message(self.Changed())
