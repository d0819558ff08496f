"""What the terminal can do, and a driver that writes fewer bytes to it.

Closes two traps of working over SSH: motion that costs kilobytes for ever, and Textual's frames,
which repeat the same colours cell by cell.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

from tui.lean_frames import Unreadable, lean

Colours = Literal["truecolor", "256", "16", "none"]

_SYNC_START: Final = "\x1b[?2026h"
_SYNC_END: Final = "\x1b[?2026l"
_ONE_WRITE: Final = 256
"""Characters that reach the terminal in one piece, so that no half of them is ever seen."""

_JUST_NOW: Final = 0.5
"""Seconds within which a frame is not written again: Textual paints its first one three times."""

_ERASES_IN_COLOUR: Final = (
    "xterm", "alacritty", "foot", "kitty", "wezterm", "ghostty", "rxvt", "konsole", "vte", "st-",
    "iterm", "linux", "contour",
)  # fmt: skip
"""Terminals whose terminfo entry has `bce`; tmux and screen have not."""


_COERCED: Final = ("C.UTF-8", "C.utf8", "UTF-8")


@dataclass(frozen=True, slots=True)
class Terminal:
    """What was found out about the terminal, once, from the environment."""

    ssh: bool
    tmux: bool
    unicode: bool
    colours: Colours
    erase_colour: bool = False
    """Erasing fills with the current background colour (terminfo's `bce`)."""

    @property
    def theme(self) -> str:
        """The theme that suits it: its own sixteen colours where it has no more, or must not."""
        few = self.colours in ("16", "none")
        return "ansi" if few or (self.ssh and self.colours != "truecolor") else "dark"


def probe(environ: Mapping[str, str]) -> Terminal:
    """Read the terminal's abilities from the environment; asks the terminal nothing."""
    ssh = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "MOSH_IP"))
    tmux = bool(environ.get("TMUX")) or environ.get("TERM", "").startswith(("tmux", "screen"))
    return Terminal(
        ssh=ssh,
        tmux=tmux,
        unicode=_unicode(environ),
        colours=_colours(environ),
        erase_colour=not tmux and environ.get("TERM", "").startswith(_ERASES_IN_COLOUR),
    )


def _unicode(environ: Mapping[str, str]) -> bool:
    chosen = environ.get("LC_CTYPE", "")
    if chosen in _COERCED and environ.get("LANG") in ("C", "POSIX"):
        # Not the operator's word: Python writes this into the environment where it finds C.
        chosen = ""
    locale = environ.get("LC_ALL") or chosen or environ.get("LANG") or ""
    return "utf" in locale.lower() and environ.get("TERM") not in ("linux", "dumb")


def _colours(environ: Mapping[str, str]) -> Colours:
    term = environ.get("TERM", "")
    if term in ("", "dumb") or environ.get("NO_COLOR"):
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in term else "16"


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
        self._last = ("", 0.0)

    def write(self, data: str) -> None:
        """Write a frame shortened; the marks of a synchronised update only around large ones."""
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
        """The frame in fewer bytes; empty when it has just been written."""
        now = time.monotonic()
        last, self._last = self._last, (data, now)
        if last[0] == data and now - last[1] < _JUST_NOW:
            return ""
        with contextlib.suppress(Unreadable):
            return lean(data, self._app.size.width, erase_colour=self._erase_colour)
        return data
