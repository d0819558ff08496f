"""Files on their way and at their end, one row each, and a note with what the row had to cut.

Closes two traps: a row that goes on telling the last speed of a connection that has stalled, and a
state that is told by colour alone: each has its own mark and its own word.

    ▌▼ report.pdf          fetching  [####······]  41 %  12.4 MB   1.2 MB/s    6 s
     ▲ plan.pdf            preparing [#·········]   8 %  50.0 MB
     ✓ photo.jpg           saved     Saved as ~/Downloads/photo.jpg.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.safe_text import SafeText, clean_line, phrase, ui
from services.transfer_models import Direction, TransferRow, TransferState
from widgets.card_view import CardView
from widgets.cells import fit, fit_right, size_words, wrapped
from widgets.dates import time_left
from widgets.flowing import Fact, flowed_whole, padded
from widgets.glyphs import UNICODE, Glyphs
from widgets.row_list import RowList
from widgets.rows import Part

STALLED: Final = 5.0
"""Seconds without news of a file that moves, after which its speed is not told any more."""
_MARK_CELLS: Final = 2
_STATE_CELLS: Final = 10
_PERCENT_CELLS: Final = 6
_SIZE_CELLS: Final = 8
_SPEED_CELLS: Final = 10
_LEFT_CELLS: Final = 8
_MOST_NOTE_ROWS: Final = 6
_HASH_GROUP: Final = 8


@dataclass(frozen=True, slots=True)
class TransferColumns:
    """How a row is divided, in cells; 0 leaves a column out. What is over has words behind its state."""

    name: int
    about: int
    bar: int
    size: int
    speed: int
    left: int

    @property
    def words(self) -> int:
        """Cells behind the state."""
        return self.bar + _PERCENT_CELLS + self.size + self.speed + self.left


def transfer_columns(width: int) -> TransferColumns:
    """The division of a row that is `width` cells wide."""
    size = _SIZE_CELLS if width >= 66 else 0
    speed = _SPEED_CELLS if width >= 48 else 0
    left = _LEFT_CELLS if width >= 76 else 0
    bar = 0 if width < 56 else min(24, 10 + (width - 56) // 6)
    rest = width - _MARK_CELLS - _STATE_CELLS - _PERCENT_CELLS - bar - size - speed - left
    about = rest * 9 // 20 if rest >= 44 else 0
    return TransferColumns(max(4, rest - about), about, bar, size, speed, left)


def transfer_mark(row: TransferRow, glyphs: Glyphs) -> Fact:
    """The one cell that tells where a file goes or how it ended, and its role."""
    match row.state:
        case TransferState.DONE:
            return glyphs.verified, "good"
        case TransferState.FAILED:
            return glyphs.unverified, "danger"
        case TransferState.LOCKED:
            return glyphs.locked, "caution"
        case TransferState.CANCELLED:
            return ui("-"), "muted"
    return (glyphs.below if row.direction is Direction.DOWN else glyphs.above), "accent"


def state_word(row: TransferRow) -> SafeText:
    """What becomes of a file, in a word."""
    if row.state is TransferState.DONE:
        return ui("saved") if row.direction is Direction.DOWN else ui("uploaded")
    if row.state is TransferState.CANCELLED:
        return ui("given up")
    return clean_line(row.state.value)


class TransferList(RowList[TransferRow]):
    """Files on their way, then what is over."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._heard: dict[str, float] = {}

    def key_of(self, record: TransferRow) -> Hashable:
        """Its own id."""
        return record.transfer_id

    @property
    def counts(self) -> bool:
        """Whether some file is on its way."""
        return any(not row.state.is_over for row in self._records)

    def take(self, row: TransferRow) -> None:
        """A file has come further, or is over; what is over stands below what moves."""
        self._heard[row.transfer_id] = self._clock()
        before = next((one for one in self._records if one.transfer_id == row.transfer_id), None)
        if before is not None and before.state.is_over is row.state.is_over:
            self.show_record(row)
        else:
            self.show_records(placed(self._records, row), self._empty)

    def tick(self) -> None:
        """A second has passed: paint what has stalled."""
        for place, row in enumerate(self._records):
            if self.has_stalled(row):
                self.refresh_row(place)

    def has_stalled(self, row: TransferRow) -> bool:
        """Whether nothing was heard of a file that moves."""
        heard = self._heard.get(row.transfer_id)
        return not row.state.is_over and heard is not None and self._clock() - heard > STALLED

    def parts(self, record: TransferRow, width: int) -> Sequence[Part]:
        """The parts of a row."""
        columns, ellipsis = transfer_columns(width), self._glyphs.ellipsis
        mark, mark_role = transfer_mark(record, self._glyphs)
        voice = "muted" if record.state is TransferState.CANCELLED else "text"
        state_role = {TransferState.FAILED: "danger", TransferState.LOCKED: "caution"}
        parts: list[Part] = [
            (f"{mark} ", mark_role),
            (fit(record.name, columns.name - 1, ellipsis) + " ", voice),
        ]
        if columns.about:
            parts.append((fit(record.about, columns.about - 1, ellipsis) + " ", "muted"))
        word = fit(state_word(record), _STATE_CELLS, ellipsis)
        parts.append((word, state_role.get(record.state, voice)))
        if record.state.is_over:
            parts.append((fit(record.sentence, columns.words, ellipsis), voice))
        else:
            parts += self._progress(record, columns)
        return parts

    def _progress(self, row: TransferRow, columns: TransferColumns) -> Iterator[Part]:
        percent = row.percent
        if columns.bar:
            yield fit(bar_words(percent, columns.bar - 1), columns.bar), "accent"
        shown = "" if percent is None else f"{percent} % "
        yield fit_right(shown, _PERCENT_CELLS), "text"
        if columns.size:
            size = size_words(row.total if row.total >= 0 else row.done or None)
            yield fit_right(size, columns.size), "muted"
        if self.has_stalled(row):
            yield fit_right("stalled", columns.speed + columns.left), "caution"
            return
        if columns.speed:
            speed = f"{size_words(row.speed)}/s" if row.speed else ""
            yield fit_right(speed, columns.speed), "text"
        if columns.left:
            left = row.seconds_left
            yield fit_right("" if left is None else left_words(left), columns.left), "muted"


