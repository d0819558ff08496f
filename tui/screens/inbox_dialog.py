"""Which inboxes of a key become accounts: one, several, or all of them.

Closes two traps: a list of a hundred inboxes that is walked line by line (letters narrow it), and one of
ten thousand, with which every key takes seconds (the first hundred are listed, with the number of all).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from services.safe_text import SafeText, phrase, ui
from tui.first_run import InboxChoice
from tui.screens.choosing import NarrowingList
from widgets.plain import Plain

LISTED: Final = 100
"""Inboxes that are listed at once; marks hold for what is not listed too."""


class InboxDialog(NarrowingList[tuple[str, ...]]):
    """Returns the addresses of what was chosen, in the order of the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "mark", "Mark", show=False, priority=True),
        Binding("ctrl+a", "mark_all", "Mark all", show=False, priority=True),
    ]

    def __init__(self, inboxes: Sequence[InboxChoice], monotonic: Callable[[], float]) -> None:
        super().__init__(monotonic)
        self._inboxes = tuple(inboxes)
        self._found: tuple[InboxChoice, ...] = ()
        self._shown: tuple[InboxChoice, ...] = ()
        self._title = Plain(classes="dialog-title")
        self._marked: set[str] = set()

    def compose(self) -> ComposeResult:
        """The field, the inboxes, what the keys do."""
        with Vertical(classes="dialog accounts"):
            yield self._title
            field = Input(placeholder="a few letters", compact=True)
            field.cursor_blink = False
            yield field
            yield OptionList(markup=False, compact=True)
            words = ui("Enter takes it · Tab marks several · Ctrl+A all · Esc leaves")
            yield Plain(words, classes="dialog-hint")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click marks, and does not choose."""
        event.stop()
        event.prevent_default()
        self.action_mark()

    def action_mark(self) -> None:
        """Mark the inbox under the cursor, or no longer, and stay."""
        current = self._current
        if current is not None:
            self._marked ^= {current.address}
            self._list(self.query_one(Input).value, self.options.highlighted)

    def action_mark_all(self) -> None:
        """Mark everything that was found, listed or not."""
        self._marked |= {one.address for one in self._found}
        self._list(self.query_one(Input).value, self.options.highlighted)

    def action_choose(self) -> None:
        """Return what was marked; without marks, the inbox under the cursor."""
        current = self._current
        chosen = self._marked or ({current.address} if current is not None else set())
        if chosen:
            self.dismiss(tuple(one.address for one in self._inboxes if one.address in chosen))

    @property
    def _current(self) -> InboxChoice | None:
        place = self.options.highlighted
        return None if place is None or place >= len(self._shown) else self._shown[place]

    def narrow(self, typed: str) -> None:
        """List the inboxes that hold all the words."""
        self._list(typed)

    def _list(self, typed: str, at: int | None = 0) -> None:
        words = typed.casefold().split()
        self._found = tuple(
            one for one in self._inboxes if all(word in one.shown.casefold() for word in words)
        )
        self._shown = self._found[:LISTED]
        self._title.show(self._told())
        self.options.set_options(
            [
                Option(Content(phrase("[{}] {}", ui("x" if one.address in self._marked else " "),
                                      one.shown)))
                for one in self._shown
            ]
        )  # fmt: skip
        self.options.highlighted = at if self._shown else None

    def _told(self) -> SafeText:
        told = phrase("This key has {:,} inboxes", len(self._inboxes))
        if len(self._found) > LISTED:
            told = phrase("{}; {:,} of {:,} listed", told, LISTED, len(self._found))
        return phrase("{}; {:,} marked", told, len(self._marked)) if self._marked else told
