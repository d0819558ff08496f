"""Several accounts on the mail screen: all of them or one, by key; how each stands; whose a thing is.

Closes three traps: an answer or a key that is taken for the account that happens to be shown (what is
about a message is about its account), one account's trouble that hides the mail of the others, and a
switch that paints the whole screen (rows that look the same are left alone).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from services.models import MailboxCounts, SyncState
from services.safe_text import EMPTY
from tui.account_states import AccountStates
from tui.screens.mail_messages import AddAccount, TakeAccounts
from widgets.mailbox_list import AccountGroup

if TYPE_CHECKING:
    from services.events import SyncStateChanged
    from tui.screens.mail import MailScreen


class Accounts:
    """The accounts of a mail screen; with one alone all of this does nothing."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self._states = AccountStates()

    @property
    def names(self) -> tuple[str, ...]:
        """The accounts, the default one first; none where there is only one."""
        return tuple(mark.name for mark in self._screen.session.accounts)

    @property
    def default(self) -> str:
        """The first of them; "" where there is only one."""
        return next(iter(self.names), "")

    @property
    def chosen(self) -> str:
        """The account whose mail is shown; "" for all."""
        return self._screen.finding.view.filter.account

    def about(self, message_id: str | None = None) -> str:
        """Whose matter it is: the message's account, else the chosen one, else the default one."""
        row = self._screen.finding.row_of(message_id) if message_id else None
        if row is not None and row.account:
            return row.account
        return self.chosen or self.default

    @property
    def current(self) -> str:
        """Whose matter a command is that is about no message by itself, as the Keys screen."""
        if self.chosen:
            return self.chosen
        return self.about(self._screen.attention.current_id)

    def commands(self) -> Mapping[str, Callable[[], None]]:
        """The handlers by command id."""
        return {
            "accounts": self._choose,
            "next_account": lambda: self._step(1),
            "previous_account": lambda: self._step(-1),
            "only_account": self._only,
            "add_account": lambda: self._screen.tell_app(AddAccount()),
            "take_accounts": lambda: self._screen.tell_app(TakeAccounts()),
        }

    # ── what there is ────────────────────────────────────────────────────────────────────────────

    def show(self) -> None:
        """Tell whose mail it is, how much each account has, which is shown, which has trouble."""
        screen, session = self._screen, self._screen.session
        marks, snapshot = session.marks, screen.finding.snapshot
        # In the list of one account every row would say the same.
        screen.panes.messages.show_accounts({} if self.chosen else marks)
        screen.panes.reader.show_accounts(marks)
        if snapshot is not None:
            screen.panes.places.show_counts(snapshot.counts, self.groups())
        if marks:
            troubles = self._states.troubles(session.accounts) if not self.chosen else EMPTY
            screen.status.show_accounts(marks.get(self.chosen), troubles)
            if screen.sealed_if_made is not None:
                screen.sealed.show_lock()

    def groups(self) -> tuple[AccountGroup, ...]:
        """The mailboxes of each account."""
        snapshot = self._screen.finding.snapshot
        return tuple(
            AccountGroup(
                mark,
                snapshot.counts_of(mark.name) if snapshot is not None else MailboxCounts(),
                self._states.trouble(mark.name),
            )
            for mark in self._screen.session.accounts
        )

    def take_sync(self, event: SyncStateChanged) -> SyncState:
        """Take how the accounts stand; returns what is to be told of what is shown."""
        self._states.take(event.state, event.accounts)
        return self._states.of(self.chosen)

    def state_of(self, account: str) -> SyncState:
        """How one account stands."""
        return self._states.of(account)

    # ── switching ────────────────────────────────────────────────────────────────────────────────

    def go(self, account: str) -> None:
        """Show the mail of one account, or of all for ""."""
        screen = self._screen
        if account == self.chosen:
            screen.panes.show_list()
            return
        current = screen.panes.messages.cursor_row
        stays = not account or (current is not None and current.account == account)
        screen.finding.take_sync(self._states.of(account))
        screen.finding.go(screen.finding.view.of_account(account), keep=stays)
        screen.panes.show_list()
        screen.chrome.show_state(screen.session)

    def _step(self, by: int) -> None:
        ring = ("", *self.names)
        self.go(ring[(ring.index(self.chosen) + by) % len(ring)])

    def _only(self) -> None:
        current = self._screen.panes.messages.cursor_row
        if self.chosen or current is None:
            self.go("")
        else:
            self.go(current.account)

    def _choose(self) -> None:
        from tui.screens.accounts_dialog import AccountsDialog

        screen = self._screen
        groups = self.groups()
        states = {name: self._states.of(name) for name in ("", *self.names)}

        def answered(account: str | None) -> None:
            if account is not None:
                self.go(account)

        dialog = AccountsDialog(groups, states, self.chosen, screen.session)
        screen.app.push_screen(dialog, answered)
