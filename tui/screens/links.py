"""The links of a message: their text, their real host, the whole address; one key copies.

Closes the trap of a link whose text names another place than it leads to: the real address stands in
full, percent-encoded, before anything can be done with it. Nothing here opens a browser.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from services.safe_text import SafeText, phrase, ui
from services.shown_mail import Link
from tui.screens.dialogs import Dialog
from widgets.plain import Plain

_TEXT_CELLS = 44


class LinksDialog(Dialog[SafeText]):
    """Lists links; returns the address that is to be copied, or None."""

    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "step(1)", "Next", show=False),
        Binding("k", "step(-1)", "Before", show=False),
        Binding("y,c", "copy", "Copy", show=False),
        Binding("q", "leave", "Back", show=False),
    ]

    def __init__(self, links: Sequence[Link], monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic)
        self._links = tuple(links)

    def compose(self) -> ComposeResult:
        """The links, then the whole address of the current one."""
        with Vertical(classes="dialog wide"):
            yield Plain(phrase("Links ({})", len(self._links)), classes="dialog-title")
            yield OptionList(
                *(Option(Content(_line(link))) for link in self._links), markup=False, compact=True
            )
            yield Plain(id="link-warning", classes="dialog-line")
            yield Plain(id="link-address", classes="dialog-line")
            yield Plain(ui("Enter copies the address · Esc leaves"), classes="dialog-hint")

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Show the whole address."""
        event.stop()
        link = self._links[event.option_index]
        self.query_one("#link-address", Plain).update(Content(link.url))
        self.query_one("#link-warning", Plain).update(Content(link.warning))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Copy the chosen one."""
        event.stop()
        self.dismiss(self._links[event.option_index].url)

    def action_step(self, by: int) -> None:
        """Move in the list."""
        options = self.query_one(OptionList)
        if by > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def action_copy(self) -> None:
        """Copy the current one."""
        self.query_one(OptionList).action_select()


def _line(link: Link) -> SafeText:
    text = SafeText(link.text[:_TEXT_CELLS])
    mark = ui("! ") if link.warning else ui("  ")
    return phrase("{}[{}] {}  → {}", mark, link.number, text, link.host)
