"""The command palette: every command that can run now, found by a few letters of its title.

Closes the traps of Textual's own palette (markup in hits, a loading indicator that never rests): this
one lists titles and keys of our own commands, and no mail text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from services.safe_text import SafeText, phrase, ui
from tui.command import Command
from tui.screens.choosing import NarrowingList
from widgets.plain import Plain

_TITLE_CELLS = 34


def ranked(commands: Sequence[Command], typed: str) -> list[Command]:
    """The commands whose title holds the typed letters in order; word beginnings come first."""
    wanted = typed.casefold().replace(" ", "")
    found = [
        (rank, place)
        for place, command in enumerate(commands)
        if (rank := _rank(command.title.casefold(), wanted)) is not None
    ]
    return [commands[place] for _, place in sorted(found)]


def _rank(title: str, wanted: str) -> int | None:
    if wanted in title.replace(" ", ""):
        return title.replace(" ", "").index(wanted)
    letters = iter(title)
    return 100 if all(letter in letters for letter in wanted) else None


class CommandPalette(NarrowingList[str]):
    """Finds a command by its title; returns its id."""

    def __init__(
        self,
        commands: Sequence[Command],
        shown_key: Callable[[str], SafeText],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(monotonic)
        self._commands = tuple(commands)
        self._key = shown_key
        self._shown: list[Command] = []

    def compose(self) -> ComposeResult:
        """The field and what fits."""
        with Vertical(classes="dialog"):
            field = Input(placeholder="command", compact=True)
            field.cursor_blink = False
            yield field
            yield OptionList(markup=False, compact=True)
            yield Plain(ui("Enter runs it · Esc leaves"), classes="dialog-hint")

    def action_choose(self) -> None:
        """Return the command under the cursor."""
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._shown):
            self.dismiss(self._shown[place].id)

    def narrow(self, typed: str) -> None:
        """List the commands whose title fits."""
        self._shown = ranked(self._commands, typed)
        options = self.query_one(OptionList)
        options.set_options([Option(Content(self._line(command))) for command in self._shown])
        options.highlighted = 0 if self._shown else None

    def _line(self, command: Command) -> SafeText:
        title = ui(command.title.ljust(_TITLE_CELLS))
        return phrase("{} {}", title, self._key(command.id))
