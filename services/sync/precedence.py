"""Who goes first: an operator who waits for a message, before walks and changes.

Closes the trap of a message that opens only when a page of a thousand others has come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_LIMIT: Final = 5.0
"""Seconds that a walk, or a change, is held back for somebody who waits for a message."""


class Precedence:
    """Counts those who wait for a message; others give way to them, within limits."""

    def __init__(self) -> None:
        self._readers = 0
        self._nobody = asyncio.Event()
        self._nobody.set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Somebody waits for a message."""
        self._readers += 1
        self._nobody.clear()
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers:
                self._nobody.set()

    async def give_way(self) -> None:
        """Let those who wait for a message go first."""
        if self._readers:
            try:
                async with asyncio.timeout(_LIMIT):
                    await self._nobody.wait()
            except TimeoutError:
                return
