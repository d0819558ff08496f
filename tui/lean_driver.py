"""A driver that writes fewer bytes to the terminal, and takes over the picture that is there.

Closes three traps: Textual's frames, which repeat the same colours cell by cell, a start that blanks
the screen which `tui.first_picture` has already filled, and a process that is ended because its app cannot
close, and leaves a shell without echo on a screen that is not its own.
"""

from __future__ import annotations

import contextlib
import os
import re
import termios
import threading
from typing import Final

from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from tui.first_picture import ENTER, Picture
from tui.known_cells import KnownCells
from tui.lean_frames import Unreadable, lean
from tui.terminal import probe

_SYNC_START: Final = "\x1b[?2026h"
_SYNC_END: Final = "\x1b[?2026l"
_ONE_WRITE: Final = 256
"""Characters that reach the terminal in one piece, so that no half of them is ever seen."""

GIVE_BACK_SECONDS: Final = 0.2
"""How long giving the terminal back may take: one that has vanished, or stands still, can block it."""
_MODES_OFF: Final = (2026, 1000, 1003, 1015, 1016, 1006, 2048, 2004, 1004)
_GOODBYE: Final = (
    "".join(f"\x1b[?{mode}l" for mode in _MODES_OFF) + "\x1b[<u\x1b[?7h\x1b[?1049l\x1b[?25h"
).encode()

_HARMLESS: Final = re.compile(r"(?:\x1b\[[?>=<](?!1049)[\d;]*(?:\$p|[hlu])|\x1b\][^\x07]*\x07)*")
"""Modes and titles: what changes no cell."""


class LeanDriver(LinuxDriver):
    """Textual's driver with frames written in fewer bytes (see tui/lean_frames.py).

    What is not a frame, or cannot be read as one, goes out as it came.
    """

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._erase_colour = probe(os.environ).erase_colour
        self._sync_wanted = False
        self._sync_open = False
        self._known = KnownCells()
        self._picture: Picture | None = getattr(app, "picture", None)

    def start_application_mode(self) -> None:
        """Take over the terminal, with the first picture on it if there is one."""
        self._known.forget()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._picture is not None:
            self.attrs_before = self._picture.hand_over()
            self._known = self._picture.known
            self._picture = None

    def give_back(self) -> None:
        """Leave the terminal as it was found, whatever the app is doing; from any thread."""
        with contextlib.suppress(OSError, ValueError, termios.error):
            if self.attrs_before is not None:
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
            if self._file is not None:
                os.write(self._file.fileno(), _GOODBYE)

    def forget_cells(self) -> None:
        """Know nothing of the screen, so that the next frame is written whole."""
        self._known.forget()

    def write(self, data: str) -> None:
        """Write a frame shortened; the marks of a synchronised update only around large ones."""
        if data == ENTER and self._picture is not None:
            return
        if data == _SYNC_START:
            self._sync_wanted = True
        elif data == _SYNC_END:
            if self._sync_open:
                super().write(data)
            self._sync_wanted = self._sync_open = False
        elif frame := self._shortened(data):
            if self._sync_wanted and not self._sync_open and len(frame) > _ONE_WRITE:
                self._sync_open = True
                frame = _SYNC_START + frame
            super().write(frame)

    def _shortened(self, data: str) -> str:
        """The frame in fewer bytes; empty when all of it is on the screen."""
        try:
            return lean(
                data, self._app.size.width, erase_colour=self._erase_colour, known=self._known
            )
        except Unreadable:
            if not _HARMLESS.fullmatch(data):
                self._known.forget()
            return data


def end_process(driver: Driver | None, code: int) -> None:
    """End this process now, with an exit code and the terminal given back; from any thread."""
    if isinstance(driver, LeanDriver):
        giving = threading.Thread(target=driver.give_back, name="giving back", daemon=True)
        giving.start()
        giving.join(GIVE_BACK_SECONDS)
    os._exit(code)
