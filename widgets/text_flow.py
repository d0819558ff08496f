"""How the lines of a text are broken into rows of the screen, as far as somebody looks.

Closes the trap of an editor that breaks the whole text again at every key: a line is broken when it
comes into sight, and a change keeps the rows before it. A line of a megabyte costs a screenful.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from typing import Final

from rich.cells import cell_len, split_graphemes

from widgets.cells import wrapped
from widgets.text_buffer import Place, TextBuffer

Row = tuple[int, int]
"""A line of the text and a row in it, both from 0."""

_WINDOW: Final = 4
"""Characters looked at per cell of a row; see `widgets.cells`."""
_KEPT: Final = 400
"""Lines whose rows are kept."""


class _Broken:
    """The rows of one line, found one by one: where each starts and where its text ends."""

    __slots__ = ("ended", "ends", "starts", "text", "width")

    def __init__(self, text: str, width: int) -> None:
        self.text = text
        self.width = width
        self.starts = [0]
        self.ends: list[int] = []
        self.ended = False

    def reach(self, row: int) -> None:
        """Find the rows up to this one."""
        while len(self.ends) <= row and not self.ended:
            self._next()

    def reach_column(self, column: int) -> None:
        """Find the rows up to the one that holds a column."""
        while not self.ended and self.starts[-1] <= column:
            self._next()

    def _next(self) -> None:
        start = self.starts[-1]
        window = self.text[start : start + _WINDOW * self.width + 2]
        _, length = next(wrapped(window, self.width))
        end = following = start + length
        while self.text.startswith(" ", following):
            following += 1
        self.ends.append(end)
        if following >= len(self.text):
            self.ended = True
        else:
            self.starts.append(following)

    def change(self, text: str, column: int) -> None:
        """The line is another one from a column on; a word may move up by a row."""
        self.text = text
        kept = max(0, bisect_right(self.starts, column) - 2)
        del self.starts[kept + 1 :]
        del self.ends[kept:]
        self.ended = False


class TextFlow:
    """The rows of a buffer at a width in cells."""

    def __init__(self, buffer: TextBuffer, width: int = 80) -> None:
        self.buffer = buffer
        self._width = width
        self._broken: dict[int, _Broken] = {}
        buffer.changed = self._changed

    def resize(self, width: int) -> None:
        """Break the lines at another width."""
        if width != self._width:
            self._width = max(2, width)
            self._broken.clear()

    def has(self, row: Row) -> bool:
        """Whether there is such a line, with so many rows."""
        if row[0] >= len(self.buffer.lines):
            return False
        broken = self._of(row[0])
        broken.reach(row[1])
        return len(broken.ends) > row[1]

    def span(self, row: Row) -> tuple[int, int]:
        """The columns where the text of a row starts and ends."""
        broken = self._of(row[0])
        broken.reach(row[1])
        return broken.starts[row[1]], broken.ends[row[1]]

    def row_of(self, place: Place) -> Row:
        """The row that a place stands in."""
        broken = self._of(place[0])
        broken.reach_column(place[1])
        return place[0], bisect_right(broken.starts, place[1]) - 1

    def cell_of(self, place: Place) -> int:
        """The cell of a place in its row."""
        start, _ = self.span(self.row_of(place))
        return min(cell_len(self.buffer.lines[place[0]][start : place[1]]), self._width)

    def place_at(self, row: Row, cell: int) -> Place:
        """The place in a row that is nearest to a cell."""
        start, end = self.span(row)
        text = self.buffer.lines[row[0]][start:end]
        column = start + (
            min(max(0, cell), len(text)) if text.isascii() else _column(text, max(0, cell))
        )
        place = row[0], column
        # Behind a word that was broken is the start of the next row.
        return place if self.row_of(place) == row else self.buffer.left_of(place)

    def below(self, row: Row) -> Row | None:
        """The next row; None at the end."""
        if self.has((row[0], row[1] + 1)):
            return row[0], row[1] + 1
        return (row[0] + 1, 0) if row[0] + 1 < len(self.buffer.lines) else None

    def above(self, row: Row) -> Row | None:
        """The row before; None at the start."""
        if row[1]:
            return row[0], row[1] - 1
        return self.row_of((row[0] - 1, len(self.buffer.lines[row[0] - 1]))) if row[0] else None

    def moved(self, row: Row, by: int) -> Row:
        """So many rows up or down, as far as there are."""
        for _ in range(abs(by)):
            following = self.below(row) if by > 0 else self.above(row)
            if following is None:
                break
            row = following
        return row

    def _of(self, line: int) -> _Broken:
        found = self._broken.get(line)
        if found is None:
            if len(self._broken) >= _KEPT:
                for oldest in list(islice(self._broken, _KEPT // 2)):
                    del self._broken[oldest]
            found = self._broken[line] = _Broken(self.buffer.lines[line], self._width)
        return found

    def _changed(self, line: int, column: int, before: int, now: int) -> None:
        if before != 1 or now != 1:
            self._broken = {at: rows for at, rows in self._broken.items() if at < line}
        elif line in self._broken:
            self._broken[line].change(self.buffer.lines[line], column)


def _column(text: str, cell: int) -> int:
    """Characters of a text that fit into so many cells."""
    used = column = 0
    for _start, stop, size in split_graphemes(text)[0]:
        if used + size > cell:
            break
        used, column = used + size, stop
    return column
