"""A draft that was asked for and is not there yet: keys wait for it, and an answer ends the waiting.

Closes three traps: a letter that is lost because the draft was still being opened, letters for a draft
that could not be opened and that run as commands of the mail below, and an empty screen that stays
behind with nothing to write on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.events import Severity
from services.moving_events import MoveDraft
from services.outbound_events import BeginDraft, DraftLocked
from services.outbound_events import OpenDraft as OpenRequest
from services.safe_text import EMPTY, SafeText, ui
from tui.key_queue import HoldsKeys

if TYPE_CHECKING:
    from textual import events
    from textual.timer import Timer

    from services.events import RequestFailed
    from services.requests import Request
    from tui.open_draft import OpenDraft
    from tui.screens.compose import ComposeScreen

OPEN_SECONDS: Final = 5.0
"""After this long it is said that the draft is still being opened, and Escape gives it up."""


class Opening:
    """The draft that a compose screen waits for; at most one at a time."""

    def __init__(self, screen: ComposeScreen) -> None:
        self._screen = screen
        self._asked: BeginDraft | OpenRequest | None = None
        self._waits = False
        self._is_late = False
        self._patience: Timer | None = None

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def ask(self, asked: BeginDraft | OpenRequest) -> None:
        """Ask for a draft; what is typed until it is there is kept for it."""
        self._asked = asked
        self._wait()
        self._screen.ask(asked)

    def move(self, draft: OpenDraft, account: str) -> None:
        """Let a draft leave from another account; what is typed meanwhile is for the new one."""
        self._wait()
        draft.taken()
        self._screen.ask(MoveDraft(draft.value, self._screen.writer, account))

    def _wait(self) -> None:
        screen = self._screen
        self._waits, self._is_late = True, False
        screen.set_focus(None)
        if isinstance(screen.app, HoldsKeys):
            screen.app.hold_keys(OPEN_SECONDS)
        self._forget_patience()
        self._patience = screen.set_timer(OPEN_SECONDS, self.say_late)

    def say_late(self) -> None:
        """It takes long: keys are still kept, and Escape leaves."""
        if not self._waits:
            return
        self._is_late = True
        self._screen.notices.tell(ui("The draft is still being opened; Esc gives it up."))

    def take_key(self, event: events.Key) -> bool:
        """Keep a key for the draft; False when nothing is waited for."""
        app = self._screen.app
        if not self._waits or not isinstance(app, HoldsKeys):
            return False
        if self._is_late and event.key == "escape":
            self._give_up()
            return True
        if not self._is_late:
            app.hold_keys(OPEN_SECONDS)
        app.give_key_back(event)
        return True

    # ── what comes of it ─────────────────────────────────────────────────────────────────────────

    def over(self) -> None:
        """The draft is on the screen: it gets the keys that waited."""
        app = self._screen.app
        if self._end() and isinstance(app, HoldsKeys):
            app.hold_keys(OPEN_SECONDS)
            app.release_keys()

    def locked(self, event: DraftLocked) -> None:
        """Its key is locked: ask for the passphrase, and once more for the draft."""
        screen, asked = self._screen, self._asked
        self._drop_keys()
        screen.notices.tell(event.sentence)
        if asked is not None:
            screen.news.unlock(
                lambda: self.ask(asked),
                event.account,
                lambda: self._stay_or_leave(event.sentence, Severity.WARNING),
            )

    def failed(self, event: RequestFailed, asked: Request) -> None:
        """It could not be opened, or not be moved: say why, on the screen that is there then."""
        draft = self._screen.draft
        if isinstance(asked, MoveDraft) and draft is not None:
            draft.not_saved(EMPTY)
            self._screen.changed()
        self._drop_keys()
        self._stay_or_leave(event.sentence, Severity.ERROR, event.next_step)

    def _give_up(self) -> None:
        self._drop_keys()
        self._screen.expect_nothing()
        self._stay_or_leave(ui("The draft was not opened."))

    def _stay_or_leave(
        self, words: SafeText, severity: Severity = Severity.INFO, next_step: SafeText = EMPTY
    ) -> None:
        """Go on with the draft that was there before; without one there is nothing to stay for."""
        screen = self._screen
        if screen.draft is None:
            screen.leave_saying(words, severity, next_step)
        else:
            screen.set_focus(screen.editor)
            screen.notices.tell(words, severity, next_step)

    def _drop_keys(self) -> None:
        """Nobody gets the keys that were typed for the draft: elsewhere they would be commands."""
        app = self._screen.app
        if self._end() and isinstance(app, HoldsKeys):
            app.drop_keys()

    def _end(self) -> bool:
        waited, self._waits = self._waits, False
        self._forget_patience()
        return waited

    def _forget_patience(self) -> None:
        if self._patience is not None:
            self._patience.stop()
            self._patience = None
