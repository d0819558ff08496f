"""The dialogs that ask before something happens: confirm, and one line of text.

Closes two traps. Keys typed ahead reach a dialog the instant it opens and answer a question that
nobody has seen: until 250 ms after the first paint only the safe answer works. And a subject in a
dialog is mail text: it comes as SafeText and is shown without markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button

from services.safe_text import SafeText, ui
from widgets.plain import Plain

Answer = TypeVar("Answer")

GRACE_SECONDS: Final = 0.25
"""How long after its first paint a dialog takes no dangerous answer."""


class Dialog(ModalScreen[Answer]):
    """A box in the middle of the screen; Escape leaves it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel", id="dialog.cancel", show=False)
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012 - Textual's own

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._painted_at: float | None = None

    def on_mount(self) -> None:
        """Take the time of the first paint."""
        self.call_after_refresh(self._painted)

    @property
    def armed(self) -> bool:
        """Whether the question has been on screen long enough for a dangerous answer."""
        painted = self._painted_at
        return painted is not None and self._monotonic() - painted >= GRACE_SECONDS

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    def _painted(self) -> None:
        self._painted_at = self._monotonic()


class ConfirmDialog(Dialog[bool]):
    """A question with two answers; the focus stands on the safe one."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right,h,l,tab,shift+tab", "other", "Other answer", show=False),
        Binding("n", "leave", "No", id="dialog.no", show=False),
        Binding("y", "accept", "Yes", id="dialog.yes", show=False),
    ]

    def __init__(
        self,
        question: SafeText,
        details: Sequence[SafeText],
        yes: SafeText,
        monotonic: Callable[[], float],
        no: SafeText = ui("Cancel"),  # noqa: B008 - an immutable literal
    ) -> None:
        super().__init__(monotonic)
        self._question = question
        self._details = tuple(details)
        self._yes, self._no = yes, no

    def compose(self) -> ComposeResult:
        """The question, what it is about, the two answers."""
        with Vertical(classes="dialog"):
            yield Plain(self._question, classes="dialog-title")
            for line in self._details:
                yield Plain(line, classes="dialog-line")
            with Horizontal(classes="dialog-answers"):
                yield Button(Content(self._no), id="no", compact=True)
                yield Button(Content(self._yes), id="yes", variant="error", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer, when the answer may be given."""
        event.stop()
        if event.button.id == "yes":
            self.action_accept()
        else:
            self.dismiss(False)

    def action_other(self) -> None:
        """Move to the other answer."""
        other = "#yes" if self.query_one("#no").has_focus else "#no"
        self.query_one(other).focus()

    def action_accept(self) -> None:
        """Take the dangerous answer, unless it was typed ahead of the question."""
        if self.armed:
            self.dismiss(True)

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is no answer."""
        event.stop()


class ChoiceDialog(Dialog[int]):
    """A question with a few named answers, safe ones all; returns the number of the answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,left,k,shift+tab", "app.focus_previous", "Before", show=False),
        Binding("down,right,j,tab", "app.focus_next", "Next", show=False),
    ]

    def __init__(
        self,
        question: SafeText,
        details: Sequence[SafeText],
        answers: Sequence[SafeText],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(monotonic)
        self._question = question
        self._details = tuple(details)
        self._answers = tuple(answers)

    def compose(self) -> ComposeResult:
        """The question, then its answers from the safest on, and Cancel."""
        with Vertical(classes="dialog"):
            yield Plain(self._question, classes="dialog-title")
            for line in self._details:
                yield Plain(line, classes="dialog-line")
            with Vertical(classes="dialog-choices"):
                for number, answer in enumerate(self._answers):
                    yield Button(Content(answer), id=f"answer-{number}", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Return the number of the answer."""
        event.stop()
        name = event.button.id or ""
        if name.startswith("answer-"):
            if self.armed:
                self.dismiss(int(name.removeprefix("answer-")))
        else:
            self.dismiss(None)
