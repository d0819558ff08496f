"""How each of several accounts stands against its service, and what of that is told where.

Closes the trap of one account's trouble that hides how the others stand: the state of all together is
the state of those that work, and the rest is named beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.models import SyncPhase, SyncState
from services.safe_text import EMPTY, SafeText, phrase, ui

if TYPE_CHECKING:
    from widgets.account_mark import AccountMark

_TROUBLES: Final[Mapping[SyncPhase, SafeText]] = {
    SyncPhase.SIGNED_OUT: ui("signed out"),
    SyncPhase.FAILED: ui("failed"),
    SyncPhase.OFFLINE: ui("offline"),
    SyncPhase.BUSY: ui("busy"),
    SyncPhase.READ_ONLY: ui("read only"),
}


def trouble_of(state: SyncState) -> SafeText:
    """What is wrong with an account in a word or two; empty when nothing is."""
    return _TROUBLES.get(state.phase, EMPTY)


class AccountStates:
    """The newest state of each account."""

    def __init__(self) -> None:
        self._together = SyncState()
        self._own: dict[str, SyncState] = {}

    def take(self, together: SyncState, accounts: Sequence[tuple[str, SyncState]]) -> None:
        """Take the states that were told: of all together, and of each."""
        self._own.update(accounts)
        well = [state for state in self._own.values() if not trouble_of(state)]
        if well and (trouble_of(together) or together.phase is SyncPhase.PARTLY):
            # What is wrong with the others is told beside it.
            oldest = min(well, key=lambda state: state.synced_at)
            together = replace(oldest, looking=together.looking)
        self._together = together

    def of(self, account: str) -> SyncState:
        """The state of one account, or of all together for ""."""
        return self._own.get(account, SyncState()) if account else self._together

    def trouble(self, account: str) -> SafeText:
        """What is wrong with one account, in a word or two."""
        return trouble_of(self.of(account))

    def troubles(self, marks: Sequence[AccountMark]) -> SafeText:
        """Which accounts are in trouble while others are not; empty when none, or all are."""
        troubled = [mark for mark in marks if self.trouble(mark.name)]
        if not troubled or len(troubled) == len(marks):
            return EMPTY
        if len(troubled) > 1:
            return phrase("{} of {} accounts not in step", len(troubled), len(marks))
        return phrase("{} {}", troubled[0].short, self.trouble(troubled[0].name))
