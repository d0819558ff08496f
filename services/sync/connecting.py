"""Whether the first connection of a session is still being made, and a wait for it.

Closes the trap of a message that cannot be opened in the first moment after a start, although the
service would be reached in the next: what fails for want of a connection waits for it, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from services.errors import Offline

T = TypeVar("T")


class Connecting:
    """The first connection of one session; over once it stands, or could not be made."""

    def __init__(self) -> None:
        self._over = asyncio.Event()
        self._over.set()

    def begin(self) -> None:
        """A connection will be made now."""
        self._over.clear()

    def end(self) -> None:
        """It stands, or it could not be made."""
        self._over.set()

    async def once_over(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something; if it is offline while a connection is being made, wait and do it again."""
        if self._over.is_set():
            return await work()
        try:
            return await work()
        except Offline:
            await self._over.wait()
        return await work()
