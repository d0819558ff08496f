"""The audit screen: who sent, approved and refused what, with a search, and whether the log is whole.

Closes the trap of an old answer that replaces a newer one while somebody types: only the answer to
the latest words is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult

from services.audit_events import AuditListed, ListAudit
from services.events import RequestFailed, Severity
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from tui.screens.list_screen import row_motions
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context, Situation
from widgets.audit_list import AuditHead, AuditList, AuditNote
from widgets.hint_bar import Hint
from widgets.query_line import QueryLine

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session

_HINTS = (Hint(ui("Enter"), ui("keep"), 1), Hint(ui("Esc"), ui("clear"), 2))


class AuditScreen(SideScreen[None]):
    """The log of one account, or of all that share the screen."""

    CONTEXT = Context.AUDIT
    HEADING: ClassVar[SafeText] = ui("Audit log")
    AUTO_FOCUS = "AuditList"

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        glyphs, clock = session.glyphs, session.clock
        self._head = AuditHead(glyphs=glyphs, clock=clock, id="audit-head")
        self.list = AuditList(glyphs=glyphs, clock=clock, id="audit")
        self.list.show_accounts(session.list_marks)
        self._note = AuditNote(glyphs=glyphs, clock=clock, id="audit-note")
        self._query = QueryLine(hints=_HINTS, id="query")
        self._query.display = False
        self._words = ""
        self._wanted = 0

    def parts(self) -> ComposeResult:
        """Counts, log, the current line, the search."""
        yield self._head
        yield self.list
        yield self._note
        yield self._query

    def opened(self) -> None:
        """Ask for the log."""
        self.await_list(self.list)
        self._ask_for("")

    def _ask_for(self, words: str) -> None:
        self._words = words
        self._wanted = self.ask(ListAudit(words, account=self.session.chosen))

    def situation(self) -> Situation:
        """Whether there is a line under the cursor."""
        entry = "" if self.list.current is None else "line"
        return Situation(context=Context.AUDIT, entry=entry)

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            "search_audit": self._search,
            "audit_again": lambda: self._ask_for(self._words),
            **row_motions(self.list),
        }

    def leave(self) -> None:
        """Drop the search first, then leave."""
        if self._words:
            self._ask_for("")
        else:
            super().leave()

    def on_key(self, event: events.Key) -> None:
        """Enter and Escape end the search before the next key is looked at."""
        if self._query.display and event.key in ("enter", "escape"):
            event.stop()
            event.prevent_default()
            self._end_search()
            if event.key == "escape":
                self._ask_for("")
        else:
            super().on_key(event)

    # ── the search ───────────────────────────────────────────────────────────────────────────────

    def _search(self) -> None:
        self._query.display, self.hint_bar.display = True, False
        self._query.start(ui("/"), self._words)

    def _end_search(self) -> None:
        self._query.display, self.hint_bar.display = False, True
        self.set_focus(self.list)
        self.show_hints()

    def on_query_line_changed(self, event: QueryLine.Changed) -> None:
        """Narrow as it is typed."""
        event.stop()
        if event.text != self._words:
            self._ask_for(event.text)

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The log, when it is the latest answer."""
        if asked is None:
            return False
        if isinstance(event, AuditListed):
            if event.request_id == self._wanted:
                self._show(event)
            return True
        if isinstance(event, RequestFailed):
            self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
            self.list.show_records((), event.sentence)
            return True
        return False

    def _show(self, event: AuditListed) -> None:
        words = clean_line(self._words)
        empty = (
            phrase("No line of the log holds “{}”.", words)
            if words
            else ui("Nothing was sent or decided yet: everything that is will stand here.")
        )
        with self.app.batch_update():
            self._head.show_counts(len(event.rows), event.total, words or EMPTY, event.trouble)
            self.list.show_records(event.rows, empty)

    def on_row_list_cursor_moved(self, event: AuditList.CursorMoved) -> None:
        """Tell about the line under the cursor."""
        event.stop()
        self._note.show_row(self.list.current)
        self.show_hints()
