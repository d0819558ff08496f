"""The accounts in a dialog: name, address, how much is unread, how each one stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from textual.message import Message

from services.safe_text import EMPTY, SafeText, phrase
from widgets.account_mark import ACCOUNT_INKS, AccountMark
from widgets.cells import count_words, fit, fit_right
from widgets.choice_list import ChoiceList
from widgets.rows import Part

_NAME_CELLS: Final = 13
_COUNT_CELLS: Final = 8
_STATE_CELLS: Final = 14
_TITLE_FROM: Final = 12


@dataclass(frozen=True, slots=True)
class AccountLine:
    """One account, or with `mark` None all of them; `name` is what is chosen."""

    name: str
    mark: AccountMark | None
    title: SafeText
    unread: int = 0
    state: SafeText = EMPTY
    trouble: bool = False
    """What the state tells is trouble."""


class AccountList(ChoiceList):
    """Accounts to choose from; the one that is shown is bright."""

    TALLEST = 12
    BAR_WITHOUT_FOCUS = True
    INKS: ClassVar[Mapping[str, str]] = {**ChoiceList.INKS, **ACCOUNT_INKS}
    DEFAULT_CSS = """
    AccountList { background: $bar-background; }
    """

    class Chosen(Message):
        """An account was chosen by Enter or a click."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    lines: tuple[AccountLine, ...] = ()
    shown: str = ""

    def show_lines(self, lines: Sequence[AccountLine], shown: str, *, first: bool = False) -> None:
        """List these; the cursor stands on the account that is shown, else (or if so asked) on the
        first."""
        self.lines, self.shown = tuple(lines), shown
        self.show_count(len(self.lines))
        place = next((at for at, line in enumerate(self.lines) if line.name == shown), 0)
        self._window.go(0 if first else place)
        self.refresh()

    @property
    def current(self) -> str | None:
        """The account under the cursor."""
        return None if self.position is None else self.lines[self.position].name

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Name in the account's colour, address, unread, state."""
        line = self.lines[place]
        unread = self._unread(line)
        state_cells = _STATE_CELLS if width >= 44 else 0
        room = width - _COUNT_CELLS - state_cells - 1
        voice = "strong" if line.name == self.shown else "text"
        return [
            *self._who(line, room, voice),
            (fit_right(unread, _COUNT_CELLS), "accent"),
            (" " + fit_right(line.state, state_cells - 1) if state_cells else "", self._tone(line)),
            (" ", "text"),
        ]

    def _who(self, line: AccountLine, room: int, voice: str) -> Sequence[Part]:
        ellipsis = self._glyphs.ellipsis
        if line.mark is None:
            return [(fit(line.title, room, ellipsis), voice)]
        name = (fit(line.mark.short, min(_NAME_CELLS, room), ellipsis), line.mark.role)
        left = room - _NAME_CELLS
        if left < _TITLE_FROM:
            return [name, (" " * max(0, left), "text")]
        return [name, (" " + fit(line.title, left - 1, ellipsis), voice)]

    def _unread(self, line: AccountLine) -> SafeText:
        return (
            phrase("{}{}", self._glyphs.unread, count_words(line.unread)) if line.unread else EMPTY
        )

    def _tone(self, line: AccountLine) -> str:
        return "caution" if line.trouble else "muted"

    def opened(self, place: int) -> None:
        """Say which account was chosen."""
        self.post_message(self.Chosen(self.lines[place].name))
