"""Saving attachments from the mail screen: asking where, telling how far, telling where it lies.

Closes two traps: progress of one message painted into the list of another (states are kept by
message, and shown when it is shown), and a file that is encrypted and a key that is locked: the
passphrase is asked for, then the saving goes on by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from services.attachments.folders import USUAL
from services.events import RequestFailed, Severity, TransferEvent
from services.safe_text import EMPTY, SafeText, phrase, ui
from services.transfer_events import (
    CancelTransfers,
    FileMoved,
    FilesSaved,
    SaveAttachments,
    SavingNeedsKey,
)

if TYPE_CHECKING:
    from services.shown_mail import AttachmentView
    from tui.screens.mail import MailScreen
    from tui.screens.save_dialog import SaveChoice


class Saving:
    """The attachments that are being saved from a mail screen."""

    def __init__(self, screen: MailScreen) -> None:
        self._screen = screen
        self._folder = ""
        self._running: dict[int, str] = {}
        """Message ids by request."""
        self._states: dict[tuple[str, int], SafeText] = {}

    @property
    def is_busy(self) -> bool:
        """Something is being saved."""
        return bool(self._running)

    def ask(self, current: int | None = None) -> None:
        """Ask what of the open message to save, and where; `current` is the index to start on."""
        from tui.screens.save_dialog import SaveDialog

        message_id = self._screen.reading.message_id
        files = self._screen.panes.reader.files
        if message_id is None or not files:
            return
        if current is None:
            current = self._under_cursor()

        def answered(choice: SaveChoice | None) -> None:
            if choice is not None:
                self._folder = choice.folder
                self._start(message_id, choice)

        folder = self._folder or USUAL
        dialog = SaveDialog(files, folder, self._screen.session.monotonic, current)
        self._screen.app.push_screen(dialog, answered)

    def stop(self) -> None:
        """Give up what is being saved."""
        self._screen.ask(CancelTransfers())

    def show_states(self, message_id: str) -> None:
        """A message is shown anew: say again how far its files are."""
        listed = self._screen.panes.reader.attachments
        for (of, index), state in self._states.items():
            if of == message_id:
                listed.show_state(index, state)

    def take(self, event: TransferEvent) -> None:
        """Tell what the engine told."""
        match event:
            case FileMoved():
                self._moved(event)
            case FilesSaved():
                self._running.pop(event.request_id, None)
                self._saved(event)
            case SavingNeedsKey():
                self._running.pop(event.request_id, None)
                self._unlock(event)
            case _:
                return
        self._screen.refresh_chrome()

    def failed(self, event: RequestFailed) -> None:
        """Forget a request that failed; why is told like every failure."""
        self._running.pop(event.request_id, None)

    def _under_cursor(self) -> int | None:
        listed = self._screen.panes.reader.attachments
        chosen: AttachmentView | None = listed.current if listed.has_focus else None
        return None if chosen is None else chosen.index

    def _start(self, message_id: str, choice: SaveChoice) -> None:
        files = {file.index: file.file_name for file in self._screen.panes.reader.files}
        row = self._screen.finding.row_of(message_id)
        request = SaveAttachments(
            message_id,
            choice.indexes,
            Path(choice.folder),
            choice.opens,
            names=tuple(files.get(index, ui("attachment")) for index in choice.indexes),
            about=EMPTY if row is None else row.subject,
        )
        self._send(request)
        count = len(choice.indexes)
        words = ui("Saving the file …") if count == 1 else phrase("Saving {} files …", count)
        self._screen.notices.tell(words)

    def _send(self, request: SaveAttachments) -> None:
        self._running[self._screen.ask(request)] = request.message_id
        self._screen.refresh_chrome()

    def _moved(self, event: FileMoved) -> None:
        place = (event.message_id, event.index)
        if event.state:
            self._states[place] = event.state
        else:
            self._states.pop(place, None)
        if self._screen.reading.message_id == event.message_id:
            self._screen.panes.reader.attachments.show_state(event.index, event.state)

    def _saved(self, event: FilesSaved) -> None:
        if event.failed:
            self._screen.notices.tell(event.sentence, Severity.ERROR, event.failed[0])
        else:
            self._screen.notices.tell(event.sentence)

    def _unlock(self, event: SavingNeedsKey) -> None:
        from tui.screens.passphrase import PassphraseDialog

        def answered(is_open: bool | None) -> None:
            if is_open:
                self._send(event.request)

        screen = self._screen
        news = screen.sealed.news_of(screen.accounts.about(event.request.message_id))
        screen.app.push_screen(PassphraseDialog(news, screen.session.monotonic), answered)
