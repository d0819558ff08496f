"""The first picture: the cached list on screen before Textual is even imported.

Most of a start is importing and styling a screen that can do much more than show a list. So the rows
are written first, by the same functions that the list draws with (`widgets.rows`), in the colours of the
same tables (`tui.palettes`); the app's first frame then covers them with the same cells. Closes the
traps of such a picture: keys typed meanwhile are neither echoed nor lost (the terminal is in raw mode
and keeps them for the app), nothing flashes when the app takes over (`tui.lean_driver` does not
enter the other screen a second time), and a start that fails gives the terminal back as it was.

Only in one pane: wider layouts are the style sheet's, and are not repeated here.
"""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import tty
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from services.models import RowSource
from tui.known_cells import KnownCells
from tui.lean_frames import Unreadable, lean
from tui.palettes import PALETTES
from tui.terminal import Terminal
from widgets.account_mark import AccountMark, mark_cells
from widgets.dates import Calendar
from widgets.glyphs import Glyphs, glyphs
from widgets.rows import INKS, Part, columns, row_parts

ENTER: Final = "\x1b[?1049h"
_LEAVE: Final = "\x1b[?1049l\x1b[?25h"
_HIDE_CURSOR: Final = "\x1b[?25l"
_WIDEST: Final = 99
"""The widest terminal that has one pane."""
_ANSI_COLOURS: Final = {
    "ansi_default": 9, "ansi_black": 0, "ansi_red": 1, "ansi_green": 2, "ansi_yellow": 3,
    "ansi_blue": 4, "ansi_magenta": 5, "ansi_cyan": 6, "ansi_white": 7,
}  # fmt: skip
NO_MARKS: Final[Mapping[str, AccountMark]] = MappingProxyType({})
_STYLES: Final = {"bold": "1", "dim": "2"}


class Picture:
    """What is on screen, and the terminal's settings from before."""

    def __init__(self, descriptor: int, attributes: list[Any]) -> None:
        self.known = KnownCells()
        """What the picture has put into each cell."""
        self._descriptor = descriptor
        self._attributes = attributes
        self._is_ours = True

    def hand_over(self) -> list[Any]:
        """Leave the screen to the app; returns the terminal's settings from before."""
        self._is_ours = False
        return self._attributes

    def take_away(self) -> None:
        """Give the terminal back, unless the app has taken it over."""
        if self._is_ours:
            self._is_ours = False
            _write(_LEAVE)
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._attributes)


def show(
    rows: RowSource,
    terminal: Terminal,
    theme: str,
    now: float,
    marks: Mapping[str, AccountMark] = NO_MARKS,
) -> Picture | None:
    """Write the list to the terminal; None where that cannot be done or would not look right.

    `marks` are those of the accounts whose mail it is, where there are several.
    """
    stdin, screen = sys.__stdin__, sys.__stderr__
    if stdin is None or screen is None or not screen.isatty() or terminal.colours == "none":
        return None
    try:
        width, height = os.get_terminal_size(stdin.fileno())
        before = termios.tcgetattr(stdin.fileno())
        if width > _WIDEST or height < 3 or not len(rows):
            return None
        termios.tcsetattr(stdin.fileno(), termios.TCSANOW, _raw(before))
    except (OSError, termios.error):
        return None
    picture = Picture(stdin.fileno(), before)
    drawn = draw(rows, (width, height), glyphs(unicode=terminal.unicode), theme, now, marks)
    with contextlib.suppress(Unreadable):
        drawn = lean(drawn, width, erase_colour=terminal.erase_colour, known=picture.known)
    _write(f"{ENTER}{_HIDE_CURSOR}{drawn}")
    return picture


def draw(
    rows: RowSource,
    size: tuple[int, int],
    shapes: Glyphs,
    theme: str,
    now: float,
    marks: Mapping[str, AccountMark] = NO_MARKS,
) -> str:
    """The picture of a list (width, height in cells) as a frame; bars above and below are empty."""
    width, height = size
    colours = PALETTES.get(theme, PALETTES["dark"])
    bar = _sgr("$bar-text", colours, "bar-background") + " " * width
    layout, calendar = columns(width, mark_cells(marks.values(), width)), Calendar.at(now)
    lines = [bar]
    for place in range(height - 2):
        parts: list[Part] = [(" " * width, "text")]
        if place < len(rows):
            row = rows.row(place)
            gutter = (" ", "text") if place else (shapes.cursor, "cursor")
            mark = marks.get(row.account)
            parts = [gutter, *row_parts(row, layout, shapes, calendar, selected=False, mark=mark)]
        lines.append("".join(f"{_sgr(INKS[role], colours)}{text}" for text, role in parts))
    lines.append(bar)
    return "".join(f"\x1b[{number};1H{line}\x1b[0m" for number, line in enumerate(lines, 1))


def _sgr(words: str, colours: Mapping[str, str], ground: str = "mail-background") -> str:
    told = (colours[word[1:]] if word.startswith("$") else word for word in words.split())
    ink, *styles = told
    marks = [_STYLES[style] for style in styles if style in _STYLES]
    codes = ["0", *marks, _colour(ink, 30), _colour(colours[ground], 40)]
    return f"\x1b[{';'.join(codes)}m"


def _colour(value: str, base: int) -> str:
    """The SGR parameters of a colour; `base` is 30 for ink, 40 for ground."""
    if value in _ANSI_COLOURS:
        return str(base + _ANSI_COLOURS[value])
    red, green, blue = (int(value[at : at + 2], 16) for at in (1, 3, 5))
    return f"{base + 8};2;{red};{green};{blue}"


def _raw(attributes: list[Any]) -> list[Any]:
    """As Textual sets the terminal: no echo, no lines, no signals, Enter as it is."""
    raw = [*attributes[: tty.CC], list(attributes[tty.CC])]
    raw[tty.LFLAG] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | termios.ISIG)
    raw[tty.IFLAG] &= ~(
        termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR
    )
    raw[tty.CC][termios.VMIN] = 1
    return raw


def _write(data: str) -> None:
    assert sys.__stderr__ is not None
    with contextlib.suppress(OSError):
        sys.__stderr__.write(data)
        sys.__stderr__.flush()
