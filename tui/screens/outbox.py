"""The Outbox and Sent screens: what waits, what is leaving, what may have left, what has left.

Closes the trap of mail sent twice by somebody who sees it stuck: mail that may have left is never
sent again without a question that says what can happen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from services.events import RequestFailed, Severity
from services.outbound_events import (
    CancelSend,
    ListOutbox,
    OutboundDone,
    OutboxListed,
    OutboxMoved,
    RetryNow,
    SendCancelled,
    SendQueued,
    SettleUncertain,
)
from services.outbound_models import OutboxState
from services.safe_text import EMPTY, SafeText, phrase, ui
from tui.outbound_news import way_to_draft
from tui.screens.list_screen import ListScreen, row_motions
from tui.screens.side_screen import Handlers
from tui.situation import Context, Situation
from widgets.outbox_list import OutboxList, OutboxNote

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.outbound_models import OutboxRow
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session

_LEFT: Final = frozenset({OutboxState.SENT})


class OutboxScreen(ListScreen[None]):
    """The outbox first; Tab shows what was sent."""

    CONTEXT = Context.OUTBOX
    AUTO_FOCUS = "OutboxList"
    OPENS = "open_outgoing"
    STARTS_WITH_SENT: ClassVar[bool] = False

    list: OutboxList
    note: OutboxNote

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        glyphs, clock = session.glyphs, session.clock
        key = self.shown_key("settle_send")
        self.list = OutboxList(glyphs=glyphs, clock=clock, settle_key=key, id="outbox")
        self.list.sent = self.STARTS_WITH_SENT
        self.list.show_accounts(session.list_marks)
        self.note = OutboxNote(glyphs=glyphs, clock=clock, id="outbox-note")

    def opened(self) -> None:
        """Ask for the list."""
        self.await_list(self.list)
        self._list_again()

    def _list_again(self) -> None:
        title = ui("Sent") if self.list.sent else ui("Outbox")
        self.status.show_title(self.session.account, title)
        self.ask(ListOutbox(self.list.sent))

    def situation(self) -> Situation:
        """The state of the mail under the cursor."""
        row = self.list.current
        return Situation(context=Context.OUTBOX, entry="" if row is None else row.state.value)

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            "open_outgoing": self._open,
            "cancel_send": self._cancel,
            "settle_send": self._settle,
            "retry_now": lambda: self._ask_for(RetryNow()),
            "other_box": self._other,
            "list_again": self._list_again,
            **row_motions(self.list),
        }

    # ── commands ─────────────────────────────────────────────────────────────────────────────────

    def _ask_for(self, request: Request) -> None:
        self.ask(request)

    def _open(self) -> None:
        row = self.list.current
        if row is None:
            return
        if row.state is OutboxState.UNCERTAIN:
            self._settle()
            return
        from tui.screens.sent_mail import SentMailScreen

        self.app.push_screen(SentMailScreen(self.news, self.session, row))

    def _cancel(self) -> None:
        row = self.list.current
        if row is not None:
            self.ask(CancelSend((row.entry_id,), row.account))

    def _settle(self) -> None:
        row = self.list.current
        if row is None:
            return

        def answered(choice: int | None) -> None:
            if choice is not None:
                self.ask(SettleUncertain(row.entry_id, choice == 1, row.account))

        from tui.screens.decision_dialogs import settle_dialog

        self.app.push_screen(settle_dialog(row, self.session.monotonic), answered)

    def _other(self) -> None:
        self.list.sent = not self.list.sent
        self.list.clear()
        self.await_list(self.list)
        self._list_again()

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The list, and what moves in it."""
        match event:
            case OutboxListed():
                return self._listed(event, asked)
            case OutboxMoved():
                self._moved(event.row)
                return False
            case SendQueued() | SendCancelled():
                self._tell_moved(event)
                self._list_again()
                return False
            case OutboundDone() if asked is not None:
                self.notices.tell(event.sentence)
                self._list_again()
            case RequestFailed() if asked is not None:
                self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
            case _:
                return False
        return True

    def _tell_moved(self, event: SendQueued | SendCancelled) -> None:
        step = EMPTY
        if isinstance(event, SendCancelled):
            step = way_to_draft(event, self.shown_key("drafts"))
        self.notices.tell(event.sentence, next_step=step)

    def _listed(self, event: OutboxListed, asked: Request | None) -> bool:
        if event.sent is self.list.sent:
            self.list.show_records(self.session.only(event.rows), self._nothing())
            self.tick()
        return asked is not None

    def _moved(self, row: OutboxRow) -> None:
        if not self.session.only((row,)):
            return
        has_left = row.state in _LEFT
        if has_left is not self.list.sent and (self.list.sent or not self.list.lists(row)):
            return
        if has_left is not self.list.sent or not self.list.show_record(row):
            self._list_again()
            return
        self.tick()
        if row.entry_id == getattr(self.list.current, "entry_id", ""):
            self.show_current()

    def _nothing(self) -> SafeText:
        other = self.shown_key("other_box")
        if self.list.sent:
            return phrase("Nothing was sent from here yet. {} shows the outbox.", other)
        return phrase("Nothing waits to leave. {} shows what was sent.", other)
