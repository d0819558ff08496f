"""Sends local changes in the background: in order for each message, a few messages at a time.

Closes these traps: a change that is refused must not stay on the screen; one that met a broken
connection must not be lost; a service that is down must not be stormed; one message that the
service cannot handle must not hold up the others; and a refusal is not believed while an earlier try
may have been carried out and only its answer was lost.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

from services.errors import (
    BadAnswer,
    Conflict,
    MailError,
    NotFound,
    Offline,
    RateLimited,
    ServerBroken,
    ServiceError,
    SignedOut,
    TimedOut,
)
from services.ports import MailProvider
from services.sync import edits
from services.sync.changes import Changes
from services.sync.edits import Edit, EditKind
from services.sync.journal import Row, RowState
from services.sync.pace import Pace

AT_ONCE: Final = 4
"""Messages that are worked on at the same time; one while the service is in trouble."""
_PASSING: Final = (Offline, TimedOut, RateLimited, ServerBroken, BadAnswer)
"""Errors after which the same request is sent again: all operations are idempotent."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A change of one message that the service will not do; `gone` when the message is not there."""

    change: int
    message_id: str
    edit: Edit
    error: MailError
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Flushed:
    """What `flush` did: rows that the service has now, and those that it refused."""

    sent: int
    refused: tuple[Refusal, ...]


async def send_edit(provider: MailProvider, message_id: str, edit: Edit) -> tuple[str, ...]:
    """Send one operation; return the labels that the service tells, empty when it tells none."""
    match edit.kind:
        case EditKind.READ:
            await provider.patch_message_read(message_id, is_read=edit.value)
        case EditKind.ARCHIVE:
            await provider.patch_message_archive(message_id, archived=edit.value)
        case EditKind.LABELS:
            return await provider.patch_message_labels(message_id, add=edit.add, remove=edit.remove)
        case EditKind.DELETE:
            await provider.delete_message(message_id)
    return ()


