"""What stands in each cell of the screen, so that a frame is written only where it differs.

Textual paints whole rows and often the same ones again: at the start, under a dialog that closes, for a
page of which half is blank. Closes the trap of a picture that is wrong because the terminal drew a
letter wider than expected: a row with letters of doubtful width is written whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from tui.lean_frames import Look, Run, is_sure

_SMALL_GAP: Final = 5
"""Unchanged cells that are written again, because stepping over them costs more bytes."""

Cell = tuple[str, Look | str] | tuple[str, Look, int] | None
"""A letter and its style (of a blank only the ground); a part of a text of doubtful width; unknown."""


class KnownCells:
    """A picture of the screen, one row at a time; rows never written are unknown."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell]] = {}
        self._doubtful: set[int] = set()
        self._width = 0

    def forget(self) -> None:
        """Know nothing: something else may have written to the screen."""
        self._rows.clear()
        self._doubtful.clear()

    def changed(self, runs: Iterable[Run], width: int) -> Iterator[Run]:
        """Yield what of a frame has to be written, and take it as written."""
        if width != self._width:
            self._width = width
            self.forget()
        for row, group in groupby(runs, key=lambda run: run.row):
            yield from self._changed_in(row, list(group))

    def _changed_in(self, row: int, runs: Sequence[Run]) -> Iterable[Run]:
        old = self._rows.get(row) or [None] * self._width
        new = old.copy()
        # Of runs that overlap, the later one may restore what the earlier one has written over.
        sure = all(a.column + a.cells <= b.column for a, b in pairwise(runs))
        for run in runs:
            sure = _put(run, new) and sure
        if new == old:
            return ()
        self._rows[row] = new
        if sure and row not in self._doubtful:
            return (piece for run in runs for piece in _pieces(run, old, new))
        if not sure:
            self._doubtful.add(row)
        elif None not in old and sum(run.cells for run in runs) >= self._width:
            self._doubtful.discard(row)
        return runs


def _put(run: Run, cells: list[Cell]) -> bool:
    """Write a run into the row; False when the width of its letters is in doubt."""
    start = run.column - 1
    if len(run.text) != run.cells or not is_sure(run.text):
        cells[start : start + run.cells] = [
            (run.text, run.look, place) for place in range(run.cells)
        ][: len(cells) - start]
        return False
    blank: Cell = (" ", run.look if run.look.marks_blanks else run.look.ground)
    cells[start : start + run.cells] = [
        blank if letter == " " else (letter, run.look) for letter in run.text
    ][: len(cells) - start]
    return True


def _pieces(run: Run, old: Sequence[Cell], new: Sequence[Cell]) -> Iterator[Run]:
    """The stretches of a run that differ from what stood there."""
    offset = run.column - 1
    start = end = -1
    for place in range(min(run.cells, len(new) - offset)):
        if old[offset + place] == new[offset + place]:
            continue
        if start >= 0 and place - end > _SMALL_GAP:
            yield _piece(run, start, end)
            start = -1
        start = place if start < 0 else start
        end = place + 1
    if start >= 0:
        yield _piece(run, start, end)


def _piece(run: Run, start: int, end: int) -> Run:
    return Run(run.row, run.column + start, run.text[start:end], run.look, end - start)
