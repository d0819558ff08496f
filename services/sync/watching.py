"""Listens to a service that tells by itself when there is something new, and has it looked at.

Closes these traps: news that falls between two connections (every new one is a reason to look), a
storm of connections against a service that takes and drops them, a storm of looks when much arrives
at once, a connection that a laptop slept over and that nobody knows to be dead, and a service that
does not tell anything, for which looking now and then has to do, as ever.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from services.errors import Forbidden, MailError, NotFound, SignedOut, UsageError
from services.ports import MailProvider, PushSignal, PushSource
from services.sync.pace import Pace
from services.sync.report import Throttle

_NOT_TO_BE_HAD: Final = (SignedOut, Forbidden, NotFound, UsageError)
_SLEPT: Final = 20.0
"""Seconds that the wall clock is ahead of the steady one when the machine has slept."""


class Watcher:
    """Listens to the provider of now; `news` is called when there is a reason to look.

    `wall` and `steady` are clocks in seconds; only the first goes on while the machine sleeps.
    """

    def __init__(
        self,
        provider: Callable[[], MailProvider | None],
        news: Callable[[], None],
        pace: Pace,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._provider = provider
        self._news = Throttle(news, pace.push_gap)
        self._pace = pace
        self._wall = wall
        self._steady = steady
        self._changed = asyncio.Event()
        self._failures = 0
        self._since: float | None = None

    def renew(self) -> None:
        """The provider is another one, or there is a reason to connect again."""
        self._changed.set()

    async def run(self) -> None:
        """Listen for ever, or as long as there is somebody to listen to."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._wake_after_sleep())
            while True:
                self._changed.clear()
                source = self._source()
                pause = None if source is None else await self._listen(source)
                await self._rest(pause)

    def _source(self) -> PushSource | None:
        provider = self._provider()
        if provider is None or not provider.capabilities.push:
            return None
        return provider if isinstance(provider, PushSource) else None

    async def _listen(self, source: PushSource) -> float:
        """Hold one connection to its end; return the seconds until the next."""
        self._since = None
        listening = asyncio.ensure_future(source.listen(self._heard))
        changed = asyncio.ensure_future(self._changed.wait())
        try:
            await asyncio.wait((listening, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, changed):
                task.cancel()
            ended, _ = await asyncio.gather(listening, changed, return_exceptions=True)
        if self._changed.is_set():
            return 0.0
        return self._pause_after(ended)

    def _pause_after(self, ended: BaseException | None) -> float:
        error = ended if isinstance(ended, MailError) else None
        if ended is not None and error is None:
            raise ended
        if isinstance(error, _NOT_TO_BE_HAD):
            return self._pace.push_refused
        held = 0.0 if self._since is None else self._steady() - self._since
        # Who takes a connection and drops it at once is not well: only a long one counts as a success.
        self._failures = 1 if held >= self._pace.push_steady else self._failures + 1
        return self._pace.retry_delay(self._failures, error)

    def _heard(self, signal: PushSignal) -> None:
        if signal is PushSignal.LISTENING:
            self._since = self._steady()
        self._news.soon()

    async def _rest(self, seconds: float | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _wake_after_sleep(self) -> None:
        while True:
            before = self._wall() - self._steady()
            await asyncio.sleep(self._pace.sleep_look)
            if self._wall() - self._steady() - before > _SLEPT:
                self._failures = 0
                self._news.soon()
                self.renew()
