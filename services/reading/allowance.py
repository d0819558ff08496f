"""How long a child may take over one request: counted in its own time, not in that of the machine.

Closes the trap of a limit on the wall clock alone: on a busy machine a child hardly gets to run, and
mail that is read in a hundredth of a second would be given up as too much.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path


class TooSlow(Exception):
    """The time is used up."""


class Allowance:
    """So many seconds of a child's own time, and no more than `longest` seconds of the wall clock.

    `own` tells the processor time that the child has used so far; None where no system tells it:
    then `seconds` are those of the wall clock.
    """

    def __init__(
        self,
        seconds: float,
        longest: float,
        own: Callable[[], float | None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._monotonic = monotonic
        self._end = monotonic() + longest
        self._look_at = monotonic() + seconds
        used = own()
        self._most = None if used is None else used + seconds

    def left(self) -> float:
        """Return for how many seconds to wait before asking again; raises TooSlow."""
        now = self._monotonic()
        if now < self._look_at:
            return self._look_at - now
        used = self._own()
        if now >= self._end or used is None or self._most is None or used >= self._most:
            raise TooSlow
        # It cannot have used up the rest of its time before that.
        self._look_at = min(now + self._most - used, self._end)
        return self._look_at - now


def own_seconds(pid: int) -> float | None:
    """Return the processor time that a process has used; None where /proc does not tell it."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        user, system = told.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
