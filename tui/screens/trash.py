"""The Trash screen: what lies in the trash of the services, to read it and to bring it back.

Closes the trap of a row that goes before the service has brought its message back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.events import RequestFailed, Severity
from services.safe_text import ui
from services.shelf_events import RestoreTrashed, TrashRestored
from services.shelves import Shelf
from tui.screens.shelf import ShelfScreen
from tui.screens.side_screen import Handlers
from tui.situation import Context

if TYPE_CHECKING:
    from services.events import OutboundEvent
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session


class TrashScreen(ShelfScreen):
    """The trash of one account, or of all that have one."""

    CONTEXT = Context.TRASH
    HEADING = ui("Trash")
    SHELF = Shelf.TRASH
    ASKING = ui("Asking the service what lies in its trash …")
    EMPTY = ui(
        "No mail that came in lies in the trash. What you have just deleted comes here "
        "once its undo is over."
    )

    def __init__(self, news: OutboundNews, session: Session) -> None:
        super().__init__(news, session)
        self._coming_back: set[str] = set()

    def handlers(self) -> Handlers:
        """As on the others, and bringing back."""
        return {**super().handlers(), "restore": self._restore}

    def _restore(self) -> None:
        row = self.list.current
        if row is None:
            return
        if row.message_id in self._coming_back:
            self.notices.tell(ui("It is being brought back already."))
            return
        self._coming_back.add(row.message_id)
        self.ask(RestoreTrashed(row.message_id))

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:
        """What is back as well."""
        if asked is None or not isinstance(event, TrashRestored):
            return super().heard(event, asked)
        self._coming_back.discard(event.message_id)
        rows = [row for row in self.list.records if row.message_id != event.message_id]
        self.list.show_records(rows, self.EMPTY)
        self.notices.tell(event.sentence)
        self.show_current()
        return True

    def failed(self, event: RequestFailed, asked: Request) -> None:
        """A message that stays where it is can be tried again."""
        if isinstance(asked, RestoreTrashed):
            self._coming_back.discard(asked.message_id)
            self.notices.tell(event.sentence, Severity.ERROR, event.next_step)
        else:
            super().failed(event, asked)
