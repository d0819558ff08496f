"""Drafts that cannot be saved while nobody looks at them: told, tried again, asked about before the end.

Closes the trap of a full disk behind a closed screen: what was written lies in memory only, nobody says
so, and quitting loses it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from services.events import Severity
from services.safe_text import phrase, ui
from tui.open_drafts import RETRY_SECONDS

if TYPE_CHECKING:
    from textual.timer import Timer

    from services.safe_text import SafeText
    from tui.open_draft import OpenDraft
    from tui.screens.mail import MailScreen

LAST_SAVE_SECONDS: Final = 0.8
"""How long the app stays for the answer to its last saves."""


class Unsaved:
    """The unsaved drafts of the mail screen."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self._again: Timer | None = None
        self._told = False
        self._is_asking = False
        self._leave: Callable[[], None] | None = None
        """Leaves the app; there while it is held back."""

    def heard(self, draft: OpenDraft) -> None:
        """A save has come back while no draft is on the screen."""
        tell = self._screen.notices.tell
        if draft.trouble:
            if draft.trouble_is_new or not self._told:
                step = phrase("{} goes back to the draft.", self._screen.shown_key("go_on_writing"))
                tell(phrase("Not saved: {}", draft.trouble), Severity.ERROR, step)
            self._told = True
            if self._again is None:
                self._again = self._screen.set_timer(RETRY_SECONDS, self._try_again)
        elif self._told and not self._drafts:
            self._told = False
            tell(ui("What was written is saved now."))

    def hold_back(self, leave: Callable[[], None]) -> bool:
        """Save before the app ends, and ask if that loses something; False when all is saved.

        A save that takes longer than `LAST_SAVE_SECONDS` ends with the engine, which waits for it.
        """
        if self._leave is None:
            self._leave = leave
            if self._screen.outbound.news.drafts.settle(self._leave_or_ask):
                self._screen.set_timer(LAST_SAVE_SECONDS, self._leave_or_ask)
            elif self._drafts:
                self._ask()
            else:
                self._leave = None
        return self._leave is not None

    def _leave_or_ask(self) -> None:
        if self._leave is None or self._is_asking:
            return
        if self._drafts:
            self._ask()
        else:
            self._leave()

    def _ask(self) -> None:
        from tui.screens.dialogs import ConfirmDialog

        self._is_asking = True

        def answered(lose: bool | None) -> None:
            leave, self._leave, self._is_asking = self._leave, None, False
            if lose and leave is not None:
                leave()

        screen, number = self._screen, len(self._drafts)
        # What was told of it as a toast would stand on the answers.
        screen.app.clear_notifications()
        screen.app.push_screen(
            ConfirmDialog(
                ui("A draft is not saved.")
                if number == 1
                else phrase("{} drafts are not saved.", number),
                self._reasons(),
                ui("Quit and lose it"),
                screen.session.monotonic,
                no=ui("Stay"),
            ),
            answered,
        )

    @property
    def _drafts(self) -> tuple[OpenDraft, ...]:
        return self._screen.outbound.news.drafts.not_saved

    def _reasons(self) -> tuple[SafeText, ...]:
        reasons = dict.fromkeys(draft.trouble for draft in self._drafts)
        return (*reasons, ui("What was written since the last save would be lost."))

    def _try_again(self) -> None:
        self._again = None
        self._screen.outbound.news.save_drafts()
