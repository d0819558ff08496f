"""The text of a message as screen rows: folded, wrapped, and only as far as it is looked at.

Closes the trap of a body that must be laid out whole before its first line is seen: one line of a
megabyte, or 50,000 lines. Rows are made on demand; a row is three numbers, not a copy of its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.safe_text import EMPTY, SafeText
from services.shown_mail import BodyLine, LineKind
from widgets.cells import wrapped

FOLD_FROM: Final = 4
"""A run of so many quoted lines is folded; shorter ones are answered point by point."""

MOST_BARS: Final = 4
"""Quote bars drawn at most, whatever the depth."""

INDENT: Final = 1
"""Mail text never stands in the first column: that is where the program speaks."""

_BARS: Final = {LineKind.NOTICE: 1, LineKind.RULE: 4}
"""Cells that our own lines take beside their text."""

_LEAST_ROOM: Final = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A body line, or the head of a run of `quoted` lines that starts at `run`, folded or open."""

    text: SafeText
    kind: LineKind
    quote: int = 0
    quoted: int = 0
    run: int = 0
    open: bool = False
    outside: bool = False
    """It stands outside of the encrypted block; each of its rows is marked."""


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch of a piece that fills one row of the screen."""

    piece: Piece
    start: int
    end: int

    @property
    def text(self) -> str:
        """What the row shows."""
        return self.piece.text[self.start : self.end].replace("\n", " ")


def quote_runs(body: Sequence[BodyLine]) -> list[tuple[int, int]]:
    """The (start, end) of each run of quoted lines; a blank line between two belongs to it."""
    runs: list[tuple[int, int]] = []
    start = end = -1
    for place, line in enumerate(body):
        if line.quote:
            start = place if start < 0 else start
            end = place + 1
        elif start >= 0 and line.text.strip():
            runs.append((start, end))
            start = -1
    if start >= 0:
        runs.append((start, end))
    return runs


def foldable(body: Sequence[BodyLine]) -> list[tuple[int, int]]:
    """The runs worth folding; none when there is no text of the sender's own to read."""
    own = any(line.text.strip() and not line.quote and line.kind is LineKind.TEXT for line in body)
    return [run for run in quote_runs(body) if run[1] - run[0] >= FOLD_FROM] if own else []


def pieces(body: Sequence[BodyLine], opened: frozenset[int]) -> Iterator[Piece]:
    """The body, each foldable run under a head of its own; runs in `opened` (starts) in full."""
    done = 0
    for start, end in foldable(body):
        yield from map(_piece, body[done:start])
        is_open = start in opened
        yield Piece(EMPTY, LineKind.QUOTE, 0, end - start, start, is_open, body[start].outside)
        done = start if is_open else end
    yield from map(_piece, body[done:])


def _piece(line: BodyLine) -> Piece:
    return Piece(line.text, line.kind, line.quote, outside=line.outside)


class BodyRows:
    """Rows of pieces, wrapped on demand at `room` cells (indent and quote bars included)."""

    __slots__ = ("_pieces", "_room", "_unfinished", "rows")

    def __init__(self, source: Iterator[Piece], room: int) -> None:
        self.rows: list[Row] = []
        self._pieces = source
        self._room = room
        self._unfinished: Iterator[Row] | None = iter(())

    def reach(self, count: int) -> int:
        """Make rows until there are `count`, or the body ends; return how many there are."""
        while len(self.rows) < count and self._unfinished is not None:
            row = next(self._unfinished, None)
            if row is not None:
                self.rows.append(row)
                continue
            self._next_piece()
        return len(self.rows)

    def row(self, number: int) -> Row | None:
        """One row, or None below the end."""
        return self.rows[number] if 0 <= number < self.reach(number + 1) else None

    def _next_piece(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            self._unfinished = None
            return
        bars = _BARS.get(piece.kind, 2 * min(piece.quote, MOST_BARS))
        room = max(_LEAST_ROOM, self._room - INDENT - bars)
        text = piece.text
        if len(text) <= room and text.isascii():
            self.rows.append(Row(piece, 0, len(text)))
        else:
            self._unfinished = (Row(piece, start, end) for start, end in wrapped(text, room))
