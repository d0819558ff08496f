"""The requests that are being answered: each in a task of its own, so none waits for another.

Closes two traps: an answer about something that the operator has left already (a newer request of
some kinds cancels the older one), and a request that fails without a word: every failure becomes a
`RequestFailed` that carries the request's id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from typing import Any

from services.errors import MailError
from services.events import Event, KeyRequest, OutboundRequest, RequestFailed
from services.requests import OpenMessage, OwnRequest, SearchServer
from services.safe_text import EMPTY, clean_line

Answer = Callable[[int, OwnRequest], Awaitable[None]]
"""Carries out a request and emits what answers it; raises MailError."""


class UnderWay:
    """The tasks of the requests that were taken; `boundary` survives what no one foresaw."""

    def __init__(
        self,
        answer: Answer,
        emit: Callable[[Event], None],
        boundary: Callable[[int], AbstractContextManager[None]],
    ) -> None:
        self._answer = answer
        self._emit = emit
        self._boundary = boundary
        self._tasks: set[asyncio.Task[None]] = set()
        self._latest: dict[type, asyncio.Task[None]] = {}
        self._vital: set[asyncio.Task[None]] = set()

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way."""
        return bool(self._tasks)

    def take(self, request_id: int, request: OwnRequest) -> None:
        """Start to answer a request; never blocks."""
        latest_only = isinstance(request, OpenMessage | SearchServer) or (
            isinstance(request, KeyRequest | OutboundRequest) and request.latest_only
        )
        if latest_only:
            older = self._latest.pop(type(request), None)
            if older is not None:
                older.cancel()
        task = self.begin(self._carry_out(request_id, request))
        if latest_only:
            self._latest[type(request)] = task
        if is_vital(request):
            self._vital.add(task)
            task.add_done_callback(self._vital.discard)

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start work that `close` cancels."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def finish(self, seconds: float) -> None:
        """Wait until the vital requests are carried out, but no longer than this."""
        if self._vital:
            await asyncio.wait(tuple(self._vital), timeout=seconds)

    async def close(self) -> None:
        """Cancel what is under way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _carry_out(self, request_id: int, request: OwnRequest) -> None:
        with self._boundary(request_id):
            try:
                await self._answer(request_id, request)
            except MailError as error:
                self._emit(failure(request_id, request, error))


def is_vital(request: object) -> bool:
    """Tell whether a request is carried out even when the program is about to stop."""
    return isinstance(request, OutboundRequest) and request.is_vital


def failure(request_id: int, request: object, error: MailError) -> RequestFailed:
    """Return the event that tells why a request was not answered."""
    return RequestFailed(
        request_id,
        clean_line(error.sentence),
        clean_line(error.next_step) if error.next_step else EMPTY,
        getattr(request, "message_id", ""),
    )
