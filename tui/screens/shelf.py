"""The ground of the screens of mail beside the mailbox: what the services list there, to be read.

Closes the trap of an old answer that replaces a newer one: only the latest look is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from services.events import RequestFailed, Severity
from services.requests import ForAccount
from services.safe_text import EMPTY, SafeText, join, phrase
from services.shelf_events import ListShelf, ShelfListed
from services.shelves import Shelf
from tui.screens.answering import answers, begin_answer
from tui.screens.list_screen import ListScreen, row_motions
from tui.screens.side_screen import Handlers
from tui.situation import Context, Situation
from widgets.shelf_list import ShelfList, ShelfNote

if TYPE_CHECKING:
    from services.draft import DraftKind
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session


class ShelfScreen(ListScreen[None]):
    """One shelf of one account, or of all that have it; a subclass says which, and in what words."""

    CONTEXT = Context.SHELF
    AUTO_FOCUS = "ShelfList"
    OPENS = "open_shelved"
    SHELF: ClassVar[Shelf]
    ASKING: ClassVar[SafeText]
    EMPTY: ClassVar[SafeText]
    """What is said where nothing lies there."""

    list: ShelfList
    note: ShelfNote

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        glyphs, clock = session.glyphs, session.clock
        self.list = ShelfList(glyphs=glyphs, clock=clock, id="shelf")
        self.list.show_accounts(session.list_marks)
        self.note = ShelfNote(glyphs=glyphs, clock=clock, id="shelf-note")
        self._wanted = 0

    def opened(self) -> None:
        """Ask the service; nothing of what lies there is kept here."""
        if not self.list.records:
            self.list.show_records((), self.ASKING)
        self._wanted = self.ask(self._for_chosen(ListShelf(self.SHELF)))

    def _for_chosen(self, request: ListShelf) -> Request:
        chosen = self.session.chosen
        return ForAccount(chosen, request) if chosen else request

    def situation(self) -> Situation:
        """Whether there is a message under the cursor."""
        rows, entry = len(self.list.records), "" if self.list.current is None else "message"
        return Situation(
            context=self.CONTEXT,
            rows=rows,
            entry=entry,
            targets=1 if entry else 0,
            sent=self.SHELF is Shelf.SENT,
        )

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            "open_shelved": self._open,
            "look_again": self.opened,
            **answers(self._answer),
            **row_motions(self.list),
        }

    def _open(self) -> None:
        from tui.screens.shelved_mail import ShelvedMailScreen

        row = self.list.current
        if row is not None:
            self.app.push_screen(ShelvedMailScreen(self.news, self.session, self.SHELF, row))

    def _answer(self, kind: DraftKind) -> None:
        row = self.list.current
        if row is not None:
            begin_answer(self, kind, row.message_id)

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The list, or why there is none."""
        if asked is None:
            return False
        match event:
            case ShelfListed() if event.request_id == self._wanted:
                self._show(event)
            case ShelfListed():
                pass
            case RequestFailed():
                self.failed(event, asked)
            case _:
                return False
        self.show_current()
        return True

    def _show(self, listed: ShelfListed) -> None:
        self.list.show_records(listed.rows, self.EMPTY)
        cut = phrase("The newest {:,} are listed; there are more.", len(listed.rows))
        self.note.show_told(
            join(" ", [one for one in (cut if listed.more else EMPTY, listed.remark) if one])
        )

    def failed(self, event: RequestFailed, asked: Request) -> None:  # noqa: ARG002 - for subclasses
        """Say why: in the list when it is empty, where there is room for all of it."""
        if self.list.records:
            self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
        else:
            told = [one for one in (event.sentence, event.next_step) if one]
            self.list.show_records((), join(" ", told))
