"""The drafts that are kept: to write on, to discard, and to bring back.

Closes the trap of a draft that nobody finds again: everything that was ever saved and not sent is in
this one list, after a crash as well, and what is discarded can be brought back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult

from services.events import RequestFailed, Severity
from services.outbound_events import (
    BeginDraft,
    DiscardDraft,
    DraftsListed,
    ListDrafts,
    OpenDraft,
    OutboundDone,
    RestoreDraft,
    SendCancelled,
)
from services.safe_text import SafeText, phrase, ui
from tui.screens.list_screen import row_motions
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.draft_list import DraftList

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session


class DraftsScreen(SideScreen[None]):
    """The kept drafts of one account, or of all that share the screen."""

    CONTEXT = Context.DRAFTS
    HEADING: ClassVar[SafeText] = ui("Drafts")
    UNDO = "restore_draft"
    AUTO_FOCUS = "DraftList"

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        self.list = DraftList(glyphs=session.glyphs, clock=session.clock, id="draft-list")
        self.list.show_accounts(session.list_marks)

    def parts(self) -> ComposeResult:
        """The list."""
        yield self.list

    def opened(self) -> None:
        """It asks when it comes to the front."""
        self.await_list(self.list)

    def on_screen_resume(self) -> None:
        """Ask for the drafts, also when coming back from one: it may have another subject now."""
        self.ask(ListDrafts())

    def situation(self) -> Situation:
        """The frozen picture that guards and hints look at."""
        return Situation(
            Context.DRAFTS,
            rows=len(self.list.records),
            entry="draft" if self.list.current is not None else "",
            targets=len(self.news.drafts.discarded),
        )

    def handlers(self) -> Handlers:
        """What the commands do."""
        return {
            "open_draft": self._open,
            "begin_draft": lambda: self._write(BeginDraft(account=self.session.chosen)),
            "drop_draft": self._drop,
            "restore_draft": self._restore,
            **row_motions(self.list),
        }

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """Show the drafts; tell what became of one."""
        match event:
            case DraftsListed():
                self._show(event)
                return asked is not None
            case SendCancelled():
                self.notices.tell(event.sentence)
                self.ask(ListDrafts())
                return False
            case OutboundDone() if asked is not None:
                self._done(event, asked)
            case RequestFailed() if asked is not None:
                self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
            case _:
                return False
        return True

    def _show(self, event: DraftsListed) -> None:
        empty = phrase("No drafts. {} writes a message.", self.shown_key("begin_draft"))
        still_open = frozenset(draft.draft_id for draft in self.news.drafts.all)
        rows = self.session.only(event.rows)
        self.list.show_drafts(rows, still_open, empty)
        self.status.show_title(self.session.account, phrase("Drafts {}", len(rows)))
        self.show_hints()

    def _done(self, event: OutboundDone, asked: Request) -> None:
        if isinstance(asked, DiscardDraft):
            key = self.shown_key("restore_draft")
            self.notices.tell(event.sentence, next_step=phrase("{} brings it back.", key))
        else:
            self.notices.tell(event.sentence)
        self.ask(ListDrafts())

    def on_row_list_cursor_moved(self, event: DraftList.CursorMoved) -> None:
        """Other hints on an empty list."""
        event.stop()
        self.show_hints()

    def on_row_list_opened(self, event: DraftList.Opened) -> None:
        """A click on the current row is Enter."""
        event.stop()
        self._open()

    # ── commands ─────────────────────────────────────────────────────────────────────────────────

    def _open(self) -> None:
        row = self.list.current
        if row is not None:
            self._write(OpenDraft(row.draft_id, row.account))

    def _drop(self) -> None:
        row = self.list.current
        if row is None:
            return
        drafts = self.news.drafts
        opened = drafts.find(row.draft_id)
        if opened is not None:
            drafts.close(opened)
        drafts.discarded.append((row.draft_id, row.account))
        self.ask(DiscardDraft(row.draft_id, row.account))

    def _restore(self) -> None:
        if self.news.can_take_back(self.session.clock()):
            self.news.take_back()
        else:
            self.ask(RestoreDraft(*self.news.drafts.discarded.pop()))

    def _write(self, begin: BeginDraft | OpenDraft) -> None:
        from tui.screens.compose import ComposeScreen

        self.app.push_screen(ComposeScreen(self.news, self.session, begin))
