"""What has left."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult

from services.safe_text import SafeText, ui
from tui.screens.side_screen import SideScreen
from tui.situation import Context
from widgets.plain import Plain

if TYPE_CHECKING:
    from services.events import OutboundEvent, RequestFailed
    from services.requests import Request

NOTHING: Final = ui("Nothing is here yet.")


class SentScreen(SideScreen[None]):
    """What has left."""

    CONTEXT = Context.OUTBOX
    HEADING: ClassVar[SafeText] = ui("Sent")

    def parts(self) -> ComposeResult:
        """Nothing yet."""
        yield Plain(NOTHING)

    def heard(self, event: OutboundEvent | RequestFailed, asked: Request | None) -> bool:  # noqa: ARG002
        """Nothing is asked yet."""
        return False
