"""When a mail is to leave: a time of day, a day with a time, or so many minutes from now.

Closes the trap of a time that is read as another one: what was understood is written out in full under
the field, with the day of the week, before it is taken.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from tui.screens.field_dialog import FieldDialog, text_field
from widgets.plain import Plain

_CLOCK: Final = re.compile(r"(?:(tomorrow|\d{4}-\d{2}-\d{2}) +)?(\d{1,2}):(\d{2})")
_AFTER: Final = re.compile(r"(?:in +)?(\d{1,5}) *(m|min|minutes?|h|hours?|d|days?)")
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400}
_EXAMPLES: Final = ui("16:30 · tomorrow 09:00 · 2026-11-03 09:00 · in 2 h · empty: at once")


def read_time(text: str, now: float) -> int | None:
    """Return when somebody means, in seconds since the epoch; 0 for at once, None if unreadable.

    A time of day that has passed means tomorrow. Times are the computer's own.
    """
    words = text.strip().lower()
    if not words:
        return 0
    if (after := _AFTER.fullmatch(words)) is not None:
        return int(now) + int(after[1]) * _UNITS[after[2][0]]
    clock = _CLOCK.fullmatch(words)
    if clock is None:
        return None
    today = datetime.fromtimestamp(now)  # noqa: DTZ006 - the operator's own clock is meant
    try:
        day = today if clock[1] in (None, "tomorrow") else datetime.fromisoformat(clock[1])
        at = day.replace(hour=int(clock[2]), minute=int(clock[3]), second=0, microsecond=0)
    except ValueError:
        return None
    if clock[1] == "tomorrow" or (clock[1] is None and at <= today):
        at += timedelta(days=1)
    return int(at.timestamp())


class SendLaterDialog(FieldDialog[int]):
    """Asks for a time; returns seconds since the epoch, 0 for at once."""

    FIELDS = ("later",)

    def __init__(
        self, send_at: int, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        super().__init__(monotonic)
        self._send_at = send_at
        self._clock = clock

    def compose(self) -> ComposeResult:
        """The field and what is understood."""
        at = self._send_at
        value = time.strftime("%Y-%m-%d %H:%M", time.localtime(at)) if at else ""
        with Vertical(classes="dialog"):
            yield Plain(ui("Send later"), classes="dialog-title")
            yield Plain(_EXAMPLES, classes="dialog-line")
            yield self.row(ui("Leaves"), text_field("later", value, "at once"))
            yield from self.ending(ui("Take it"))

    def on_mount(self) -> None:
        """Say what is understood."""
        super().on_mount()
        self.say(self._understood())

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what is understood."""
        event.stop()
        self.say(self._understood())

    def answer(self) -> None:
        """Return the time, unless it has passed or cannot be read."""
        at = read_time(self.typed("later"), self._clock())
        if at == 0 or (at is not None and at > self._clock()):
            self.dismiss(at)

    def _understood(self) -> SafeText:
        now = self._clock()
        at = read_time(self.typed("later"), now)
        if at is None:
            return ui("This cannot be read as a time.") if self.typed("later") else EMPTY
        if at == 0:
            return ui("It leaves at once.")
        words = clean_line(time.strftime("%A, %-d %B %Y, %H:%M", time.localtime(at)))
        return phrase("{} has passed.", words) if at <= now else phrase("It leaves on {}.", words)
