"""Runs a slow call (keys, keyring, boto3) beside the loop, in a thread that never holds up the exit.

Closes the trap of `asyncio.to_thread`: Python joins its threads when the program ends, so a keyring
that waits for somebody, or a key that is being made, would keep the terminal (research/crypto.md §6).
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")


async def in_daemon(call: Callable[[], T]) -> T:
    """Return what a call returns, or raise what it raises; it goes on alone when nobody waits."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def work() -> None:
        with _Delivery(loop, answer):
            _settle(loop, answer, call())

    threading.Thread(target=work, name="beside", daemon=True).start()
    return await answer


def _settle(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T], result: T) -> None:
    # The loop may be closed by now: then nobody waits.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: None if answer.done() else answer.set_result(result))


class _Delivery(Generic[T]):
    """Hands what a block raised to the one who waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[T]) -> None:
        self._loop = loop
        self._answer = answer

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if error is not None:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._fail, error)
        return True

    def _fail(self, error: BaseException) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
