"""The dialog that takes in a key: a pasted block, or the path of a file.

Closes the trap of a private key on the screen: what is pasted is counted, never shown.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button

from services.key_events import ImportKey
from services.safe_text import ui
from tui.screens.field_dialog import FieldDialog, text_field
from tui.screens.secret_field import PasteField
from widgets.plain import Plain

_CURRENT = {True: ui("[x] use it from now on"), False: ui("[ ] use it from now on")}


class ImportKeyDialog(FieldDialog[ImportKey]):
    """Asks for a block or a file; returns the request, or None."""

    AUTO_FOCUS = "PasteField"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+k", "toggle_current", "Use it", show=False, priority=True),
    ]
    FIELDS = ("path",)

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic)
        self._current = True

    def compose(self) -> ComposeResult:
        """The two ways, whether to use it, one line of state."""
        about = ui("An armored block, as gpg or the dashboard exports it.")
        with Vertical(classes="dialog tall"):
            yield Plain(ui("Import a private key"), classes="dialog-title")
            yield Plain(about, classes="dialog-line")
            with Horizontal(classes="dialog-row"):
                yield Plain(ui("Paste"), classes="dialog-label")
                yield PasteField(id="block")
            yield self.row(ui("or file"), text_field("path", placeholder="~/key.asc"))
            yield Button(Content(_CURRENT[True]), id="tick", compact=True, classes="dialog-tick")
            yield from self.ending(ui("Import"))
            keys = ui("Tab goes on · Ctrl+K ticks the box · Esc leaves")
            yield Plain(keys, classes="dialog-hint dialog-extra")

    def action_enter(self) -> None:
        """In the block, a line more; after a whole one, on to the answer, never past it."""
        if not isinstance(self.focused, PasteField):
            super().action_enter()
        elif self.focused.is_whole:
            self.set_focus(self.query_one("#go"))
        else:
            self.focused.add_line()

    def tick(self) -> None:
        """Tick the box."""
        self.action_toggle_current()

    def action_toggle_current(self) -> None:
        """Use the key from now on, or keep it for older mail only."""
        self._current = not self._current
        self.query_one("#tick", Button).label = Content(_CURRENT[self._current])

    def answer(self) -> None:
        """Return the request, about a block or a file."""
        field, path = self.query_one(PasteField), self.typed("path")
        if field.is_empty and not path:
            self.say(ui("! Paste a block or name a file."))
        elif path and not field.is_empty:
            self.say(ui("! One of the two: Backspace empties the block."))
        elif path:
            self.dismiss(ImportKey(file=Path(path).expanduser(), make_current=self._current))
        else:
            self.dismiss(ImportKey(block=field.take(), make_current=self._current))
