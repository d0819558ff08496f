"""The drafts as rows: encrypted or not, for whom, about what, files, when.

Closes the trap of a cursor on another draft after the list came anew: it stays on its draft, or at its
place when that one is gone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len

from services.safe_text import SafeText, ui
from widgets.account_mark import ACCOUNT_INKS, AccountMark, mark_part
from widgets.cells import GUTTER_CELLS, fit, fit_right
from widgets.dates import DATE_CELLS, Calendar
from widgets.glyphs import UNICODE, Glyphs
from widgets.row_list import RowList
from widgets.rows import NO_SUBJECT, Part

if TYPE_CHECKING:
    from services.outbound_models import DraftRow

_NOBODY = ui("(nobody yet)")
_LOCKED = ui("encrypted; unlock your key to see the subject")
_FILE_CELLS = 3


class DraftList(RowList["DraftRow"]):
    """Rows of drafts; `current` is the one under the cursor."""

    INKS: ClassVar[Mapping[str, str]] = {**RowList.INKS, **ACCOUNT_INKS}

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._open: frozenset[str] = frozenset()
        self._marks: Mapping[str, AccountMark] = {}

    def show_accounts(self, marks: Mapping[str, AccountMark]) -> None:
        """Tell in each row whose it is, by these marks; without any, no row does."""
        self._marks = marks

    def key_of(self, record: DraftRow) -> Hashable:
        """Account and draft."""
        return record.account, record.draft_id

    def show_drafts(
        self, rows: Sequence[DraftRow], still_open: frozenset[str], empty: SafeText
    ) -> None:
        """List these; `still_open` are ids of drafts that are on the screen behind."""
        self._open = still_open
        self.show_records(rows, empty)

    def parts(self, record: DraftRow, width: int) -> list[Part]:
        """Whose it is, whether it is open and encrypted, for whom, about what, files, when."""
        glyphs = self._glyphs
        mark = mark_part(self._marks, record.account, width + GUTTER_CELLS, glyphs.ellipsis)
        return [mark, *self._parts(record, width - len(mark[0]))]

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
