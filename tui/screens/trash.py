"""The Trash screen: what lies in the trash of the services, to read it and to bring it back.

Closes two traps: an old answer that replaces a newer one (only the latest look is shown), and a row
that goes before the service has brought its message back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from services.events import RequestFailed, Severity
from services.requests import ForAccount
from services.safe_text import EMPTY, SafeText, join, phrase, ui
from services.shelf_events import ListShelf, RestoreTrashed, ShelfListed, TrashRestored
from tui.screens.list_screen import ListScreen, row_motions
from tui.screens.side_screen import Handlers
from tui.situation import Context, Situation
from widgets.shelf_list import ShelfList, ShelfNote

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session

_ASKING: Final = ui("Asking the service what lies in its trash …")
_EMPTY: Final = ui(
    "No mail that came in lies in the trash. What you have just deleted comes here "
    "once its undo is over."
)


class TrashScreen(ListScreen[None]):
    """The trash of one account, or of all that have one."""

    CONTEXT = Context.TRASH
    HEADING: ClassVar[SafeText] = ui("Trash")
    AUTO_FOCUS = "ShelfList"
    OPENS = "open_trashed"

    list: ShelfList
    note: ShelfNote

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        glyphs, clock = session.glyphs, session.clock
        self.list = ShelfList(glyphs=glyphs, clock=clock, id="trash")
        self.list.show_accounts(session.list_marks)
        self.note = ShelfNote(glyphs=glyphs, clock=clock, id="trash-note")
        self._wanted = 0
        self._coming_back: set[str] = set()

    def opened(self) -> None:
        """Ask the service; nothing of its trash is kept here."""
        if not self.list.records:
            self.list.show_records((), _ASKING)
        self._wanted = self.ask(self._for_chosen(ListShelf()))

    def _for_chosen(self, request: ListShelf) -> Request:
        chosen = self.session.chosen
        return ForAccount(chosen, request) if chosen else request

    def situation(self) -> Situation:
        """Whether there is a message under the cursor."""
        rows, entry = len(self.list.records), "" if self.list.current is None else "message"
        return Situation(context=Context.TRASH, rows=rows, entry=entry)

    def handlers(self) -> Handlers:
        """What each command does."""
        return {
            "open_trashed": self._open,
            "restore": self._restore,
            "trash_again": self.opened,
            **row_motions(self.list),
        }

    def _open(self) -> None:
        from tui.screens.shelved_mail import ShelvedMailScreen

        row = self.list.current
        if row is not None:
            self.app.push_screen(ShelvedMailScreen(self.news, self.session, row))

    def _restore(self) -> None:
        row = self.list.current
        if row is None:
            return
        if row.message_id in self._coming_back:
            self.notices.tell(ui("It is being brought back already."))
            return
        self._coming_back.add(row.message_id)
        self.ask(RestoreTrashed(row.message_id))

    # ── what the engine tells ────────────────────────────────────────────────────────────────────

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """The list, what is back, or why not."""
        if asked is None:
            return False
        match event:
            case ShelfListed() if event.request_id == self._wanted:
                self._show(event)
            case ShelfListed():
                pass
            case TrashRestored():
                self._coming_back.discard(event.message_id)
                rows = [row for row in self.list.records if row.message_id != event.message_id]
                self.list.show_records(rows, _EMPTY)
                self.notices.tell(event.sentence)
            case RequestFailed():
                self._failed(event, asked)
            case _:
                return False
        self.show_current()
        return True

    def _show(self, listed: ShelfListed) -> None:
        self.list.show_records(listed.rows, _EMPTY)
        cut = phrase("The newest {:,} are listed; more lie in the trash.", len(listed.rows))
        self.note.show_told(
            join(" ", [one for one in (cut if listed.more else EMPTY, listed.remark) if one])
        )

    def _failed(self, event: RequestFailed, asked: Request) -> None:
        if isinstance(asked, RestoreTrashed):
            self._coming_back.discard(asked.message_id)
        elif not self.list.records:
            # There is room for all of it in the list, so that it is said once.
            told = [one for one in (event.sentence, event.next_step) if one]
            self.list.show_records((), join(" ", told))
            return
        self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
