"""What the terminal can do, told by the environment.

Closes the trap of asking the terminal itself, which costs a round trip over SSH and may never answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Colours = Literal["truecolor", "256", "16", "none"]

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
