"""The requests that an ordered delay holds back before they are handled, and answers between drips.

Closes the trap of a request whose client died long ago, and which is noted and carried out in the
middle of the next test: taking back all orders lets go of what they hold.
"""

from __future__ import annotations

import asyncio


class HeldBack:
    """Those of all doors."""

    def __init__(self) -> None:
        self._held: set[asyncio.Event] = set()

    async def wait(self, seconds: float) -> bool:
        """Hold a request or an answer back; False when it was let go before its time."""
        let_go = asyncio.Event()
        self._held.add(let_go)
        try:
            async with asyncio.timeout(seconds):
                await let_go.wait()
        except TimeoutError:
            return True
        finally:
            self._held.discard(let_go)
        return False

    def let_go(self) -> None:
        """Have all requests that are held back cut, unhandled, and the rest of answers sent at once."""
        for one in self._held:
            one.set()
