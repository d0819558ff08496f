"""The drafts as rows: encrypted or not, for whom, about what, files, when.

Closes the trap of a cursor on another draft after the list came anew: it stays on its draft, or at its
place when that one is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.message import Message
from textual.strip import Strip

from services.safe_text import EMPTY, SafeText, ui
from widgets.account_mark import ACCOUNT_INKS, AccountMark, mark_part
from widgets.cells import GUTTER_CELLS, fit, fit_right
from widgets.cursor_view import CursorView
from widgets.dates import DATE_CELLS, Calendar
from widgets.glyphs import UNICODE, Glyphs
from widgets.rows import NO_SUBJECT, Part

if TYPE_CHECKING:
    from services.outbound_models import DraftRow

_NOBODY = ui("(nobody yet)")
_LOCKED = ui("encrypted; unlock your key to see the subject")
_FILE_CELLS = 3


class DraftList(CursorView):
    """Rows of drafts; `current` is the one under the cursor."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$mail-text",
        "muted": "$mail-muted $muted-style",
        "accent": "$mail-accent",
        "caution": "$mail-caution",
        "cursor": "$mail-accent",
        "cursor-blurred": "$mail-muted",
        **ACCOUNT_INKS,
    }
    DEFAULT_CSS = """
    DraftList { width: 1fr; height: 1fr; background: $mail-background; color: $mail-text; }
    """

    class CursorMoved(Message):
        """The cursor stands on another draft."""

    class Opened(Message):
        """A draft was chosen."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, id=id)
        self._clock = clock
        self._rows: tuple[DraftRow, ...] = ()
        self._open: frozenset[str] = frozenset()
        self._empty = EMPTY
        self._marks: Mapping[str, AccountMark] = {}

    def show_accounts(self, marks: Mapping[str, AccountMark]) -> None:
        """Tell in each row whose it is, by these marks; without any, no row does."""
        self._marks = marks

    @property
    def current(self) -> DraftRow | None:
        """The draft under the cursor."""
        return None if self.position is None else self._rows[self.position]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._rows)

    def show_empty(self, words: SafeText) -> None:
        """Say this when there is none."""
        self._empty = words
        self.refresh()

    def show_rows(self, rows: Sequence[DraftRow], still_open: frozenset[str]) -> None:
        """List these; `still_open` are ids of drafts that are on the screen behind."""
        before = self.current
        self._rows, self._open = tuple(rows), still_open
        places = [
            place
            for place, row in enumerate(self._rows)
            if before is not None and row.draft_id == before.draft_id
        ]
        if before is None:
            self._window.restart(len(self._rows))
        else:
            self._window.follow(len(self._rows), places[0] if places else None)
        self.refresh()
        self.post_message(self.CursorMoved())

    def cursor_moved(self) -> None:
        """Say that the cursor moved."""
        self.post_message(self.CursorMoved())

    def opened(self, place: int) -> None:  # noqa: ARG002 - it is the cursor's
        """Say that a draft was chosen."""
        self.post_message(self.Opened())

    def line(self, number: int, width: int) -> Strip | None:
        """Draw a row."""
        if not self._rows:
            said = number == 1 and self._empty
            return self.strip_of([("  " + self._empty, "muted")], width) if said else None
        if not 0 <= number < len(self._rows):
            return None
        row, room = self._rows[number], width - GUTTER_CELLS
        mark = mark_part(self._marks, row.account, width, self._glyphs.ellipsis)
        parts = [mark, *self._parts(row, room - len(mark[0]))]
        return Strip([self.gutter_cell(number), *self.strip_of(parts, room)], width)

    def _parts(self, row: DraftRow, width: int) -> list[Part]:
        glyphs = self._glyphs
        mark = glyphs.unreadable if row.locked else glyphs.encrypted if row.encrypted else " "
        is_open = glyphs.unfolded if row.draft_id in self._open else " "
        people = min(30, max(14, width // 3))
        files = f"{glyphs.attachment}{min(99, row.files)}" if row.files else ""
        room = max(4, width - people - _FILE_CELLS - DATE_CELLS - 9)
        date = Calendar.at(self._clock()).short(row.changed_at) if row.changed_at else ""
        return [
            (f" {is_open}{mark} ", "accent"),
            (fit(row.recipients or _NOBODY, people, glyphs.ellipsis) + " ", "text"),
            *self._subject(row, room),
            (f" {fit(files, _FILE_CELLS)} {fit_right(date, DATE_CELLS)} ", "muted"),
        ]

    def _subject(self, row: DraftRow, room: int) -> list[Part]:
        ellipsis = self._glyphs.ellipsis
        if row.locked:
            return [(fit(_LOCKED, room, ellipsis), "muted")]
        subject = row.subject or NO_SUBJECT
        if not row.remark:
            return [(fit(subject, room, ellipsis), "text")]
        # What went wrong takes what a short subject leaves.
        cells = min(cell_len(subject), room // 2)
        remark = fit(row.remark, room - cells - 2, ellipsis)
        return [(fit(subject, cells, ellipsis) + "  ", "text"), (remark, "caution")]
