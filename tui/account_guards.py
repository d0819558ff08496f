"""When a command about several accounts may run; see `guards`."""

from __future__ import annotations

from services.safe_text import EMPTY, SafeText, ui
from tui.compose_guards import is_writing
from tui.situation import Situation


def has_accounts(situation: Situation) -> SafeText:
    """There is more than one account to show."""
    if situation.accounts > 1:
        return EMPTY
    return ui("There is one account here; `agentmail-tui accounts add` adds another.")


def can_change_sender(situation: Situation) -> SafeText:
    """A draft is on the screen, and another account could send it."""
    return is_writing(situation) or has_accounts(situation)


ACCOUNT_GUARDS = (has_accounts, can_change_sender)
