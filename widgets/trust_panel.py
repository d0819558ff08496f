"""The trust panel: what is known about a message from outside its text."""

from __future__ import annotations

from services.models import TrustFacts
from widgets.plain import Plain


class TrustPanel(Plain):
    """Verified or not, first contact, encrypted, hidden characters, notes."""

    def show_facts(self, trust: TrustFacts) -> None:
        """Show what is known."""
