"""The header card: who wrote, to whom, when, about what; on a ground that no mail text gets."""

from __future__ import annotations

from services.models import MessageRow, RenderedMessage, TrustFacts
from widgets.plain import Plain


class HeaderCard(Plain):
    """From, To, date and subject of one message."""

    def show_message(
        self, message: RenderedMessage, trust: TrustFacts, row: MessageRow | None = None
    ) -> None:
        """Show the header of a message."""
