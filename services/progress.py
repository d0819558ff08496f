"""Work that takes a while: told seldom, and stopped when nobody wants it any more.

Closes two traps: a screen flooded with thousands of reports a second, and a thread that goes on
after its task was cancelled and puts down files that were just cleaned away.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

from services.errors import MailError

EVERY_SECONDS: Final = 0.2

T = TypeVar("T")
Told = Callable[[int], None]
"""Takes how far the work is, in bytes."""


class Meter:
    """Passes progress on at most five times a second; the first report and the last always."""

    def __init__(
        self, tell: Told, total: int = 0, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._tell = tell
        self._total = total
        self._monotonic = monotonic
        self._next = 0.0

    def __call__(self, done: int) -> None:
        """Report bytes done so far."""
        now = self._monotonic()
        if now >= self._next or (self._total and done >= self._total):
            self._next = now + EVERY_SECONDS
            self._tell(done)


class Stopped(MailError):
    """The work was given up on purpose."""


class _Guard:
    """Carries progress out of a thread, and the wish to stop into it."""

    def __init__(self, tell: Told | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._tell = tell
        self.stop = threading.Event()

    def __call__(self, done: int) -> None:
        if self.stop.is_set():
            raise Stopped("This was cancelled.")
        if self._tell is not None:
            with suppress(RuntimeError):  # the loop has closed: nobody listens
                self._loop.call_soon_threadsafe(self._tell, done)


async def in_thread(work: Callable[[Told], T], tell: Told | None = None) -> T:
    """Run `work(progress)` in a thread and return its result.

    `progress` must be called with bytes done as the work goes on. Cancelling makes it raise there,
    and waits until the thread has cleaned up after itself.
    """
    guard = _Guard(Meter(tell) if tell is not None else None)
    task = asyncio.ensure_future(asyncio.to_thread(work, guard))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        guard.stop.set()
        await its_end(task)
        raise


async def its_end(task: asyncio.Task[T]) -> None:
    """Wait until what runs in a thread has ended, however often that is cancelled meanwhile.

    A gathering that is cancelled cancels its parts once more as soon as the first of them is over.
    """
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait((task,))
    with suppress(MailError, OSError):
        task.result()
