"""The reader follows the cursor, once the cursor rests.

Closes the trap of a message fetched for every row that the cursor passes over: only where it rests is
something read, and never while the reader itself has the keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.safe_text import ui
from tui.situation import Context

if TYPE_CHECKING:
    from textual.timer import Timer

    from tui.screens.mail import MailScreen

FOLLOW_SECONDS: Final = 0.15
"""How long the cursor rests before the reader follows it."""
NOTHING_OPEN: Final = ui("No message is open.")


class Following:
    """The reader behind the cursor of one mail screen."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self._resting: Timer | None = None

    @property
    def is_waiting(self) -> bool:
        """The cursor has moved, and the reader has not come after it yet."""
        return self._resting is not None

    def moved(self, message_id: str | None) -> None:
        """The cursor stands on another message, or on none."""
        screen = self._screen
        if self._resting is not None:
            self._resting.stop()
            self._resting = None
        if message_id is None and screen.panes.context is not Context.READER:
            screen.reading.close(NOTHING_OPEN)
        elif message_id and screen.session.follows and screen.panes.split:
            self._resting = screen.set_timer(FOLLOW_SECONDS, self._follow)
        if screen.sealed_if_made is not None:
            screen.sealed.near_cursor()

    def gone(self, message_ids: tuple[str, ...]) -> None:
        """Messages leave the list: drop the selection, and the reader if it shows one of them."""
        screen = self._screen
        screen.panes.messages.clear_selection()
        if screen.reading.message_id in message_ids:
            screen.reading.close(NOTHING_OPEN)
            screen.panes.show_list()

    def _follow(self) -> None:
        self._resting = None
        screen = self._screen
        current = screen.panes.messages.cursor_id
        if current is not None and screen.panes.context is not Context.READER:
            screen.reading.open(current, on_purpose=False)
