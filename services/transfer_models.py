"""What screens show of files on their way, in either direction: plain, frozen, safe to show.

Loaded with the first file that moves, never for the first frame. Closes the trap of a row that looks
alive when nothing moves any more: what a row is doing is one of a few states, and only some of them
are under way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Protocol

from services.errors import MailError
from services.safe_text import EMPTY, SafeText


class Direction(Enum):
    """Where a file goes."""

    DOWN = "down"
    """From a mail to the disk."""
    UP = "up"
    """From the disk into a mail."""


class TransferState(Enum):
    """What becomes of a file now; the values are the words of its row."""

    QUEUED = "in line"
    """Others go first."""
    WAITING = "waiting"
    """The service still prepares it."""
    FETCHING = "fetching"
    SEALING = "preparing"
    """It is encrypted, or copied when it goes in clear."""
    UPLOADING = "uploading"
    OPENING = "opening"
    DONE = "done"
    LOCKED = "locked"
    """It waits for the passphrase."""
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Nothing more happens unless somebody asks for it."""
        return self in _OVER


_OVER = frozenset(
    {
        TransferState.DONE,
        TransferState.LOCKED,
        TransferState.FAILED,
        TransferState.CANCELLED,
    }
)


@dataclass(frozen=True, slots=True)
class TransferRow:
    """One file on its way, or at its end.

    `done` and `total` are bytes of the present step, `total` -1 when unknown; `speed` is bytes a
    second over the last few seconds, 0 when nothing can be said; `changed_at` is seconds since the
    epoch of the last change of state.
    """

    transfer_id: str
    direction: Direction
    state: TransferState
    name: SafeText
    about: SafeText = EMPTY
    """The mail: its subject, or who gets it."""
    done: int = 0
    total: int = -1
    speed: int = 0
    changed_at: int = 0
    sentence: SafeText = EMPTY
    """Where it lies now, or why not and what to do."""
    sha256: str = ""
    """In hex, of the file as it lies on the disk (down) or was uploaded (up)."""
    path: Path | None = None
    """Where it was saved; None unless it was."""
    can_cancel: bool = False
    can_retry: bool = False
    account: str = ""
    """Whose mail it is where several accounts are shown as one; "" where there is only one."""

    @property
    def percent(self) -> int | None:
        """How far the present step is; None when unknown, 100 only when the file is done."""
        if self.state is TransferState.DONE:
            return 100
        if self.total <= 0:
            return None
        return max(0, min(99, self.done * 100 // self.total))

    @property
    def seconds_left(self) -> int | None:
        """Seconds until the present step ends at this speed; None when nothing can be said."""
        if self.state.is_over or self.speed <= 0 or self.total < 0:
            return None
        return -(-max(0, self.total - self.done) // self.speed)


class TransferEntry(Protocol):
    """One file as whoever moves it reports it. To be called on the engine's loop."""

    def moved(self, state: TransferState, done: int = 0, total: int = -1) -> None:
        """It does this now and is so far in it; call it as often as you like."""
        ...

    def finished(
        self, sentence: SafeText = EMPTY, *, sha256: str = "", path: Path | None = None
    ) -> None:
        """It is where it should be."""
        ...

    def failed(self, error: MailError) -> None:
        """It is not; `error` says why."""
        ...

    def cancelled(self, sentence: SafeText = EMPTY) -> None:
        """Somebody gave it up."""
        ...


@dataclass(frozen=True, slots=True)
class TransferAbout:
    """What is known of a file before it moves.

    `transfer_id` stays the same over retries (the row is then taken up again), such as
    `up/ENTRY-ID/2`. `cancel` and `retry` are called on the engine's loop and only start what they
    do; without one the row does not offer it.
    """

    transfer_id: str
    direction: Direction
    name: SafeText
    about: SafeText = EMPTY
    total: int = -1
    cancel: Callable[[], None] | None = None
    retry: Callable[[], None] | None = None


class TransferBoard(Protocol):
    """Where files on their way are reported (`services.attachments.board`)."""

    def begin(self, about: TransferAbout) -> TransferEntry:
        """A file is to move; its row stands in line until `moved` is called."""
        ...


class Unwatched:
    """A board that nobody looks at: verbs without a screen report here."""

    def begin(self, about: TransferAbout) -> TransferEntry:  # noqa: ARG002 - nobody looks
        """Take the report and forget it."""
        return _Nobody()


class _Nobody:
    def moved(self, state: TransferState, done: int = 0, total: int = -1) -> None: ...

    def finished(
        self, sentence: SafeText = EMPTY, *, sha256: str = "", path: Path | None = None
    ) -> None: ...

    def failed(self, error: MailError) -> None: ...

    def cancelled(self, sentence: SafeText = EMPTY) -> None: ...
