"""Dialogs with fields: Enter goes from one to the next, and answers in the last.

Closes the trap of Textual's own Enter, which is told to the dialog after the next key was typed into
the old field: over a slow line half of the second passphrase would end in the first one.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Input

from services.safe_text import EMPTY, SafeText
from tui.screens.dialogs import Answer, Dialog
from widgets.plain import Plain


def text_field(name: str, value: str = "", placeholder: str = "") -> Input:
    """A field of one line; the cursor stands at its end and does not blink."""
    field = Input(value, placeholder=placeholder, id=name, compact=True, select_on_focus=False)
    field.cursor_blink = False
    return field


class FieldDialog(Dialog[Answer]):
    """A dialog with the fields `FIELDS`; a subclass says in `answer` what it returns.

    Its answer is the button `go`, which stands with `cancel` in the row that `ending` makes.
    """

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "enter", "Next field", show=False, priority=True),
        Binding("down", "app.focus_next", "Next field", show=False),
        Binding("up", "app.focus_previous", "Field before", show=False),
    ]
    FIELDS: ClassVar[tuple[str, ...]] = ()

    def row(self, label: SafeText, field: Input) -> Horizontal:
        """A field behind its label."""
        return Horizontal(Plain(label, classes="dialog-label"), field, classes="dialog-row")

    def ending(
        self, go: SafeText, *, first_words: SafeText = EMPTY, danger: bool = False
    ) -> ComposeResult:
        """The line of state and the two answers."""
        yield Plain(first_words, classes="dialog-line dialog-state")
        with Horizontal(classes="dialog-answers"):
            yield Button("Cancel", id="cancel", compact=True)
            yield Button(
                Content(go), id="go", variant="error" if danger else "default", compact=True
            )

    def field(self, name: str) -> Input:
        """A field by its name."""
        return self.query_one(f"#{name}", Input)

    def typed(self, name: str) -> str:
        """What was typed into a field, without blanks around."""
        return self.field(name).value.strip()

    def say(self, sentence: SafeText) -> None:
        """Put a sentence under the fields."""
        self.query_one(".dialog-state", Plain).update(Content(sentence))

    def action_enter(self) -> None:
        """Go to the next field, press the button, or answer."""
        focused = self.focused
        if isinstance(focused, Button):
            focused.press()
        elif isinstance(focused, Input) and focused.id in self.FIELDS[:-1]:
            following = self.FIELDS[self.FIELDS.index(focused.id) + 1]
            self.set_focus(self.field(following))
        elif self.armed:
            self.answer()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer, leave, or what else a subclass has buttons for."""
        event.stop()
        name = event.button.id or ""
        if name == "cancel":
            self.dismiss(None)
        elif name == "tick":
            self.tick()
        elif self.armed:
            self.answer()

    def answer(self) -> None:
        """Return what was filled in, or say what is wrong with it."""
        raise LookupError(self)

    def tick(self) -> None:
        """The box was clicked; most dialogs have none."""

    def on_paste(self, event: events.Paste) -> None:
        """Text pasted beside a field is nothing."""
        event.stop()
