"""The way from the mail screen to saving files, which is loaded with the first file only.

Closes the trap of a start that pays for dialogs and transfers which nobody has asked for yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.safe_text import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from services.events import RequestFailed, TransferEvent
    from services.requests import Request
    from services.safe_text import SafeText
    from tui.notices import Notices
    from tui.screens.mail import MailScreen
    from tui.screens.saving import Saving
    from tui.session import Session
    from widgets.reader_pane import ReaderPane


class OpenMail:
    """The message in the reader of a mail screen, as `saving.FilesOnScreen`."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self.ask: Callable[[Request], int] = screen.ask
        self.refresh_chrome: Callable[[], None] = screen.refresh_chrome

    @property
    def message_id(self) -> str | None:
        """Which one it is."""
        return self._screen.reading.message_id

    @property
    def pane(self) -> ReaderPane:
        """Where it is shown."""
        return self._screen.panes.reader

    @property
    def session(self) -> Session:
        """The session of the screen."""
        return self._screen.session

    @property
    def notices(self) -> Notices:
        """Where sentences are told."""
        return self._screen.notices

    @property
    def app(self) -> App[int]:
        """The app of the screen."""
        return self._screen.app

    def subject_of(self, message_id: str) -> SafeText:
        """The subject of a message as of now."""
        row = self._screen.finding.row_of(message_id)
        return EMPTY if row is None else row.subject

    def unlock(self, then: Callable[[], None], message_id: str) -> None:
        """Ask for the passphrase of the account of a message, then go on."""
        from tui.screens.passphrase import PassphraseDialog

        screen = self._screen
        news = screen.sealed.news_of(screen.accounts.about(message_id))

        def answered(is_open: bool | None) -> None:
            if is_open:
                then()

        screen.app.push_screen(PassphraseDialog(news, screen.session.monotonic), answered)


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
        self._made().ask(current)

    def _made(self) -> Saving:
        if self._saving is None:
            from tui.screens.saving import Saving

            self._saving = Saving(OpenMail(self._screen))
        return self._saving

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
        """Tell what the engine told about files, to who listens, then here."""
        from services.transfer_events import FilesSaved, SavingNeedsKey

        screen = self._screen
        if screen.outbound_if_made is not None and screen.outbound.news.take_file(event):
            return
        saving = self._saving
        if saving is None and isinstance(event, FilesSaved | SavingNeedsKey):
            # Begun on a screen that was left since.
            saving = self._made()
        if saving is not None:
            saving.take(event)

    def failed(self, event: RequestFailed) -> None:
        """A request failed; perhaps it was to save."""
        if self._saving is not None:
            self._saving.failed(event)
