"""The terminal's end: noticing it, and reading keys without dying of one odd byte.

Closes three traps of the stock driver: at end-of-file its input thread spins at full load, a byte that is
not UTF-8 ends the program with a traceback, and SIGCONT starts a second pair of terminal threads. The
kernel sends SIGCONT with every hang-up, so that the first pair could outlive the program's end.
"""

from __future__ import annotations

import os
import select
import selectors
import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from typing import Final

from tui.lean_driver import LeanDriver
from tui.paste_parser import PasteParser

_ONE_READ: Final = 65_536
_LOOK_SECONDS: Final = 0.1
"""How often a sequence that does not go on, and the end of reading, are noticed."""


class SteadyDriver(LeanDriver):
    """Our driver with an input thread that goes on after odd bytes and ends in silence."""

    def _sigcont_application(self, *_: object) -> None:
        if self._must_signal_resume:
            super()._sigcont_application()

    def _run_input_thread(self) -> None:
        while not self.exit_event.is_set():
            try:
                self.run_input_thread()
            except OSError:
                # The terminal is gone; `watch` has noticed.
                return

    def run_input_thread(self) -> None:
        """Hand on what is typed until the terminal is somebody else's; OSError when it is gone."""
        parser = PasteParser(self._debug)
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                for _ in selector.select(_LOOK_SECONDS):
                    data = os.read(self.fileno, _ONE_READ)
                    if not data:
                        raise OSError("end of file")
                    for message in parser.feed(decode(data)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)


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
