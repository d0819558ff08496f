"""The help screen: the live key map of the pane that had the focus, searchable.

Closes the trap of help that tells the built-in keys when the operator has bound others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input

from services.safe_text import SafeText, phrase, ui
from tui.hints import HelpLine, help_sections
from tui.keymap import Keymap
from tui.situation import Context
from widgets.hint_bar import Hint, HintBar
from widgets.plain import Plain

_KEYS_WIDTH = 18
_TITLE_WIDTH = 32
_HINTS = (
    Hint(ui("Esc"), ui("back"), 0),
    Hint(ui("Space"), ui("page"), 2),
    Hint(ui("/"), ui("find a key"), 1),
)


class HelpScreen(ModalScreen[None]):
    """All keys of one pane."""

    AUTO_FOCUS = "VerticalScroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "leave", "Back", show=False),
        Binding("slash", "find", "Find", show=False),
        Binding("j", "scroll(1)", "Down", show=False),
        Binding("k", "scroll(-1)", "Up", show=False),
        Binding("space,ctrl+f", "page(1)", "Page down", show=False),
        Binding("ctrl+b", "page(-1)", "Page up", show=False),
        Binding("g", "to_top", "Top", show=False),
        Binding("G", "to_end", "End", show=False),
    ]

    def __init__(self, keymap: Keymap, context: Context) -> None:
        super().__init__()
        self._keymap = keymap
        self._pane = context
        self._wanted = ""

    def compose(self) -> ComposeResult:
        """Title, search field, keys, hints."""
        yield Plain(phrase("Keys in the {}", ui(self._pane.value)), id="help-title")
        field = Input(placeholder="find a key", compact=True, id="help-field")
        field.cursor_blink = False
        yield field
        with VerticalScroll():
            yield Plain(id="help-keys")
        yield HintBar(_HINTS)

    def on_mount(self) -> None:
        """Show everything first."""
        self.query_one("#help-field").display = False
        self._show()

    def on_resize(self, _event: events.Resize) -> None:
        """Put long explanations under their command when it is narrow."""
        self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list as it is typed."""
        event.stop()
        self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep what was found and scroll in it."""
        event.stop()
        self.query_one(VerticalScroll).focus()

    def action_find(self) -> None:
        """Open the search field."""
        field = self.query_one("#help-field", Input)
        field.display = True
        field.focus()

    def action_leave(self) -> None:
        """Close the search first, then the screen."""
        field = self.query_one("#help-field", Input)
        if field.display:
            field.display = False
            field.clear()
            # At once: the next key may already move in what is shown then.
            self._narrow("")
            self.query_one(VerticalScroll).focus()
        else:
            self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)

    def action_page(self, by: int) -> None:
        """Scroll by a page."""
        view = self.query_one(VerticalScroll)
        view.scroll_relative(y=by * max(1, view.size.height - 1), animate=False)

    def action_to_top(self) -> None:
        """To the first key."""
        self.query_one(VerticalScroll).scroll_home(animate=False)

    def action_to_end(self) -> None:
        """To the last key."""
        self.query_one(VerticalScroll).scroll_end(animate=False)

    def _narrow(self, wanted: str) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._show()

    def _show(self) -> None:
        text = Text()
        accent = self.app.theme_variables.get("mail-accent", "")
        for title, lines in help_sections(self._keymap, self._pane, self._wanted):
            text.append(f"{title}\n", style=f"bold {accent}".strip())
            for part in self._lines(lines):
                text.append_text(part)
            text.append("\n")
        report = self._keymap.report
        if report and not self._wanted:
            text.append("Keys that were not taken over\n", style="bold")
            for sentence in report:
                text.append(f"  {sentence}\n")
        if not text:
            text.append("No key fits.")
        self.query_one("#help-keys", Plain).update(text)

    def _lines(self, lines: tuple[HelpLine, ...]) -> Iterator[Text]:
        wide = self.size.width >= 90
        for line in lines:
            keys = Text(f"  {line.keys:<{_KEYS_WIDTH}} ", style="bold")
            if wide:
                yield Text.assemble(keys, f"{line.title:<{_TITLE_WIDTH}} {line.help}\n")
            else:
                yield Text.assemble(keys, f"{_short(line)}\n")


def _short(line: HelpLine) -> SafeText:
    return line.title
