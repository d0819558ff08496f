"""One message beside the mailbox, to be read, seen as it came, and its files saved.

Nothing of it is kept or marked, and only what was sent from here is answered or sent on. Closes the
trap of a message that is read as one of the mailbox: the status line says where it lies.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from textual.app import ComposeResult

from services.events import RequestFailed, Severity
from services.safe_text import SafeText, ui
from services.shelf_events import ReadShelved, ReadShelvedRaw, ShelvedRaw, ShelvedRead
from services.shelves import Shelf
from services.transfer_events import SaveAttachments
from tui.screens.answering import answers, begin_answer
from tui.screens.saving import Saving
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.reader_pane import ReaderPane

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.events import OutboundEvent, TransferEvent
    from services.models import MessageRow
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session
    from widgets.attachment_list import AttachmentList

WHERE: Final[Mapping[Shelf, SafeText]] = MappingProxyType(
    {
        Shelf.TRASH: ui("In the trash"),
        Shelf.SENT: ui("Sent mail"),
        Shelf.HELD: ui("Held by the service"),
    }
)


class ShelvedMailScreen(SideScreen[None]):
    """The reader on one message; of its keys those that look and save, and answer what was sent."""

    CONTEXT = Context.SHELVED
    AUTO_FOCUS = "Reader"

    def __init__(self, news: OutboundNews, session: Session, shelf: Shelf, row: MessageRow) -> None:
        super().__init__(news, session)
        self._shelf = shelf
        self._row = row
        self._is_raw = False
        self._end_files: Callable[[], None] | None = None
        self.pane = ReaderPane(glyphs=session.glyphs, clock=session.clock, id="shelved")
        self.pane.show_accounts(session.list_marks)

    def parts(self) -> ComposeResult:
        """Chrome and text, as in the mailbox."""
        yield self.pane

    def opened(self) -> None:
        """Ask for it."""
        if self._end_files is None:
            self._end_files = self.news.listen_to_files(self._heard_of_files)
        self._is_raw = False
        self.status.show_title(self.session.account, WHERE[self._shelf])
        self.pane.show_empty(ui("Reading …"))
        self.ask(ReadShelved(self._shelf, self._row.message_id))

    def on_unmount(self) -> None:
        """Hear no more; Textual calls the ground's own handler too."""
        if self._end_files is not None:
            self._end_files()

    def situation(self) -> Situation:
        """A message that is open, and how many files it has."""
        return Situation(
            context=Context.SHELVED,
            targets=1,
            open_message=True,
            sent=self._shelf is Shelf.SENT,
            files=len(self.pane.files),
            saving=self._saving.is_busy,
        )

    def handlers(self) -> Handlers:
        """Looking at it, and saving its files."""
        reader = self.pane.reader
        return {
            "look_again": self.opened,
            **answers(lambda kind: begin_answer(self, kind, self._row.message_id)),
            "raw": self._toggle_raw,
            "headers": self.pane.toggle_headers,
            "quotes": reader.toggle_quotes,
            "save_files": self._saving.ask,
            "stop_saving": self._saving.stop,
            "read_on": reader.action_page_down,
            "page_up": reader.action_page_up,
            "half_page_down": reader.action_half_page_down,
            "half_page_up": reader.action_half_page_up,
            "scroll_down": reader.action_scroll_down,
            "scroll_up": reader.action_scroll_up,
            "first": reader.action_first,
            "last": reader.action_last,
        }

    def _toggle_raw(self) -> None:
        """Show the mail as it came, or the message again."""
        if self._is_raw:
            self.opened()
            return
        self._is_raw = True
        self.ask(ReadShelvedRaw(self._shelf, self._row.message_id))

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The message, or why it cannot be read; what became of its files."""
        if asked is None:
            return False
        match event:
            case ShelvedRead() if not self._is_raw:
                self.pane.show_message(event.message, event.trust, self._row)
                self._unlock_text(event)
            case ShelvedRaw() if self._is_raw:
                self.pane.show_lines(event.lines)
            case ShelvedRead() | ShelvedRaw():
                pass
            case RequestFailed():
                self._failed(event, asked)
            case _:
                return False
        self.show_hints()
        return True

    def _failed(self, event: RequestFailed, asked: Request) -> None:
        if isinstance(asked, SaveAttachments):
            self._saving.failed(event)
        else:
            self.pane.show_empty(event.sentence)
        self.notices.tell(event.sentence, Severity.ERROR, event.next_step)

    def _unlock_text(self, event: ShelvedRead) -> None:
        seal = event.message.seal
        if seal is not None and seal.state.value == "locked":
            self.news.unlock(self.opened, self._row.account)

    # ── its files ────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def _saving(self) -> Saving:
        return Saving(self)

    @property
    def message_id(self) -> str:
        """The message whose files are saved."""
        return self._row.message_id

    def subject_of(self, message_id: str) -> SafeText:  # noqa: ARG002 - there is only one
        """What the files are told to be of."""
        return self._row.subject

    def refresh_chrome(self) -> None:
        """Something is being saved, or no more."""
        self.show_hints()

    def unlock(self, then: Callable[[], None], message_id: str) -> None:  # noqa: ARG002
        """Ask for the passphrase, then go on."""
        self.news.unlock(then, self._row.account)

    def _heard_of_files(self, event: TransferEvent) -> bool:
        if not self._saving.is_about(event):
            return False
        self._saving.take(event)
        return True

    def on_attachment_list_chosen(self, event: AttachmentList.Chosen) -> None:
        """Ask where to save an attachment that was chosen under the message."""
        event.stop()
        self._saving.ask(event.attachment.index)