class Sender:
    """Works through the open rows of `changes`; `provider` None means to wait for one.

    `before_sending` lets what the operator waits for go first.
    """

    def __init__(
        self,
        changes: Changes,
        clock: Callable[[], float],
        pace: Pace,
        before_sending: Callable[[], Awaitable[None]],
    ) -> None:
        self._changes = changes
        self._clock = clock
        self._pace = pace
        self._before_sending = before_sending
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = count()
        self._scheduled: dict[str, float] = {}
        self._in_flight: set[str] = set()
        # What a former run left open may have been on its way when that run ended.
        self._maybe_done: set[str] = set(changes.journal.open_ids())
        self._tries: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._failures = 0
        self._paused_until = 0.0
        self._signed_out = False
        self._wake = asyncio.Event()
        self.provider: MailProvider | None = None
        self.on_change: Callable[[], None] = lambda: None
        """Called after each answer that changed something."""
        self.on_refused: Callable[[Refusal], None] = _ignore
        self.on_signed_out: Callable[[SignedOut], None] = _ignore
        changes.on_open = self._schedule

    def is_in_flight(self, row: Row) -> bool:
        """Say whether the row's own request is under way."""
        return row.message_id in self._in_flight and self._is_next(row)

    def may_have_left(self, row: Row) -> bool:
        """Say whether the service may have heard of the row, by a request under way or lost."""
        has_left = row.message_id in self._in_flight or row.message_id in self._maybe_done
        return has_left and self._is_next(row)

    def _is_next(self, row: Row) -> bool:
        following = self._changes.next_row(row.message_id)
        return following is not None and following.number == row.number

    def connected(self, provider: MailProvider | None = None) -> None:
        """The service answers (again), perhaps through a new provider: try what waits now."""
        if provider is not None:
            self.provider = provider
            self._signed_out = False
        self._failures = 0
        self._paused_until = 0.0
        self._wake.set()

    # ── in the background ────────────────────────────────────────────────────────────────────────

    async def run(self) -> None:
        """Send for ever; ends by cancellation, then what was under way stays in the journal."""
        self._in_flight.clear()
        for message_id in self._changes.journal.open_ids():
            self._schedule(message_id)
        async with asyncio.TaskGroup() as group:
            while True:
                await self._before_sending()
                self._wake.clear()
                wait = self._launch(group)
                try:
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                except TimeoutError:
                    continue

    def _launch(self, group: asyncio.TaskGroup) -> float | None:
        """Start what is due and return the seconds until something else is; None for a wake-up."""
        if self.provider is None or self._signed_out:
            return None
        now = self._clock()
        if pause := self._left(self._paused_until, now):
            return pause
        while self._heap and len(self._in_flight) < (1 if self._failures else AT_ONCE):
            when, _, message_id = self._heap[0]
            if self._scheduled.get(message_id) != when:
                heapq.heappop(self._heap)
                continue
            if wait := self._left(when, now):
                return wait
            heapq.heappop(self._heap)
            del self._scheduled[message_id]
            self._start(message_id, now, group)
        return None

    def _left(self, when: float, now: float) -> float:
        """Return the seconds until `when`; 0 also for what only a clock set back can explain."""
        return when - now if 0 < when - now <= self._pace.longest_wait else 0.0

    def _start(self, message_id: str, now: float, group: asyncio.TaskGroup) -> None:
        row = self._changes.next_row(message_id)
        if row is not None and self._left(row.due, now):
            self._schedule(message_id)
        elif row is not None:
            self._in_flight.add(message_id)
            group.create_task(self._work(row))

    def _schedule(self, message_id: str) -> None:
        row = self._changes.next_row(message_id)
        if row is None or message_id in self._in_flight:
            return
        when = max(row.due, self._not_before.get(message_id, 0.0))
        if when >= self._scheduled.get(message_id, float("inf")):
            return
        self._scheduled[message_id] = when
        heapq.heappush(self._heap, (when, next(self._numbers), message_id))
        self._wake.set()

    async def _work(self, row: Row) -> None:
        try:
            await self._attempt(row)
        finally:
            self._in_flight.discard(row.message_id)
            self._schedule(row.message_id)
            self._wake.set()

    # ── at once ──────────────────────────────────────────────────────────────────────────────────

    async def flush(self) -> Flushed:
        """Send everything that waits, deletions too, one by one; for callers without `run`.

        Raises the first error that keeps a change waiting; what was sent until then is sent.
        """
        sent = 0
        refused: list[Refusal] = []
        keep, self.on_refused = self.on_refused, refused.append
        try:
            for message_id in self._changes.journal.open_ids():
                while (row := self._changes.next_row(message_id)) is not None:
                    error = await self._attempt(row)
                    if error is not None:
                        raise error
                    sent += 1
        finally:
            self.on_refused = keep
        return Flushed(sent - len(refused), tuple(refused))

    # ── one row ──────────────────────────────────────────────────────────────────────────────────

    async def _attempt(self, row: Row) -> MailError | None:
        """Send one row and note the answer; return the error that keeps it waiting, if any."""
        if row.edit.kind is EditKind.DELETE:
            self._changes.mark_sent(row)
        provider = self.provider
        try:
            if provider is None:
                raise Offline("There is no connection to the mail service.")
            labels = await self._send(provider, row)
        except _PASSING as error:
            self._postpone(row, error)
            return error
        except SignedOut as error:
            # A late answer to a former token says nothing about the one in use now.
            if self.provider is provider:
                self._signed_out = True
                self.on_signed_out(error)
            return error
        except MailError as error:
            self._settle(row, error)
        else:
            self._changes.confirmed(row, labels)
        self._failures = 0
        self._maybe_done.discard(row.message_id)
        self._tries.pop(row.message_id, None)
        self._not_before.pop(row.message_id, None)
        self.on_change()
        return None

    async def _send(self, provider: MailProvider, row: Row) -> tuple[str, ...]:
        """Send one row; raises a refusal only when an earlier try was not carried out either."""
        message_id = row.message_id
        was_sent = message_id in self._maybe_done
        self._maybe_done.add(message_id)
        try:
            return await send_edit(provider, message_id, row.edit)
        except ServiceError as error:
            if not (was_sent or error.uncertain):
                self._maybe_done.discard(message_id)
                raise
            if isinstance(error, (*_PASSING, SignedOut, NotFound)):
                raise
            told = await provider.get_message(message_id)
            if edits.changes_something(row.edit, told.item):
                raise
            return ()

    def _settle(self, row: Row, error: MailError) -> None:
        """The answer is no: find out whether that means done, gone or refused."""
        kind = row.edit.kind
        archives = kind is EditKind.ARCHIVE and row.edit.value
        if isinstance(error, NotFound):
            if kind is EditKind.DELETE:
                self._changes.confirmed(row)
                return
            refusal = Refusal(row.change, row.message_id, row.edit, error, gone=True)
            self.on_refused(refusal)
            self._changes.vanished(row.message_id)
        elif isinstance(error, Conflict) and archives:
            # "Already archived at the storage level" is what was wanted (api/assmbl.md §17 Q9).
            self._changes.confirmed(row)
        else:
            self._changes.refused(row)
            self.on_refused(Refusal(row.change, row.message_id, row.edit, error))

    def _postpone(self, row: Row, error: ServiceError) -> None:
        now, message_id = self._clock(), row.message_id
        is_first = row.state is RowState.WAITING
        if row.edit.kind is EditKind.DELETE and is_first and not error.uncertain:
            self._changes.mark_unsent(row)
        if not self._left(self._paused_until, now):
            # Four requests that meet the same outage are one failure.
            self._failures += 1
            self._paused_until = now + self._pace.retry_delay(self._failures, error)
        tries = self._tries[message_id] = self._tries.get(message_id, 0) + 1
        self._not_before[message_id] = now + self._pace.retry_delay(tries, error)


def _ignore(_: object) -> None:
    """Nobody listens."""
