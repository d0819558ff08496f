"""One draft, to write on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult

from services.safe_text import SafeText, ui
from tui.screens.side_screen import Handlers, SideScreen
from tui.situation import Context
from widgets.plain import Plain

if TYPE_CHECKING:
    from services.events import OutboundEvent, RequestFailed
    from services.outbound_events import BeginDraft, OpenDraft
    from services.requests import Request
    from tui.outbound_news import OutboundNews
    from tui.session import Session

NOTHING: Final = ui("Nothing is here yet.")


class ComposeScreen(SideScreen[None]):
    """One draft, to write on."""

    CONTEXT = Context.COMPOSE
    HEADING: ClassVar[SafeText] = ui("Compose")

    def __init__(self, news: OutboundNews, session: Session, begin: BeginDraft | OpenDraft) -> None:
        super().__init__(news, session)
        self._begin = begin

    def parts(self) -> ComposeResult:
        """Nothing yet."""
        yield Plain(NOTHING)

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:  # noqa: ARG002
        """Nothing is asked yet."""
        return False

    def handlers(self) -> Handlers:
        """Leaving."""
        return {"leave_compose": self.leave}
