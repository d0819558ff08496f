"""One message that lies in the trash, to be read: nothing of it is kept, marked or answered from here.

Closes the trap of a message that is read as one of the mailbox: the status line says where it lies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from services.events import RequestFailed, Severity
from services.safe_text import SafeText, ui
from services.shelf_events import ReadShelved, ShelvedRead
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.reader_pane import ReaderPane

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.models import MessageRow
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session


class ShelvedMailScreen(SideScreen[None]):
    """The reader on one message of the trash; the keys of a review that only look."""

    CONTEXT = Context.REVIEW
    HEADING: ClassVar[SafeText] = ui("In the trash")
    AUTO_FOCUS = "Reader"

    def __init__(self, news: OutboundNews, session: Session, row: MessageRow) -> None:
        super().__init__(news, session)
        self._row = row
        self._pane = ReaderPane(glyphs=session.glyphs, clock=session.clock, id="trashed")
        self._pane.show_accounts(session.list_marks)

    def parts(self) -> ComposeResult:
        """Chrome and text, as in the mailbox."""
        yield self._pane

    def opened(self) -> None:
        """Ask for it."""
        self._pane.show_empty(ui("Reading …"))
        self.ask(ReadShelved(self._row.message_id))

    def situation(self) -> Situation:
        """Nothing is decided about it here."""
        return Situation(context=Context.REVIEW, entry="copy")

    def handlers(self) -> Handlers:
        """Looking at it."""
        reader = self._pane.reader
        return {
            "review_again": self.opened,
            "unfold_text": reader.toggle_quotes,
            "review_on": reader.action_page_down,
            "review_back": reader.action_page_up,
            "review_down": reader.action_scroll_down,
            "review_up": reader.action_scroll_up,
            "review_page_down": reader.action_page_down,
            "review_page_up": reader.action_page_up,
            "review_first": reader.action_first,
            "review_last": reader.action_last,
        }

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The message, or why it cannot be read."""
        if asked is None:
            return False
        match event:
            case ShelvedRead():
                self._pane.show_message(event.message, event.trust, self._row)
                self._unlock(event)
            case RequestFailed():
                self._pane.show_empty(event.sentence)
                self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
            case _:
                return False
        return True

    def _unlock(self, event: ShelvedRead) -> None:
        seal = event.message.seal
        if seal is not None and seal.state.value == "locked":
            self.news.unlock(self.opened, self._row.account)
