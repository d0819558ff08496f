"""Saving attachments from a screen with a reader: asking where, telling how far, telling where it lies.

Closes two traps: progress of one message painted into the list of another (states are kept by
message, and shown when it is shown), and a file that is encrypted and a key that is locked: the
passphrase is asked for, then the saving goes on by itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from services.attachments.folders import USUAL
from services.events import RequestFailed, Severity, TransferEvent
from services.safe_text import SafeText, phrase, ui
from services.transfer_events import (
    CancelTransfers,
    FileMoved,
    FilesSaved,
    SaveAttachments,
    SavingNeedsKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

    from services.requests import Request
    from services.shown_mail import AttachmentView
    from tui.notices import Notices
    from tui.screens.save_dialog import SaveChoice
    from tui.session import Session
    from widgets.reader_pane import ReaderPane


class FilesOnScreen(Protocol):
    """What saving needs of a screen: the message in its reader, and ways to ask and to tell."""

    @property
    def message_id(self) -> str | None: ...

    @property
    def pane(self) -> ReaderPane: ...

    @property
    def session(self) -> Session: ...

    @property
    def notices(self) -> Notices: ...

    @property
    def app(self) -> App[int]: ...

    def ask(self, request: Request) -> int: ...

    def subject_of(self, message_id: str) -> SafeText: ...

    def refresh_chrome(self) -> None: ...

    def unlock(self, then: Callable[[], None], message_id: str) -> None:
        """Ask for the passphrase of the account that a message belongs to, then go on."""
        ...


class Saving:
    """The attachments that are being saved from a screen."""

    def __init__(self, screen: FilesOnScreen) -> None:
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

        message_id = self._screen.message_id
        files = self._screen.pane.files
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
        listed = self._screen.pane.attachments
        for (of, index), state in self._states.items():
            if of == message_id:
                listed.show_state(index, state)

    def is_about(self, event: TransferEvent) -> bool:
        """Whether it tells about what is being saved from this screen."""
        return getattr(event, "request_id", None) in self._running

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
        listed = self._screen.pane.attachments
        chosen: AttachmentView | None = listed.current if listed.has_focus else None
        return None if chosen is None else chosen.index

    def _start(self, message_id: str, choice: SaveChoice) -> None:
        files = {file.index: file.file_name for file in self._screen.pane.files}
        request = SaveAttachments(
            message_id,
            choice.indexes,
            Path(choice.folder),
            choice.opens,
            names=tuple(files.get(index, ui("attachment")) for index in choice.indexes),
            about=self._screen.subject_of(message_id),
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
        if self._screen.message_id == event.message_id:
            self._screen.pane.attachments.show_state(event.index, event.state)

    def _saved(self, event: FilesSaved) -> None:
        if event.failed:
            self._screen.notices.tell(event.sentence, Severity.ERROR, event.failed[0])
        else:
            self._screen.notices.tell(event.sentence)

    def _unlock(self, event: SavingNeedsKey) -> None:
        self._screen.unlock(lambda: self._send(event.request), event.request.message_id)
