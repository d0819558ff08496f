"""Frames in fewer bytes: the same cells and colours, said shortly.

Textual ends every run of cells with a reset and begins the next with all its colours again; blanks
at the end of a line go out one by one. Here a frame is read back into runs of cells and written
anew: only what changes between two styles is sent, blanks take the style that is on, and long
blanks are erased. Nothing is remembered from one frame to the next, so a frame can neither be
spoilt by an earlier one nor by other output: each begins and ends with the plain style.

It also closes a trap of alignment: terminals disagree about the width of emoji and combining marks.
After such text the cursor is put where the columns say it must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len, split_graphemes

if TYPE_CHECKING:
    from tui.known_cells import KnownCells

_TOKEN: Final = re.compile(
    r"\x1b\[(?P<row>\d+);(?P<column>\d+)H|\x1b\[(?P<style>[\d;]*)m|(?P<feed>\n)"
    r"|(?P<text>[^\x00-\x1f\x7f-\x9f]+)"
)
_UNSURE: Final = re.compile(
    "[^\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    "\u038e-\u03a1\u03a3-\u0482\u048a-\u052f\u2010-\u2015\u2018-\u201f\u2022\u2026"
    "\u2190-\u2193\u2219\u2500-\u257f\u2580-\u259f\u25a0-\u25cf\u2713\u3041-\u3096"
    "\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60]"
)
"""Finds characters whose width is not the same in every terminal."""

_UNSURE_PIECE: Final = 4
"""Letters of doubtful width that are written at a time."""

_WORDS: Final = re.compile(r" +|[^ ]+")
_BLANKS: Final = re.compile(r" {12,}")
_ON: Final = {"1", "2", "3", "4", "7", "9"}
_OFF: Final = {"1": "22", "2": "22", "3": "23", "4": "24", "7": "27", "9": "29"}
_VISIBLE_ON_BLANKS: Final = {"4", "7", "9"}
_EXTENDED: Final = {"38", "48"}
_CUBE: Final = (0, 95, 135, 175, 215, 255)
_PALETTE: Final[dict[tuple[int, ...], int]] = {
    **{
        (red, green, blue): 16 + 36 * x + 6 * y + z
        for x, red in enumerate(_CUBE)
        for y, green in enumerate(_CUBE)
        for z, blue in enumerate(_CUBE)
    },
    **{(8 + 10 * step,) * 3: 232 + step for step in range(24)},
}
"""The colours 16 to 255 that every terminal of 256 colours has: nine bytes instead of nineteen."""


@dataclass(frozen=True, slots=True)
class Look:
    """A style as SGR parameters; empty colours are the terminal's own."""

    ink: str = ""
    ground: str = ""
    effects: frozenset[str] = frozenset()

    @property
    def marks_blanks(self) -> bool:
        """Whether a blank in this style shows more than its ground."""
        return bool(self.effects & _VISIBLE_ON_BLANKS)


PLAIN: Final = Look()


@dataclass(slots=True)
class Run:
    """Cells that stand in one row, side by side, in one style; `row` and `column` count from 1."""

    row: int
    column: int
    text: str
    look: Look
    cells: int


class Unreadable(ValueError):
    """A frame holds something else than text, places and styles."""


@lru_cache(maxsize=2_048)
def look_of(parameters: str) -> Look:
    """Read SGR parameters that follow a reset; raises Unreadable for what is not understood."""
    ink = ground = ""
    effects: set[str] = set()
    codes = iter(parameters.split(";"))
    for code in codes:
        if code in _EXTENDED:
            colour = _extended(code, codes)
            ink, ground = (colour, ground) if code == "38" else (ink, colour)
        elif code in _ON:
            effects.add(code)
        elif code in ("", "0"):
            ink, ground, effects = "", "", set()
        elif re.fullmatch(r"3[0-7]|9[0-7]|39", code):
            ink = "" if code == "39" else code
        elif re.fullmatch(r"4[0-7]|10[0-7]|49", code):
            ground = "" if code == "49" else code
        else:
            raise Unreadable(parameters)
    return Look(ink, ground, frozenset(effects))


def _extended(code: str, codes: Iterator[str]) -> str:
    kind = next(codes, "")
    rest = [next(codes, "") for _ in range({"5": 1, "2": 3}.get(kind, 0))]
    if not rest or not all(part.isdigit() for part in rest):
        raise Unreadable(code)
    if kind == "2":
        place = _PALETTE.get(tuple(map(int, rest)))
        return ";".join((code, "2", *rest)) if place is None else f"{code};5;{place}"
    return ";".join((code, kind, *rest))


@lru_cache(maxsize=4_096)
def change(old: Look, new: Look) -> str:
    """The shortest sequence from one style to another; empty when they are the same."""
    if old == new:
        return ""
    # An empty first parameter is a reset, in one byte less than "0".
    whole = ";".join(("", *_settings(new)))
    gone = {_OFF[code] for code in old.effects - new.effects}
    # 22 ends bold and dim alike: what stays on must be said again.
    again = new.effects - old.effects | {code for code in new.effects if _OFF[code] in gone}
    parts = sorted(gone) + sorted(again)
    if new.ink != old.ink:
        parts.append(new.ink or "39")
    if new.ground != old.ground:
        parts.append(new.ground or "49")
    step = ";".join(parts)
    return f"\x1b[{whole if len(whole) < len(step) else step}m"


def _settings(look: Look) -> Iterator[str]:
    yield from sorted(look.effects)
    yield from (colour for colour in (look.ink, look.ground) if colour)


def is_sure(text: str) -> bool:
    """Whether every terminal draws these letters as wide as we count them."""
    return _UNSURE.search(text) is None


