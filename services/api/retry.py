"""Asking again, only where it is safe, and never as a storm.

Closes two traps: a request repeated that was carried out the first time, and a wait that nobody sees.
At most four requests stand for one call; a pause that the service asks for is kept when it is short,
otherwise the error is raised at once so that the caller can show the wait (research/reliability.md
§6 N01, N02).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential,
    wait_random,
)

from services.api.failures import Barred, CutAnswer
from services.errors import Offline, RateLimited, ServerBroken, ServiceError, TimedOut

ATTEMPTS: Final = 4
PATIENCE: Final = 45.0
"""Seconds after which no further attempt begins."""
SHORT_WAIT: Final = 5.0
"""Seconds of Retry-After that are waited here; longer waits are the caller's to show."""

_PASSING: Final = (Offline, TimedOut, CutAnswer, ServerBroken, RateLimited)
_backoff: Final = wait_exponential(multiplier=0.3, max=4.0) + wait_random(0, 0.3)

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


class Retrier:
    """Runs calls, again when that is safe; `sleep` is replaced in tests."""

    def __init__(self, sleep: Sleep = asyncio.sleep) -> None:
        self._sleep = sleep

    async def run(self, call: Callable[[], Awaitable[T]], *, safe: bool) -> T:
        """Await `call()` up to four times; raises its last error.

        `safe` says that doing it twice is the same as once; without it, only what certainly did
        not happen is tried again. An error that follows a lost answer is marked `uncertain`.
        """
        lost = False

        async def attempt() -> T:
            nonlocal lost
            try:
                return await call()
            except ServiceError as error:
                error.uncertain = lost = lost or error.uncertain
                raise

        retrying = AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(PATIENCE),
            wait=_pause,
            retry=retry_if_exception(lambda error: _is_worth(error, safe)),
            reraise=True,
        )
        return await retrying(attempt)


def _is_worth(error: BaseException, safe: bool) -> bool:
    if not isinstance(error, _PASSING) or isinstance(error, Barred):
        return False
    if error.retry_after is not None and error.retry_after > SHORT_WAIT:
        return False
    return safe or not error.uncertain


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after if isinstance(error, ServiceError) else None
    return _backoff(state) if told is None else max(told, 0.05)
