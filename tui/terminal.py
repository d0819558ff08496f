"""What the terminal can do, and a driver that writes fewer bytes to it.

Closes two traps of working over SSH: motion that costs kilobytes for ever, and Textual's frames, which
repeat the same colours cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from textual.drivers.linux_driver import LinuxDriver

Colours = Literal["truecolor", "256", "16", "none"]
Motion = Literal["full", "none"]


@dataclass(frozen=True, slots=True)
class Terminal:
    """What was found out about the terminal, once, from the environment."""

    ssh: bool
    tmux: bool
    unicode: bool
    colours: Colours
    motion: Motion
    erase_colour: bool = False
    """Erasing fills with the current background colour (terminfo's `bce`)."""

    @property
    def theme(self) -> str:
        """The theme that suits it."""
        return "dark" if self.colours == "truecolor" or not self.ssh else "ansi"


def probe(environ: Mapping[str, str]) -> Terminal:
    """Read the terminal's abilities from the environment; asks the terminal nothing."""
    ssh = any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "MOSH_IP"))
    tmux = bool(environ.get("TMUX")) or environ.get("TERM", "").startswith(("tmux", "screen"))
    return Terminal(ssh, tmux, _unicode(environ), _colours(environ), "none" if ssh else "full")


def _unicode(environ: Mapping[str, str]) -> bool:
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return "utf" in locale.lower() and environ.get("TERM") not in ("linux", "dumb")


def _colours(environ: Mapping[str, str]) -> Colours:
    term = environ.get("TERM", "")
    if term in ("", "dumb") or environ.get("NO_COLOR"):
        return "none"
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "truecolor"
    return "256" if "256color" in term else "16"


class LeanDriver(LinuxDriver):
    """Textual's driver with frames written in fewer bytes."""
