"""The own keys that are open now, and when they close by themselves.

Closes two traps: keys that stay open because nobody is there to close them (they lock when idle, by
the wall clock, so a laptop that slept locks as it wakes), and a `keys lock` in another terminal that
does nothing to the app. Whoever has open keys holds a shared lock on one file and looks whether it
was touched; whoever wants them closed touches it and sees the lock go.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.crypto.own import UnlockedKey
from services.paths import private_folder

IDLE_SECONDS: Final = 15 * 60
_LOOK: Final = 0.05


class UnlockedKeys:
    """The open keys; `marker` is the file by which other processes ask to lock."""

    def __init__(
        self, marker: Path, *, idle_seconds: float = IDLE_SECONDS, clock: Callable[[], float]
    ) -> None:
        self._marker = marker
        self._idle = idle_seconds
        self._clock = clock
        self._open: tuple[UnlockedKey, ...] = ()
        self._used = 0.0
        self._descriptor = -1
        self._touched = 0

    def add(self, key: UnlockedKey) -> None:
        """Hold an open key, in place of an older opening of the same."""
        if self._descriptor < 0:
            self._hold_marker()
        older = self.get(key.fingerprint)
        # Replaced, never changed: other threads look at it.
        self._open = (*(one for one in self._open if one is not older), key)
        self._used = self._clock()
        if older is not None:
            older.close()

    def use(self) -> tuple[UnlockedKey, ...]:
        """Return all open keys; that counts as use and puts the locking off."""
        if self._open:
            self._used = self._clock()
        return self._open

    def has(self, fingerprint: str) -> bool:
        """Tell whether a key is open, without using it."""
        return self.get(fingerprint) is not None

    def get(self, fingerprint: str) -> UnlockedKey | None:
        """Return an open key, without counting it as use."""
        return next((one for one in self._open if one.fingerprint == fingerprint), None)

    @property
    def locks_at(self) -> int:
        """When the keys close by themselves, seconds since the epoch; 0 when none is open."""
        return int(self._used + self._idle) if self._open else 0

    @property
    def is_due(self) -> bool:
        """They have been idle for too long, or another process asks to lock."""
        if not self._open:
            return False
        now = self._clock()
        # A clock that was set back must not keep them open longer.
        return not self._used <= now + 1 <= self._used + self._idle or self._is_asked()

    def close(self) -> bool:
        """Forget all open keys; True when there were any."""
        closing, self._open = self._open, ()
        for key in closing:
            key.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        return bool(closing)

    def _hold_marker(self) -> None:
        # Without the marker (a full disk) only `keys lock` from elsewhere is lost.
        with suppress(OSError):
            private_folder(self._marker.parent)
            self._descriptor = _open(self._marker)
            fcntl.flock(self._descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            self._touched = os.fstat(self._descriptor).st_mtime_ns

    def _is_asked(self) -> bool:
        return self._descriptor >= 0 and os.fstat(self._descriptor).st_mtime_ns != self._touched


def lock_elsewhere(marker: Path, seconds: float = 5.0) -> bool | None:
    """Ask every process that has open keys to lock; blocks at most `seconds`.

    Returns None when nobody had any, True when all have locked, False when one did not answer.
    """
    if not marker.exists():
        return None
    descriptor = _open(marker)
    try:
        if _is_free(descriptor):
            return None
        os.utime(descriptor)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(_LOOK)
            if _is_free(descriptor):
                return True
        return False
    finally:
        os.close(descriptor)


def _open(marker: Path) -> int:
    return os.open(marker, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
