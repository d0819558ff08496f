"""Turns SIGTERM and SIGINT into an orderly end, at every moment from the first file to the last.

Closes the trap of a handler that lives as long as the event loop: a signal while sample mail is
being made, or while temporary data is being removed, would kill the process and leave the data
behind.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import Final

_ENDS: Final = (signal.SIGTERM, signal.SIGINT)


class Interrupted(BaseException):
    """The process was asked to end before it served."""


class EndSignals:
    """What happens when the process is asked to end; main thread only, installed for good."""

    def __init__(self) -> None:
        self._react: Callable[[], object] = self._interrupt
        for number in _ENDS:
            signal.signal(number, self._received)

    def call(self, react: Callable[[], object]) -> None:
        """From now on call this instead of interrupting."""
        self._react = react

    def ignore(self) -> None:
        """From now on do nothing: the end is under way."""
        self._react = lambda: None

    def _received(self, _number: int, _frame: FrameType | None) -> None:
        self._react()

    def _interrupt(self) -> None:
        self.ignore()
        raise Interrupted