def placed(rows: Sequence[TransferRow], row: TransferRow) -> tuple[TransferRow, ...]:
    """The rows with one that is new, has ended or has begun again, where it belongs."""
    rest = [one for one in rows if one.transfer_id != row.transfer_id]
    moving = [one for one in rest if not one.state.is_over]
    over = [one for one in rest if one.state.is_over]
    return (*moving, row, *over)


def left_words(seconds: int) -> SafeText:
    """How long a file still takes: `6 s`, then in minutes."""
    return phrase("{} s", seconds) if seconds < 100 else time_left(seconds)


def bar_words(percent: int | None, width: int) -> str:
    """A bar of that many cells; empty when nobody knows how far it is."""
    if percent is None or width < 4:
        return ""
    done = percent * (width - 2) // 100
    return f"[{'#' * done}{'.' * (width - 2 - done)}]"


class TransferNote(CardView):
    """Everything about the current file that its row had to cut."""

    _row: TransferRow | None = None

    def show_row(self, row: TransferRow | None) -> None:
        """Show a file, or nothing."""
        if row != self._row:
            self._row = row
            self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """Name, mail and size; where it lies or why not; its hash."""
        if self._row is None:
            return []
        rows = flowed_whole([*self._facts(self._row)], width, self._glyphs)
        if self._row.sentence:
            spans = wrapped(self._row.sentence, max(1, width))
            rows += [[(self._row.sentence[start:end], "text")] for start, end in spans]
        if self._row.sha256:
            rows += flowed_whole([*hash_facts(self._row.sha256, width)], width, self._glyphs)
        return [padded(row, width) for row in rows[:_MOST_NOTE_ROWS]]

    def _facts(self, row: TransferRow) -> Iterator[Fact]:
        yield row.name, "strong"
        if row.about:
            yield row.about, "text"
        yield state_word(row), "text"
        if row.total > 0:
            yield clean_line(size_words(row.total)), "text"


def hash_facts(sha256: str, width: int) -> Iterator[Fact]:
    """A hash as words that fit a width: whole, or in halves one below the other."""
    if width >= len(sha256) + 8:
        yield phrase("SHA-256 {}", clean_line(sha256)), "muted"
        return
    half = len(sha256) // 2
    yield phrase("SHA-256 {}", clean_line(sha256[:half])), "muted"
    yield phrase("        {}", clean_line(sha256[half:])), "muted"
