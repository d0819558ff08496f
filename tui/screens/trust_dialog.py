"""The dialog about a trusted sender: which agent, and how many messages a minute at most."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical

from services.key_events import TrustSender
from services.key_models import TrustedSenderView
from services.safe_text import ui
from tui.screens.field_dialog import FieldDialog, text_field
from widgets.plain import Plain


class TrustDialog(FieldDialog[TrustSender]):
    """Asks for agent and cap; returns the request, or None."""

    FIELDS = ("agent", "cap")

    def __init__(
        self, known: TrustedSenderView | None, proposed: str, monotonic: Callable[[], float]
    ) -> None:
        super().__init__(monotonic)
        self._agent = known.peer_agent_id if known is not None else proposed
        cap = known.rate_limit_per_minute if known is not None else None
        self._cap = "" if cap is None else str(cap)

    def compose(self) -> ComposeResult:
        """Agent, cap, two answers."""
        about = ui("The service then lets this agent of your domain in as trusted.")
        with Vertical(classes="dialog"):
            yield Plain(ui("Trust a sender"), classes="dialog-title")
            yield Plain(about, classes="dialog-line")
            yield self.row(ui("Agent"), text_field("agent", self._agent, "research"))
            cap = text_field("cap", self._cap, "most messages; empty: no cap")
            yield self.row(ui("A minute"), cap)
            yield from self.ending(ui("Trust"))

    def answer(self) -> None:
        """Return the request."""
        agent, cap = self.typed("agent"), self.typed("cap")
        is_number = cap.isascii() and cap.isdigit() and len(cap) < 7
        if not agent or (cap and not is_number):
            self.say(ui("! Name an agent; the cap is a number, or nothing."))
        else:
            limit = int(cap) if cap else None
            self.dismiss(TrustSender(agent, enabled=True, rate_limit_per_minute=limit))
