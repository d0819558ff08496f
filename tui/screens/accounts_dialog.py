"""The switcher: all accounts or one, found by a few letters, with how each of them stands.

Closes the trap of a list of twenty accounts that is walked line by line: letters narrow it, and the
first that fits is a key away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Input

from services.models import SyncPhase, SyncState
from services.safe_text import SafeText, ui
from tui.account_states import trouble_of
from tui.screens.dialogs import Dialog
from tui.session import ALL_ACCOUNTS
from widgets.account_list import AccountLine, AccountList
from widgets.plain import Plain
from widgets.sync_words import state_words

if TYPE_CHECKING:
    from tui.session import Session
    from widgets.mailbox_list import AccountGroup


class AccountsDialog(Dialog[str]):
    """Chooses an account; returns its name, "" for all of them."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n,tab", "step(1)", "Next", show=False, priority=True),
        Binding("up,ctrl+p,shift+tab", "step(-1)", "Before", show=False, priority=True),
        Binding("enter", "choose", "Choose", show=False, priority=True),
    ]

    def __init__(
        self,
        groups: Sequence[AccountGroup],
        states: Mapping[str, SyncState],
        shown: str,
        session: Session,
        *,
        title: SafeText = ui("Accounts"),  # noqa: B008 - an immutable literal
        with_all: bool = True,
    ) -> None:
        super().__init__(session.monotonic)
        self._title = title
        self._shown = shown
        own = tuple(_line(group, states) for group in groups)
        everything = _all_line(groups, states)
        self._lines = (everything, *own) if with_all else own
        self._list = AccountList(glyphs=session.glyphs)

    def compose(self) -> ComposeResult:
        """The field, the accounts, what the keys do."""
        with Vertical(classes="dialog accounts"):
            yield Plain(self._title, classes="dialog-title")
            field = Input(placeholder="a few letters", compact=True)
            field.cursor_blink = False
            yield field
            yield self._list
            yield Plain(ui("Enter chooses · Esc leaves"), classes="dialog-hint")

    def on_mount(self) -> None:
        """List everything; the keys stay with the field."""
        super().on_mount()
        self._list.can_focus = False
        self._list.show_lines(self._lines, self._shown)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list as it is typed; Enter takes the best fit."""
        event.stop()
        found = matching(self._lines, event.value)
        self._list.show_lines(found, self._shown, first=bool(event.value.strip()))

    def on_account_list_chosen(self, event: AccountList.Chosen) -> None:
        """A click chooses."""
        event.stop()
        self.dismiss(event.name)

    def action_step(self, by: int) -> None:
        """Move in the list without leaving the field."""
        self._list.step(by)

    def action_choose(self) -> None:
        """Return the account under the cursor."""
        current = self._list.current
        if current is not None:
            self.dismiss(current)


def matching(lines: Sequence[AccountLine], typed: str) -> tuple[AccountLine, ...]:
    """The accounts whose name or address holds all typed words; the one that is called so comes
    first, then those whose name begins so."""
    words = typed.casefold().split()
    found = [line for line in lines if all(word in _text(line) for word in words)]
    if words:
        found.sort(key=lambda line: not _text(line).startswith(words[0]))
        found.sort(key=lambda line: line.name.casefold() != " ".join(words))
    return tuple(found)


def _text(line: AccountLine) -> str:
    short = line.mark.short if line.mark is not None else ""
    return f"{short} {line.name} {line.title}".casefold().strip()


def _line(group: AccountGroup, states: Mapping[str, SyncState]) -> AccountLine:
    mark = group.mark
    state = states.get(mark.name, SyncState())
    trouble = trouble_of(state)
    words = trouble or (ui("") if state.phase is SyncPhase.STARTING else state_words(state))
    return AccountLine(
        mark.name, mark, mark.title, group.counts.unread, words, trouble=bool(trouble)
    )


def _all_line(groups: Sequence[AccountGroup], states: Mapping[str, SyncState]) -> AccountLine:
    unread = sum(group.counts.unread for group in groups)
    return AccountLine("", None, ALL_ACCOUNTS, unread, state_words(states.get("", SyncState())))
