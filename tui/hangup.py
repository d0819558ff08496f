"""The terminal's end: noticing it, and reading keys without dying of one odd byte.

Closes three traps of the stock driver: at end-of-file its input thread spins at full load, a byte that is
not UTF-8 ends the program with a traceback, and SIGCONT starts a second pair of terminal threads. The
kernel sends SIGCONT with every hang-up, so that the first pair could outlive the program's end.
"""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Callable

from tui.lean_driver import LeanDriver


class SteadyDriver(LeanDriver):
    """Our driver with an input thread that goes on after odd bytes and ends in silence."""

    def _sigcont_application(self, *_: object) -> None:
        if self._must_signal_resume:
            super()._sigcont_application()

    def _run_input_thread(self) -> None:
        while not self.exit_event.is_set():
            try:
                self.run_input_thread()
            except UnicodeDecodeError:
                continue
            except OSError:
                # The terminal is gone; `watch` has noticed.
                return


def watch(hung_up: Callable[[], object], descriptor: int | None = None) -> None:
    """Call `hung_up` once, from a daemon thread, when the terminal goes away."""
    number = sys.__stdin__.fileno() if descriptor is None and sys.__stdin__ else descriptor
    if number is None:
        return
    poll = select.poll()
    poll.register(number, 0)

    def wait() -> None:
        # No events asked for: only hang-up and error wake it.
        poll.poll()
        hung_up()

    threading.Thread(target=wait, name="hang-up", daemon=True).start()
