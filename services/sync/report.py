"""What the mailbox tells: snapshots, the state of sync, notices; never more often than is useful.

Closes the trap of progress that costs more than the work: a walk over 1,000 pages publishes four
snapshots a second, and always one at the end. What the operator did is published at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from services.errors import (
    MailError,
    Offline,
    RateLimited,
    ServerBroken,
    SignedOut,
    TimedOut,
)
from services.events import Event, MailboxChanged, Notice, Severity, SyncStateChanged
from services.models import SyncPhase, SyncState
from services.safe_text import EMPTY, SafeText, clean_line
from services.sync.pace import Pace

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.cache.store import MailStore


class Throttle:
    """Runs an action at most once in an interval, and once more for what came in between."""

    def __init__(self, action: Callable[[], None], interval: float) -> None:
        self._action = action
        self._interval = interval
        self._earliest = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def soon(self) -> None:
        """Run the action now, or when the interval is over (needs a running loop)."""
        if self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        wait = self._earliest - loop.time()
        if wait <= 0:
            self.now(loop.time())
        else:
            self._timer = loop.call_later(wait, self.flush)

    def now(self, time: float | None = None) -> None:
        """Run the action whatever the interval says."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if time is not None:
            self._earliest = time + self._interval
        self._action()

    def flush(self) -> None:
        """Run the action if it is waiting."""
        if self._timer is not None:
            self.now(asyncio.get_running_loop().time())


class Reporter:
    """Emits what happened to one mailbox; `snapshot` and `state` are the latest told."""

    def __init__(
        self,
        store: MailStore,
        emit: Callable[[Event], None],
        clock: Callable[[], float],
        pace: Pace,
    ) -> None:
        self._store = store
        self._clock = clock
        self.emit = emit
        self.state = SyncState()
        self.snapshot: MailSnapshot = store.snapshot()
        self._snapshots = Throttle(self._publish, pace.publish)
        self._states = Throttle(self._tell_state, pace.publish)

    # ── snapshots ────────────────────────────────────────────────────────────────────────────────

    def publish_now(self) -> None:
        """Publish what is committed: for what the operator did and for the end of a walk."""
        self._snapshots.now()

    def publish_soon(self) -> None:
        """Publish what is committed within the interval."""
        self._snapshots.soon()

    def flush(self) -> None:
        """Tell what is still held back."""
        self._snapshots.flush()
        self._states.flush()

    def _publish(self) -> None:
        self.snapshot = self._store.snapshot()
        self.emit(MailboxChanged(self.snapshot.counts))

    # ── the state of sync ────────────────────────────────────────────────────────────────────────

    def phase(self, phase: SyncPhase, sentence: SafeText = EMPTY, **fields: Any) -> None:
        """Tell a phase; `since` moves only when the phase is another one."""
        since = self.state.since if phase is self.state.phase else int(self._clock())
        state = replace(
            self.state,
            phase=phase,
            sentence=sentence,
            looking=False,
            **{"since": since, "next_try": 0, **fields},
        )
        if state != self.state:
            self.state = state
            self._states.now()

    def looking(self) -> None:
        """Tell that a look has been asked for; the next phase ends that."""
        if not self.state.looking:
            self.state = replace(self.state, looking=True)
            self._states.now()

    def progress(self, fetched: int) -> None:
        """Tell how far a walk has come."""
        self.state = replace(self.state, fetched=fetched)
        self._states.soon()

    def waiting(self, count: int) -> None:
        """Tell how many local changes the service has not confirmed."""
        if count != self.state.waiting:
            self.state = replace(self.state, waiting=count)
            self._states.soon()

    def waiting_now(self, count: int) -> None:
        """Tell it at once, for what the operator did."""
        if count != self.state.waiting:
            self.state = replace(self.state, waiting=count)
            self._states.now()

    def trouble(self, error: MailError, next_try: float = 0.0) -> None:
        """Tell why there is no sync and when it is tried again (seconds since the epoch)."""
        sentence = clean_line(str(error))
        self.phase(_phase_of(error), sentence, next_try=int(next_try))

    def _tell_state(self) -> None:
        self.emit(SyncStateChanged(self.state))

    # ── notices ──────────────────────────────────────────────────────────────────────────────────

    def notice(
        self,
        sentence: SafeText,
        severity: Severity = Severity.INFO,
        *,
        next_step: SafeText = EMPTY,
        request_id: int = 0,
        undoable: bool = False,
    ) -> None:
        """Tell a sentence for the status line."""
        self.emit(Notice(sentence, severity, request_id, next_step, undoable))


def _phase_of(error: MailError) -> SyncPhase:
    match error:
        case Offline() | TimedOut():
            return SyncPhase.OFFLINE
        case RateLimited() | ServerBroken():
            return SyncPhase.BUSY
        case SignedOut():
            return SyncPhase.SIGNED_OUT
        case _:
            return SyncPhase.FAILED
