"""The ways out: quit, SIGHUP, SIGTERM, the end of the terminal. All of them save, and none lingers.

Closes three traps. Textual alone dies with what was not saved, or spins, when the terminal goes away. A
vanished terminal can block the very write that says goodbye, so that a watchdog outside the loop has to
end the process. And Python hands a signal to the main thread alone: one that stands still, or begins to
at that moment, would never learn of it, so that another thread listens.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

SAVE_SECONDS: Final = 1.2
"""How long saving may take when the terminal is gone."""
LEAVE_SECONDS: Final = 0.6
"""How long the screen may take to close after that."""
SIGNALS: Final = (signal.SIGHUP, signal.SIGTERM)


class Leaving:
    """Ends one run of the app, from any thread, once.

    `save` stops the engine within the seconds given, `close` asks the app to leave with an exit code
    (it must be thread-safe), `die` ends the process at once.
    """

    def __init__(
        self,
        save: Callable[[float], None],
        close: Callable[[int], None],
        die: Callable[[int], object] = os._exit,
    ) -> None:
        self._save = save
        self._close = close
        self._die = die
        self._left = threading.Event()
        self._lock = threading.Lock()
        self._going: threading.Thread | None = None

    def install(self) -> None:
        """Take over the signals that mean leaving; only in the main thread."""
        heard, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)
        for number in SIGNALS:
            signal.signal(number, _heard_beside)
        threading.Thread(target=self._listen, args=(heard,), name="signals", daemon=True).start()

    def hang_up(self, code: int = 128 + signal.SIGHUP) -> None:
        """Save, close the app and, if it cannot close, end the process."""
        with self._lock:
            if self._going is None:
                self._going = threading.Thread(
                    target=self._leave, args=(code,), name="leaving", daemon=True
                )
                self._going.start()

    def left(self) -> None:
        """The app has closed; the watchdog may rest."""
        self._left.set()

    def _listen(self, heard: int) -> None:
        """Hear of signals, a byte each, whatever the main thread does."""
        while numbers := os.read(heard, 64):
            for number in SIGNALS:
                if number in numbers:
                    self.hang_up(128 + number)

    def _leave(self, code: int) -> None:
        self._save(SAVE_SECONDS)
        self._close(code)
        if not self._left.wait(LEAVE_SECONDS):
            self._die(code)


def _heard_beside(_number: int, _frame: FrameType | None) -> None:
    """Only says that the signal is not to end the process by itself."""
