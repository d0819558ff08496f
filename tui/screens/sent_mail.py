"""The local copy of one outgoing mail: the facts of the service, and the text as it left.

Closes the trap of a copy that is read as a draft: nothing can be sent, edited or approved from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from services.events import RequestFailed, Severity
from services.outbound_events import DraftLocked, ReadSent, SentOpened
from services.safe_text import SafeText, ui
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.review_text import ReviewText

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.outbound_models import OutboxRow
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session

_FAR = 1_000_000_000


class SentMailScreen(SideScreen[None]):
    """One mail that was handed over; the keys of a review that only look."""

    CONTEXT = Context.REVIEW
    HEADING: ClassVar[SafeText] = ui("Copy")
    AUTO_FOCUS = "ReviewText"

    def __init__(self, news: OutboundNews, session: Session, row: OutboxRow) -> None:
        super().__init__(news, session)
        self._row = row
        self._text = ReviewText(
            glyphs=session.glyphs, unfold_key=self.shown_key("unfold_text"), id="review-text"
        )

    def parts(self) -> ComposeResult:
        """Facts and text."""
        yield self._text

    def opened(self) -> None:
        """Ask for the copy."""
        self._text.show_note(ui("Reading …"))
        self.ask(ReadSent(self._row.entry_id, self._row.account))

    def situation(self) -> Situation:
        """A copy: nothing is decided about it."""
        return Situation(context=Context.REVIEW, entry="copy")

    def handlers(self) -> Handlers:
        """Looking at it."""
        text = self._text
        return {
            "review_again": self.opened,
            "unfold_text": text.toggle_fold,
            "review_on": text.action_page_down,
            "review_back": text.action_page_up,
            "review_down": text.action_scroll_down,
            "review_up": text.action_scroll_up,
            "review_page_down": text.action_page_down,
            "review_page_up": text.action_page_up,
            "review_first": lambda: text.scroll_rows(-_FAR),
            "review_last": lambda: text.scroll_rows(_FAR),
        }

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The copy, or why there is none to see."""
        if asked is None:
            return False
        match event:
            case SentOpened():
                self._text.show_copy(event.facts, event.body)
            case DraftLocked():
                self._text.show_note(event.sentence)
                self.news.unlock(self.opened, self._row.account)
            case RequestFailed():
                self._text.show_note(event.sentence)
                self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
            case _:
                return False
        return True