def runs(frame: str) -> tuple[list[Run], tuple[int, int]]:
    """Read a frame into runs of cells, and the place where it leaves the cursor.

    Raises Unreadable when it holds anything else, or text of no known place.
    """
    found: list[Run] = []
    look, at, row, column = PLAIN, 0, 0, 0
    for token in _TOKEN.finditer(frame):
        if token.start() != at:
            raise Unreadable(frame[at : token.start()])
        at = token.end()
        if text := token["text"]:
            if not row:
                raise Unreadable("text of no known place")
            cells = cell_len(text)
            found.append(Run(row, column, text, look, cells))
            column += cells
        elif token["style"] is not None:
            look = look_of(token["style"])
        elif token["feed"]:
            row, column = 0, 0
        else:
            row, column = int(token["row"]), int(token["column"])
    if at != len(frame) or look != PLAIN:
        raise Unreadable(frame[at:])
    return found, (row, column)


def lean(frame: str, width: int, *, erase_colour: bool, known: KnownCells | None = None) -> str:
    """Write a frame anew in fewer bytes.

    `width` is the screen's, in cells; `erase_colour` says that erasing fills with the ground colour
    that is on; what `known` says to stand there is not written again. Raises Unreadable when the
    frame must go out as it is.
    """
    found, end = runs(frame)
    pen = _Pen(width, erase_colour=erase_colour)
    wanted = _merged(found) if known is None else known.changed(_merged(found), width)
    for run, following in pairwise([*wanted, None]):
        assert run is not None
        last = following is None or (following.row, following.column) != (
            run.row,
            run.column + run.cells,
        )
        pen.write(run, ends_line=last and run.column + run.cells > width)
    pen.finish(end)
    return "".join(pen.out)


def _merged(found: list[Run]) -> Iterator[Run]:
    """Join neighbours of one style; blanks join the run before them when the ground is the same."""
    last: Run | None = None
    for run in found:
        if last is None:
            last = run
        elif last.row == run.row and last.column + last.cells == run.column and _joins(last, run):
            last = Run(
                last.row, last.column, last.text + run.text, last.look, last.cells + run.cells
            )
        else:
            yield last
            last = run
    if last is not None:
        yield last


def _joins(last: Run, run: Run) -> bool:
    if last.look == run.look:
        return True
    blank = not run.text.strip(" ")
    same_ground = last.look.ground == run.look.ground
    return blank and same_ground and not (last.look.marks_blanks or run.look.marks_blanks)


class _Pen:
    """Writes runs, knowing where the cursor stands and which style is on."""

    __slots__ = ("_column", "_erase_colour", "_look", "_row", "_width", "out")

    def __init__(self, width: int, *, erase_colour: bool) -> None:
        self.out: list[str] = []
        self._width = width
        self._erase_colour = erase_colour
        self._row = self._column = 0
        self._look = PLAIN

    def write(self, run: Run, *, ends_line: bool) -> None:
        self._go(run.row, run.column)
        erasable = (self._erase_colour or not run.look.ground) and not run.look.marks_blanks
        text = run.text
        tail = ""
        if ends_line and erasable:
            text = run.text.rstrip(" ")
            if len(run.text) - len(text) > 3:
                tail = "\x1b[K"
            else:
                text = run.text
        if text or tail:
            self._style(run.look, blank=not text.strip(" "))
        self._text(text, erasable=erasable)
        self.out.append(tail)

    def _text(self, text: str, *, erasable: bool) -> None:
        if not _UNSURE.search(text):
            self._sure(text, erasable=erasable)
            return
        for word in _WORDS.findall(text):
            if _UNSURE.search(word):
                self._unsure(word)
            else:
                self._sure(word, erasable=erasable)

    def _sure(self, text: str, *, erasable: bool) -> None:
        done = 0
        if erasable:
            for gap in _BLANKS.finditer(text):
                cells = len(gap.group())
                self.out.append(f"{text[done : gap.start()]}\x1b[{cells}X\x1b[{cells}C")
                done = gap.end()
        self.out.append(text[done:])
        self._column += cell_len(text)

    def _unsure(self, word: str) -> None:
        """A word of doubtful width: clear its cells first, put the cursor right afterwards."""
        spans, cells = split_graphemes(word)
        if cells:
            self.out.append(f"\x1b[{cells}X")
        # Letter by letter where several characters make one: what a terminal draws too wide is
        # drawn over by the next, and cannot reach into the neighbouring pane.
        size = 1 if len(spans) < len(word) else _UNSURE_PIECE
        for first in range(0, len(spans), size):
            piece = spans[first : first + size]
            self.out.append(word[piece[0][0] : piece[-1][1]])
            self._column += sum(span[2] for span in piece)
            if self._column <= self._width:
                self.out.append(f"\x1b[{self._column}G")
        if self._column > self._width:
            self._row = 0

    def _go(self, row: int, column: int) -> None:
        if (row, column) == (self._row, self._column):
            return
        if row == self._row + 1 and column == 1 and self._row:
            self.out.append("\x1b[E")
        else:
            self.out.append(f"\x1b[{row};{column}H")
        self._row, self._column = row, column

    def _style(self, look: Look, *, blank: bool) -> None:
        if blank and not look.marks_blanks and not self._look.marks_blanks:
            # Only the ground of a blank is seen: leave the ink as it is.
            look = Look(self._look.ink, look.ground, self._look.effects)
        self.out.append(change(self._look, look))
        self._look = look

    def finish(self, place: tuple[int, int]) -> None:
        self.out.append(change(self._look, PLAIN))
        if place[0] and place != (1, 1):
            self._go(*place)
