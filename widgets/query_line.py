"""The one-line question: what to search for. A text field that neither blinks nor reads markup.

Closes the trap of the blinking cursor, which writes 2 KB a second over SSH for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from services.safe_text import EMPTY, SafeText
from widgets.hint_bar import Hint, HintBar
from widgets.plain import Plain, content_of


class QueryLine(Horizontal):
    """A prompt, a text field, and what its keys do; it takes the row of the hint bar.

    The typed text is the person's own and goes back as plain str. The parts of a `late` line wait
    for `fill`, because the first frame does without them.
    """

    DEFAULT_CSS = """
    QueryLine { height: 1; background: $bar-background; }
    QueryLine > Plain { width: auto; padding: 0 0 0 1; color: $mail-accent; }
    QueryLine > Input {
        width: 1fr; height: 1; border: none; padding: 0 1;
        background: $bar-background; color: $bar-text;
        &:focus { border: none; background: $bar-background; background-tint: transparent; }
    }
    QueryLine > HintBar { width: 50%; max-width: 54; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", id="query.cancel", show=False)
    ]

    class Changed(Message):
        """The text changed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Cancelled(Message):
        """Escape was pressed."""

    def __init__(
        self,
        prompt: SafeText = EMPTY,
        hints: Sequence[Hint] = (),
        *,
        late: bool = False,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._late = late
        self._prompt = Plain(prompt)
        self._input = Input(select_on_focus=False, compact=True)
        self._input.cursor_blink = False
        self._hints = HintBar(hints)
        self._parts = (self._prompt, self._input, self._hints)

    def compose(self) -> ComposeResult:
        """The prompt, the field, the hints."""
        if not self._late:
            yield from self._parts

    async def fill(self) -> None:
        """Mount the parts of a `late` line; nothing the second time."""
        if self._late:
            self._late = False
            # Whoever leaves in the first moments takes the line from the screen meanwhile.
            if self.is_attached:
                await self.mount(*self._parts)

    @property
    def text(self) -> str:
        """What has been typed."""
        return self._input.value

    def start(self, prompt: SafeText, text: str = "") -> None:
        """Show a prompt and a first text, and take the focus."""
        self._prompt.update(content_of(prompt))
        self._input.value = text
        self._input.cursor_position = len(text)
        self._input.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell the screen in our own words."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tell the screen in our own words."""
        event.stop()
        self.post_message(self.Submitted(event.value))

    def action_cancel(self) -> None:
        """Leave the question."""
        self.post_message(self.Cancelled())
