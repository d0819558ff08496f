"""Small dialogs of the Keys screen: one line of text, a word typed to confirm, sentences to read.

Closes the trap of a dangerous answer one careless key away: what cannot be taken back wants a whole
word, typed after the question was on screen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.screens.dialogs import Dialog
from tui.screens.field_dialog import FieldDialog, text_field
from widgets.plain import Plain


def something(text: str) -> SafeText:
    """What is wrong with an empty line."""
    return EMPTY if text else ui("Type something.")


class PromptDialog(FieldDialog[str]):
    """Asks for one line; `problem` says what is wrong with it, or nothing."""

    FIELDS = ("prompt",)

    def __init__(
        self,
        title: SafeText,
        details: Sequence[SafeText],
        go: SafeText,
        monotonic: Callable[[], float],
        *,
        value: str = "",
        placeholder: str = "",
        problem: Callable[[str], SafeText] = something,
    ) -> None:
        super().__init__(monotonic)
        self._title, self._details, self._go = title, tuple(details), go
        self._value, self._placeholder = value, placeholder
        self._problem = problem

    def compose(self) -> ComposeResult:
        """Title, what it is about, the field, two answers."""
        with Vertical(classes="dialog"):
            yield Plain(self._title, classes="dialog-title")
            for line in self._details:
                yield Plain(line, classes="dialog-line")
            yield text_field("prompt", self._value, self._placeholder)
            keys = phrase("Enter: {} · Esc leaves", self._go)
            yield from self.ending(self._go, first_words=keys)

    def answer(self) -> None:
        """Return the line."""
        text = self.typed("prompt")
        problem = self._problem(text)
        if problem:
            self.say(phrase("! {}", problem))
        else:
            self.dismiss(text)


class TypedConfirmDialog(FieldDialog[bool]):
    """A question that is answered by typing a word; Enter without it does nothing."""

    FIELDS = ("typed",)

    def __init__(
        self,
        question: SafeText,
        details: Sequence[SafeText],
        word: SafeText,
        yes: SafeText,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(monotonic)
        self._question, self._details = question, tuple(details)
        self._word, self._yes = word, yes

    def compose(self) -> ComposeResult:
        """The question, the word to type, the field, two answers."""
        with Vertical(classes="dialog"):
            yield Plain(self._question, classes="dialog-title")
            for line in self._details:
                yield Plain(line, classes="dialog-line")
            yield text_field("typed", placeholder=f"type {self._word}")
            how = phrase("Type {} and press Enter. Esc leaves.", self._word)
            yield from self.ending(self._yes, first_words=how, danger=True)

    def answer(self) -> None:
        """Confirm, when the word is there."""
        if self.typed("typed").lower() == self._word:
            self.dismiss(True)


class TellDialog(Dialog[None]):
    """Sentences that want to be read; any answer closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q", "leave", "Close", show=False)]

    def __init__(
        self, title: SafeText, lines: Sequence[SafeText], monotonic: Callable[[], float]
    ) -> None:
        super().__init__(monotonic)
        self._title, self._lines = title, tuple(lines)

    def compose(self) -> ComposeResult:
        """The title, the sentences, one answer."""
        with Vertical(classes="dialog"):
            yield Plain(self._title, classes="dialog-title")
            for line in self._lines:
                yield Plain(line, classes="dialog-line")
            with Horizontal(classes="dialog-answers"):
                yield Button("Close", id="close", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Close, once it could be read."""
        event.stop()
        if self.armed:
            self.dismiss(None)
