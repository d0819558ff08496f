"""The way from the mail screen to saving files, which is loaded with the first file only.

Closes the trap of a start that pays for dialogs and transfers which nobody has asked for yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.events import RequestFailed, TransferEvent
    from tui.screens.mail import MailScreen
    from tui.screens.saving import Saving


class Files:
    """The attachments of the open message, and what is being saved."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self._saving: Saving | None = None

    @property
    def count(self) -> int:
        """How many attachments are on screen."""
        return len(self._screen.panes.reader.files)

    @property
    def is_busy(self) -> bool:
        """Something is being saved."""
        return self._saving is not None and self._saving.is_busy

    def ask(self, current: int | None = None) -> None:
        """Ask what to save, and where; `current` is the index of the file that is meant."""
        if self._saving is None:
            from tui.screens.saving import Saving

            self._saving = Saving(self._screen)
        self._saving.ask(current)

    def stop(self) -> None:
        """Give up what is being saved."""
        if self._saving is not None:
            self._saving.stop()

    def shown(self) -> None:
        """A message was shown: say how far its files are."""
        message_id = self._screen.reading.message_id
        if self._saving is not None and message_id is not None:
            self._saving.show_states(message_id)

    def take(self, event: TransferEvent) -> None:
        """Tell what the engine told about files, here and to who listens."""
        if self._saving is not None:
            self._saving.take(event)
        if self._screen.outbound_if_made is not None:
            self._screen.outbound.news.take_file(event)

    def failed(self, event: RequestFailed) -> None:
        """A request failed; perhaps it was to save."""
        if self._saving is not None:
            self._saving.failed(event)
