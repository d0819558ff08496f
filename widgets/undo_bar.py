"""The bar of a mail that leaves in some seconds: who it goes to is behind it, how to stop it is on it.

Closes the trap of an undo that has passed while the screen still offers it: the seconds are counted
from the moment that the outbox named, and with the last one the bar is gone; they become no more when
the clock is set back, for the mail does not wait longer either.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

from textual.message import Message
from textual.timer import Timer

from services.safe_text import EMPTY, SafeText, phrase, ui
from widgets.card_view import CardView
from widgets.cells import fit
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import Part

SECOND: Final = 1.0
LONGEST: Final = 300
"""What leaves later than in so many seconds is scheduled: the outbox counts it, not this bar."""


class UndoBar(CardView):
    """One row, there only while something can be taken back."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._moment = 0
        self._until = 0.0
        self._left = 0.0
        self._key = EMPTY
        self._ticking: Timer | None = None
        self.display = False

    class Over(Message):
        """The last second has passed, or there is nothing to take back any more."""

    @property
    def seconds(self) -> int:
        """Whole seconds that are left, 0 when it is too late.

        The moment is a whole second rounded up: rounding up again would promise 11 s of 10.
        """
        left = self._until - self._clock()
        return max(1, math.floor(left)) if 0 < left <= LONGEST else 0

    def show_until(self, moment: int, key: SafeText) -> None:
        """Count down to a moment (seconds since the epoch); `key` takes the mail back."""
        self._key = key
        if moment != self._moment:
            self._moment, self._until = moment, float(moment)
            self._left = moment - self._clock()
        if self._ticking is None and self.seconds:
            self._ticking = self.set_interval(SECOND, self.tick)
        self.tick()

    def end(self) -> None:
        """There is nothing to take back any more."""
        self._moment, self._until = 0, 0.0
        self.tick()

    def tick(self) -> None:
        """Show the seconds that are left, or go."""
        left = self._until - self._clock()
        self._until -= max(0.0, left - self._left)
        self._left = min(left, self._left)
        self.display = bool(self.seconds)
        if self.display:
            self.changed()
        elif self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
            self.post_message(self.Over())

    def fitted(self, width: int) -> list[list[Part]]:
        """The seconds, and the key."""
        left = phrase("Leaves in {} s", self.seconds)
        how = phrase("   {} takes it back", self._key) if self._key else ui("")
        room = max(0, width - len(left))
        return [[(fit(left, min(len(left), width)), "strong"), (fit(how, room), "text")]]
