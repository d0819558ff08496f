"""Which account a mail leaves from: the choice, and handing the draft over.

Closes the trap of a draft that two accounts keep: what is on the screen goes along as it stands, and
nothing more is saved in the account that it leaves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.models import MailboxCounts
from services.safe_text import ui
from tui.screens.accounts_dialog import AccountsDialog
from widgets.mailbox_list import AccountGroup

if TYPE_CHECKING:
    from tui.open_draft import OpenDraft
    from tui.screens.compose import ComposeScreen


def choose_sender(screen: ComposeScreen, draft: OpenDraft) -> None:
    """Ask which account the draft is to leave from, and hand it over."""
    session = screen.session
    shown = screen.writer

    def answered(account: str | None) -> None:
        if account is not None and account != shown and screen.draft is draft:
            screen.opening.move(draft, account)

    groups = tuple(AccountGroup(mark, MailboxCounts()) for mark in session.accounts)
    title = ui("From which account?")
    dialog = AccountsDialog(groups, {}, shown, session, title=title, with_all=False)
    screen.app.push_screen(dialog, answered)
