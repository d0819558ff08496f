"""The one outbound side of several accounts: what it borrows of each account's session."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.events import Event
from services.posting import Outgoing, SessionLender

UnifiedOfficeFactory = Callable[[Mapping[str, SessionLender], Callable[[Event], None]], Outgoing]
"""Opens the outbound side of all accounts, by the lender of each; called late, in a thread."""
