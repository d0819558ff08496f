"""The board of files on their way: one row each, in both directions, told on as they move.

Closes three traps: a screen flooded with a report for every piece (five a second at most, the first
and every change of state at once), a speed that jumps with every piece or remembers a stall for
ever (it is measured over the last few seconds), and a list that grows without end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from services.errors import MailError
from services.events import Event
from services.progress import EVERY_SECONDS
from services.safe_text import EMPTY, SafeText, clean_line
from services.transfer_events import TransferMoved
from services.transfer_models import TransferAbout, TransferRow, TransferState

LONGEST: Final = 1_000
"""Rows kept; the oldest that are over go first."""
_WINDOW_SECONDS: Final = 4.0
_SETTLED_SECONDS: Final = 0.4
"""A speed over less time than this is a guess, and is not told."""


class Speed:
    """Bytes a second over the last few seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._seen: deque[tuple[float, int]] = deque()

    def take(self, done: int) -> int:
        """Take in how many bytes are done and return the speed; 0 while it cannot be told."""
        now, seen = self._monotonic(), self._seen
        if seen and done < seen[-1][1]:
            seen.clear()
        seen.append((now, done))
        while len(seen) > 2 and seen[1][0] < now - _WINDOW_SECONDS:
            seen.popleft()
        (begun, before) = seen[0]
        return int((done - before) / (now - begun)) if now - begun >= _SETTLED_SECONDS else 0


class Board:
    """All transfers of one engine since its start; to be used on the engine's loop only."""

    def __init__(
        self,
        emit: Callable[[Event], None],
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        longest: int = LONGEST,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._monotonic = monotonic
        self._longest = longest
        self._entries: dict[str, Entry] = {}

    def begin(self, about: TransferAbout) -> Entry:
        """Begin a row, or take up the one of that id again; it stands in line for now."""
        self._entries.pop(about.transfer_id, None)
        entry = Entry(about, self._told, self._clock, self._monotonic)
        self._entries[about.transfer_id] = entry
        self._shorten()
        entry.tell()
        return entry

    @property
    def rows(self) -> tuple[TransferRow, ...]:
        """What is under way first, in the order in which it began; then the newest first."""
        rows = [entry.row for entry in self._entries.values()]
        moving = [row for row in rows if not row.state.is_over]
        over = [row for row in reversed(rows) if row.state.is_over]
        return (*moving, *over)

    def row(self, transfer_id: str) -> TransferRow | None:
        """Return one row; None when it is not on the board."""
        entry = self._entries.get(transfer_id)
        return None if entry is None else entry.row

    def cancel(self, transfer_id: str) -> None:
        """Let whoever moves a file give it up; nothing when it is over or cannot be given up."""
        entry = self._entries.get(transfer_id)
        if entry is not None and entry.row.can_cancel and entry.about.cancel is not None:
            entry.about.cancel()

    def retry(self, transfer_id: str) -> bool:
        """Let whoever moved a file try again; False when that cannot be done."""
        entry = self._entries.get(transfer_id)
        if entry is None or not entry.row.can_retry or entry.about.retry is None:
            return False
        entry.about.retry()
        return True

    def forget(self) -> None:
        """Take what is over off the board."""
        for transfer_id in [i for i, one in self._entries.items() if one.row.state.is_over]:
            del self._entries[transfer_id]

    def _shorten(self) -> None:
        while len(self._entries) > self._longest:
            oldest = next((i for i, one in self._entries.items() if one.row.state.is_over), None)
            if oldest is None:
                return
            del self._entries[oldest]

    def _told(self, entry: Entry) -> None:
        # What was replaced by a retry or forgotten has nothing to say any more.
        if self._entries.get(entry.about.transfer_id) is entry:
            self._emit(TransferMoved(entry.row))


class Entry:
    """One row of the board, as whoever moves the file reports it."""

    def __init__(
        self,
        about: TransferAbout,
        told: Callable[[Entry], None],
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self.about = about
        self._told = told
        self._clock = clock
        self._monotonic = monotonic
        self._speed = Speed(monotonic)
        self._next = 0.0
        self.row = TransferRow(
            about.transfer_id,
            about.direction,
            TransferState.QUEUED,
            about.name,
            about.about,
            total=about.total,
            changed_at=int(clock()),
            can_cancel=about.cancel is not None,
        )

    def tell(self) -> None:
        """Tell the row as it is."""
        self._next = self._monotonic() + EVERY_SECONDS
        self._told(self)

    def moved(self, state: TransferState, done: int = 0, total: int = -1) -> None:
        """Take in what is done with the file now and how far that is."""
        if self.row.state.is_over:
            return
        changed = state is not self.row.state
        if changed:
            self._speed = Speed(self._monotonic)
        elif self._monotonic() < self._next:
            return
        total = self.row.total if total < 0 and not changed else total
        self.row = replace(
            self.row,
            state=state,
            done=done,
            total=total,
            speed=self._speed.take(done),
            changed_at=int(self._clock()) if changed else self.row.changed_at,
        )
        self.tell()

    def finished(
        self, sentence: SafeText = EMPTY, *, sha256: str = "", path: Path | None = None
    ) -> None:
        """The file is where it should be."""
        self._over(TransferState.DONE, sentence, sha256, path)

    def hashed(self, sha256: str) -> None:
        """The hash of a file that is where it should be, made afterwards."""
        if self.row.state is TransferState.DONE:
            self.row = replace(self.row, sha256=sha256)
            self.tell()

    def failed(self, error: MailError) -> None:
        """It is not, and why."""
        self._over(TransferState.FAILED, clean_line(str(error)))

    def cancelled(self, sentence: SafeText = EMPTY) -> None:
        """Somebody gave it up."""
        self._over(TransferState.CANCELLED, sentence)

    def locked(self, sentence: SafeText) -> None:
        """It waits for the passphrase."""
        self._over(TransferState.LOCKED, sentence)

    def _over(
        self, state: TransferState, sentence: SafeText, sha256: str = "", path: Path | None = None
    ) -> None:
        if self.row.state.is_over:
            return
        self.row = replace(
            self.row,
            state=state,
            speed=0,
            changed_at=int(self._clock()),
            sentence=sentence,
            sha256=sha256,
            path=path,
            can_cancel=False,
            can_retry=state is not TransferState.DONE and self.about.retry is not None,
        )
        self.tell()
