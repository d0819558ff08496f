"""How long mail of the outbox still waits, whatever is done to the clock of this machine meanwhile.

Closes the trap of a mail that hangs because the clock was set back: ten seconds to take it back, or
the minute until the next try, would last as long as the clock was wrong. Such a wait is never longer
than it was meant to be, by time that was seen to pass; a schedule is a time of day, and stays one.
Used on one loop.
"""

from __future__ import annotations

from collections.abc import Callable

from services.outbound.outbox.outbox_documents import OutboxEntry


class Waits:
    """The waits of one outbox, for one process; `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self._passed = 0.0
        """Seconds that the clock went on since then: steps back do not count."""
        self._ends: dict[str, dict[int, float]] = {}
        """By entry and moment: when its wait is over, as a count of passed seconds."""

    def until_tried(self, entry: OutboxEntry) -> float:
        """Return the seconds until it is tried again, 0 for now."""
        return self._left(entry, entry.next_try, entry.next_try - entry.changed_at)

    def until_sent(self, entry: OutboxEntry) -> float:
        """Return the seconds until it may leave, 0 for now."""
        if entry.is_scheduled:
            left = max(0.0, entry.send_at - self._clock())
        else:
            left = self._left(entry, entry.send_at, entry.send_at - entry.queued_at)
        return max(left, self.until_tried(entry))

    def look(self) -> float:
        """Look at the clock, as often as possible; return what it says."""
        now = self._clock()
        self._passed += max(0.0, now - self._last)
        self._last = now
        return now

    def forget(self, entry_id: str) -> None:
        """It is settled."""
        self._ends.pop(entry_id, None)

    def _left(self, entry: OutboxEntry, moment: int, meant: int) -> float:
        now = self.look()
        if not moment:
            return 0.0
        ends = self._ends.get(entry.entry_id, {})
        if moment not in ends:
            end = self._passed + min(moment - now, max(0, meant))
            kept = {one: at for one, at in ends.items() if one in (entry.send_at, entry.next_try)}
            ends = self._ends[entry.entry_id] = kept | {moment: end}
        return max(0.0, min(moment - now, ends[moment] - self._passed))
