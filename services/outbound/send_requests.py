"""Answers what the review, the outbox and the list of sent mail ask.

Closes the trap of a decision on something else than what leaves: a decision names a digest, and the
plan is made again before anything is queued.
"""

from __future__ import annotations

from collections.abc import Callable

from services.errors import UsageError
from services.events import Event
from services.outbound.draft_requests import DraftRequests
from services.outbound.offices import Offices


class SendRequests:
    """Reviews, queues, takes back and tells outgoing mail."""

    def __init__(
        self, offices: Offices, emit: Callable[[Event], None], drafts: DraftRequests
    ) -> None:
        self._offices = offices
        self._emit = emit
        self._drafts = drafts

    async def review(self, *_: object) -> None:
        """Make the plan of a draft and show it."""
        raise UsageError("Drafts cannot be reviewed here.")

    async def send(self, *_: object) -> None:
        """Queue what was decided on."""
        raise UsageError("Mail cannot be sent here.")

    async def cancel(self, *_: object) -> None:
        """Take back what has not left."""
        raise UsageError("Mail cannot be taken back here.")

    async def settle(self, *_: object) -> None:
        """Carry out what a person decided about mail that may have left."""
        raise UsageError("This cannot be decided here.")

    async def retry(self, *_: object) -> None:
        """Try now what waits for its next try."""
        raise UsageError("Mail cannot be sent here.")

    async def list(self, *_: object) -> None:
        """Tell the outbox, or what has left."""
        raise UsageError("The outbox cannot be listed here.")

    async def read(self, *_: object) -> None:
        """Show the local copy of one mail."""
        raise UsageError("Sent mail cannot be read here.")
