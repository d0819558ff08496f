"""The loop that sends: finds what is due, carries a few mails at a time, sleeps until the next.

Closes three traps: a long upload that holds up every other mail, a loop that spins on a mail which
another process works on, and a program that quits in the middle of a request without waiting for its
answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from services.errors import MailError
from services.outbound.outbox.carrying import Carrier
from services.outbound.outbox.outbox import Outbox
from services.outbound.outbox.outbox_contents import durable
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.outbound.outbox.verdicts import Look

AT_ONCE: Final = 4
"""Mails that are sealed, uploaded or sent at the same time."""
LOOK_EVERY: Final = 1.0
"""Seconds between two looks at what other processes have done."""
_LOOK_AGAIN: Final = 15.0
"""The same for a look at a sent mail, while there is no connection."""
_LOOK_SECONDS: Final = 10.0
"""How long a verb waits for such looks at its end."""
_AGAIN: Final = 1.0
"""Seconds after which a mail that could not be taken on is looked at again."""

_log = logging.getLogger("agentmail.outbound")
_log.addHandler(logging.NullHandler())


def _unheard(_error: MailError) -> None:
    """Nobody listens."""


class Sending:
    """Sends the mail of one outbox; `refresh` takes in what other processes have saved."""

    def __init__(
        self,
        outbox: Outbox,
        carrier: Carrier,
        refresh: Callable[[], int],
        clock: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._carrier = carrier
        self._refresh = refresh
        self._clock = clock
        self._wake = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}
        self._open: tuple[OutboxEntry, ...] = ()
        self._owed: tuple[Look, ...] = ()
        self._gone: set[str] = set()
        """Settled since the last look, and not known to be cleared up after."""
        self._version = -1
        self._fault: BaseException | None = None
        """What went wrong inside while a mail was carried: whoever sends raises it."""
        self._is_ending = False
        self.on_trouble: Callable[[MailError], None] = _unheard
        """Told when the disk refuses: nothing of it can be part of an entry then; and of alarms."""
        carrier.looks.alarm = lambda error: self.on_trouble(error)

    def nudge(self) -> None:
        """Look again at once."""
        self._not_before.clear()
        self._wake.set()

    async def run(self) -> None:
        """Send what is due, for ever; MailError when the outbox itself cannot be used."""
        while not self._is_ending:
            self._wake.clear()
            for entry_id in self._due(await durable(self._look)):
                self._start(entry_id)
            self._start_looks()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._wake.wait()
            self._check()

    async def push(self, entry_ids: Iterable[str], seconds: float) -> tuple[OutboxEntry, ...]:
        """Send these now; return how they stand when nothing more happens soon, or time is up.

        A mail that waits for its schedule, for a connection or for a person is not waited for.
        """
        wanted = tuple(entry_ids)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            open_now = await durable(self._look)
            mine = [entry for entry in open_now if entry.entry_id in wanted]
            if not any(self._moves_soon(entry) for entry in mine):
                break
            due = [entry_id for entry_id in self._due(tuple(mine)) if entry_id in wanted]
            for entry_id in due:
                self._start(entry_id)
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_AGAIN):
                    await self._wake.wait()
            self._check()
        await self._finish_looks(min(until - time.monotonic(), _LOOK_SECONDS))
        self._check()
        return await durable(lambda: tuple(self._outbox.get(one) for one in wanted))

    def stop(self, entry_ids: Iterable[str]) -> None:
        """Give up what is being prepared of these; what is on the wire goes on."""
        for entry_id in entry_ids:
            task = self._tasks.get(entry_id)
            if task is not None and entry_id not in self._carrier.on_wire:
                task.cancel()

    async def finish(self, seconds: float) -> None:
        """End; what is on the wire gets so many seconds, the rest is taken up another time."""
        self._is_ending = True
        self._wake.set()
        self.stop(tuple(self._tasks))
        tasks = tuple(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await durable(self._clear_up)

    # ── what is due ──────────────────────────────────────────────────────────────────────────────

    def _look(self) -> tuple[OutboxEntry, ...]:
        version = self._refresh()
        if version != self._version:
            self._outbox.own_up()
            self._owed = self._carrier.around.verdicts.owed()
            was_open = {entry.entry_id for entry in self._open}
            self._open, self._version = self._outbox.open(), version
            self._gone |= was_open - {entry.entry_id for entry in self._open}
        self._clear_up()
        return self._open

    def _clear_up(self) -> None:
        self._gone = {one for one in self._gone if not self._carrier.clear_up(one)}

    def _due(self, entries: tuple[OutboxEntry, ...]) -> list[str]:
        """Return what to begin with now, no more than may go on at once."""
        moment = time.monotonic()
        self._carrier.waits.look()
        found = [
            entry.entry_id
            for entry in entries
            if entry.entry_id not in self._tasks
            and self._not_before.get(entry.entry_id, 0.0) <= moment
            and self._is_due(entry)
            and not self._is_held(entry)
        ]
        return found[: max(0, AT_ONCE - len(self._tasks))]

    def _is_due(self, entry: OutboxEntry) -> bool:
        waits = self._carrier.waits
        match entry.state:
            case OutboxState.PENDING:
                # Asked in any case: the delay is counted from the first look on.
                has_waited = not waits.until_sent(entry)
                if not entry.is_sealed or self._is_over(entry):
                    return not waits.until_tried(entry)
                return has_waited
            case OutboxState.UNCERTAIN:
                is_time = not waits.until_tried(entry) or self._carrier.is_too_late(entry)
                return self._carrier.moves_alone(entry) and is_time
            case OutboxState.CLAIMED:
                # Another process is at it, or was: its lock tells.
                return True
        return False

    def _is_over(self, entry: OutboxEntry) -> bool:
        return 0 < entry.expires_at <= self._clock()

    def _is_held(self, entry: OutboxEntry) -> bool:
        """Another one of its batch has to be sealed, or its oversight copy has to leave, first."""
        if entry.state is not OutboxState.PENDING or not entry.is_sealed:
            return False
        return any(
            other.idempotency_key == entry.copy_key
            or (other.batch == entry.batch and not other.is_sealed)
            for other in self._open
        )

    def _moves_soon(self, entry: OutboxEntry) -> bool:
        if entry.entry_id in self._tasks or entry.state is OutboxState.CLAIMED:
            return True
        return self._is_due(entry) and not self._is_held(entry)

    # ── carrying ─────────────────────────────────────────────────────────────────────────────────

    def _start(self, entry_id: str) -> None:
        self._begin(entry_id, self._carry(entry_id))

    def _begin(self, entry_id: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[entry_id] = task
        task.add_done_callback(lambda _: self._ended(entry_id, task))

    def _start_looks(self) -> None:
        """Look at sent mail of which nobody knows yet how it left, as at that of a former life."""
        now, moment = self._clock(), time.monotonic()
        for look in self._owed:
            entry_id, is_free = look.entry_id, len(self._tasks) < AT_ONCE
            waits = self._not_before.get(entry_id, 0.0) > moment or look.next_try > now
            if is_free and not waits and entry_id not in self._tasks:
                self._begin(entry_id, self._look_at(entry_id))

    async def _finish_looks(self, seconds: float) -> None:
        self._start_looks()
        owed = {look.entry_id for look in self._owed}
        tasks = [task for entry_id, task in self._tasks.items() if entry_id in owed]
        if tasks and seconds > 0:
            await asyncio.wait(tasks, timeout=seconds)

    async def _look_at(self, entry_id: str) -> None:
        self._not_before[entry_id] = time.monotonic() + _LOOK_AGAIN
        try:
            await self._carrier.look_again(entry_id)
        except MailError as error:
            self.on_trouble(error)

    def _ended(self, entry_id: str, task: asyncio.Task[None]) -> None:
        del self._tasks[entry_id]
        if not task.cancelled():
            self._fault = task.exception() or self._fault
        self._wake.set()

    def _check(self) -> None:
        """Raise what went wrong inside, once: nobody else would ever read of it."""
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault

    async def _carry(self, entry_id: str) -> None:
        version = self._version
        try:
            entry = await self._carrier.carry(entry_id)
        except MailError as error:
            _log.warning("an outgoing mail waits: %s", type(error).__name__)
            self.on_trouble(error)
            entry = None
        if entry is None or version == await durable(self._refresh):
            # Nothing came of it: do not ask again at once.
            self._not_before[entry_id] = time.monotonic() + _AGAIN
        elif entry.is_settled:
            self._not_before.clear()
