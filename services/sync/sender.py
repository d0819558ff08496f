"""Sends local changes in the background: in order for each message, a few requests at a time.

Closes these traps: a change that is refused must not stay on the screen; one that met a broken
connection must not be lost; a service that is down must not be stormed; one message that the
service cannot handle must not hold up the others; and a refusal is not believed while an earlier try
may have been carried out and only its answer was lost.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
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
from services.sync.batches import Batches, Told, is_about_one, send_edit, send_together
from services.sync.changes import Changes
from services.sync.edits import Edit, EditKind
from services.sync.journal import Row, RowState
from services.sync.pace import Pace

AT_ONCE: Final = 4
"""Requests under way at the same time; one while the service is in trouble."""
_WHOLE_TRIES: Final = 2
"""So often a group is sent whole while the service stumbles, before it is tried in halves."""
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


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of rows that were sent: how many are settled, and the error that keeps them."""

    settled: int = 0
    error: MailError | None = None


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
        self._requests = 0
        self._batches = Batches()
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
        self._requests = 0
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
        while self._heap and self._requests < (1 if self._failures else AT_ONCE):
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
            rows = self._batches.together(self.provider, row, self._due(now))
            for other in rows[1:]:
                del self._scheduled[other.message_id]
            self._in_flight.update(one.message_id for one in rows)
            self._requests += 1
            group.create_task(self._work(rows))

    def _due(self, now: float) -> Iterator[Row]:
        for message_id, when in self._scheduled.items():
            row = self._changes.next_row(message_id)
            if row is not None and not self._left(when, now) and not self._left(row.due, now):
                yield row

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

    async def _work(self, rows: Sequence[Row]) -> None:
        try:
            await self._attempt(rows)
        finally:
            self._requests -= 1
            for row in rows:
                self._in_flight.discard(row.message_id)
            for row in rows:
                self._schedule(row.message_id)
            self._wake.set()

    # ── at once ──────────────────────────────────────────────────────────────────────────────────

    async def flush(self) -> Flushed:
        """Send everything that waits, deletions too, one request at a time; for callers without `run`.

        Raises the first error that keeps a change waiting; what was sent until then is sent.
        """
        sent = 0
        refused: list[Refusal] = []
        keep, self.on_refused = self.on_refused, refused.append
        todo = dict.fromkeys(self._changes.journal.open_ids())
        try:
            while todo:
                first, *others = todo
                row = self._changes.next_row(first)
                if row is None:
                    del todo[first]
                    continue
                following = filter(None, map(self._changes.next_row, others))
                outcome = await self._attempt(self._batches.together(self.provider, row, following))
                if outcome.error is not None:
                    raise outcome.error
                sent += outcome.settled
        finally:
            self.on_refused = keep
        return Flushed(sent - len(refused), tuple(refused))

    # ── one request ──────────────────────────────────────────────────────────────────────────────

    async def _attempt(self, rows: Sequence[Row]) -> _Outcome:
        """Send rows that say the same, each of another message, and note the answer."""
        self._mark(rows)
        provider = self.provider
        try:
            if provider is None:
                raise Offline("There is no connection to the mail service.")
            told = await self._send(provider, rows)
        except _PASSING as error:
            self._postpone(rows, error)
            return _Outcome(error=error)
        except SignedOut as error:
            # A late answer to a former token says nothing about the one in use now.
            if self.provider is provider:
                self._signed_out = True
                self.on_signed_out(error)
            return _Outcome(error=error)
        except MailError as error:
            settled = self._refuse(rows, error)
        else:
            settled = self._confirm(rows, told)
        self._failures = 0
        for row in settled:
            self._maybe_done.discard(row.message_id)
            self._tries.pop(row.message_id, None)
            self._not_before.pop(row.message_id, None)
            self._batches.settled(row.message_id)
        self.on_change()
        return _Outcome(len(settled))

    def _mark(self, rows: Sequence[Row]) -> None:
        if rows[0].edit.kind is EditKind.DELETE:
            with self._changes.commit():
                for row in self._changes.still_open(rows):
                    self._changes.mark_sent(row)

    async def _send(self, provider: MailProvider, rows: Sequence[Row]) -> Told:
        if len(rows) == 1:
            return {rows[0].message_id: await self._send_one(provider, rows[0])}
        ids = [row.message_id for row in rows]
        unheard = set(ids) - self._maybe_done
        self._maybe_done.update(ids)
        try:
            return await send_together(provider, ids, rows[0].edit)
        except MailError as error:
            if not (isinstance(error, ServiceError) and error.uncertain):
                self._maybe_done -= unheard
            raise

    def _confirm(self, rows: Sequence[Row], told: Told) -> Sequence[Row]:
        """Note what was done, and return it; who is not named in an answer is asked about alone."""
        found = [row for row in rows if row.message_id in told]
        with self._changes.commit():
            for row in self._changes.still_open(found):
                self._changes.confirmed(row, told[row.message_id])
        self._batches.part(row for row in rows if row.message_id not in told)
        return found

    def _refuse(self, rows: Sequence[Row], error: MailError) -> Sequence[Row]:
        """Settle what is refused, and return it; of several it may be one that is to blame."""
        if len(rows) == 1:
            for row in self._changes.still_open(rows):
                self._settle(row, error)
            return rows
        self._unmark(rows, error)
        if not isinstance(error, Forbidden):
            self._batches.halve(rows)
            return ()
        # What the key may not do, it may do to none of them; but an earlier try may have been heard.
        refused = [row for row in rows if row.message_id not in self._maybe_done]
        with self._changes.commit():
            for row in self._changes.still_open(refused):
                self._settle(row, error)
        self._batches.part(row for row in rows if row.message_id in self._maybe_done)
        return refused

    # ── one row ──────────────────────────────────────────────────────────────────────────────────

    async def _send_one(self, provider: MailProvider, row: Row) -> tuple[str, ...]:
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

    def _postpone(self, rows: Sequence[Row], error: ServiceError) -> None:
        now = self._clock()
        self._unmark(rows, error)
        if not self._left(self._paused_until, now):
            # Four requests that meet the same outage are one failure.
            self._failures += 1
            self._paused_until = now + self._pace.retry_delay(self._failures, error)
        tries = 1 + max(self._tries.get(row.message_id, 0) for row in rows)
        again = now + self._pace.retry_delay(tries, error)
        for row in rows:
            self._tries[row.message_id] = tries
            self._not_before[row.message_id] = again
        if len(rows) > 1 and tries >= _WHOLE_TRIES and is_about_one(error):
            self._batches.halve(rows)

    def _unmark(self, rows: Sequence[Row], error: MailError) -> None:
        """Deletions that certainly did not happen can be taken back again."""
        is_uncertain = isinstance(error, ServiceError) and error.uncertain
        if is_uncertain or rows[0].edit.kind is not EditKind.DELETE:
            return
        with self._changes.commit():
            for row in self._changes.still_open(rows):
                if row.state is RowState.WAITING:
                    self._changes.mark_unsent(row)


def _ignore(_: object) -> None:
    """Nobody listens."""
