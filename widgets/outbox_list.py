"""Mail that waits, is leaving, may have left or has left: one row each, and a note about the current one.

Closes the trap of "sent" said too early: every state has its own mark and words, and mail that may
have left says that a person has to decide, in the row itself.

    ▌? ▣ maria@shop.de           Invoice 4821             ∙1  MAY HAVE LEFT: Enter decides   14:05
     │ │
     │ └ encrypted
     └ where it stands
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.outbound_models import OutboxRow, OutboxState
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase, ui
from widgets.card_view import CardView
from widgets.cells import fit, fit_right, wrapped
from widgets.dates import DATE_CELLS, Calendar
from widgets.flowing import Fact, flowed_whole, padded
from widgets.glyphs import UNICODE, Glyphs
from widgets.row_list import RowList
from widgets.rows import NO_SUBJECT, Part

SOON: Final = 120
"""Mail that leaves within so many seconds is counted down."""
_MARK_CELLS: Final = 4
_FILE_CELLS: Final = 3
_MOST_NOTE_ROWS: Final = 4
_CALM: Final = frozenset({OutboxState.CANCELLED, OutboxState.EXPIRED})


@dataclass(frozen=True, slots=True)
class OutboxColumns:
    """How a row is divided, in cells; 0 leaves a column out. `subject` takes what is left."""

    to: int
    subject: int
    files: int
    state: int
    date: int


def outbox_columns(width: int, *, sent: bool) -> OutboxColumns:
    """The division of a row that is `width` cells wide; what was sent has a date, not a long state."""
    date = DATE_CELLS + 2 if sent and width >= 50 else 0
    files = _FILE_CELLS + 1 if width >= 56 else 0
    to = max(10, min(30, width // 4))
    state = min(22, width // 4) if sent else max(14, min(44, width * 2 // 5 - 2))
    used = _MARK_CELLS + to + 2 + files + state + date
    return OutboxColumns(to, max(0, width - used), files, state, date)


def state_mark(row: OutboxRow, glyphs: Glyphs) -> Fact:
    """The one cell that tells where a mail stands, and its role."""
    return {
        OutboxState.PENDING: (glyphs.pending, "text"),
        OutboxState.CLAIMED: (glyphs.arrow, "accent"),
        OutboxState.SENT: (glyphs.verified, "good"),
        OutboxState.REFUSED: (glyphs.unverified, "danger"),
        OutboxState.UNCERTAIN: (ui("?"), "alarm"),
        OutboxState.CANCELLED: (ui("-"), "muted"),
        OutboxState.EXPIRED: (ui("-"), "muted"),
    }[row.state]


def state_words(row: OutboxRow, now: float, settle_key: SafeText) -> Fact:
    """Where a mail stands, in a few words; what a person has to do comes first."""
    if row.state is OutboxState.UNCERTAIN:
        return phrase("MAY HAVE LEFT: {} decides", settle_key), "alarm"
    if row.state is OutboxState.REFUSED:
        return phrase("REFUSED: {}", row.sentence or ui("its draft is back")), "danger"
    if row.state is OutboxState.SENT:
        sent = row.sentence or ui("sent")
        return (phrase("copy: {}", sent) if row.is_copy else sent), "text"
    if row.state in _CALM:
        words = row.state.words
        return (phrase("{}: {}", words, row.sentence) if row.sentence else words), "muted"
    if row.progress:
        return row.progress, "accent"
    if row.state is OutboxState.CLAIMED:
        return row.state.words, "accent"
    return _waiting_words(row, now), "text"


def _waiting_words(row: OutboxRow, now: float) -> SafeText:
    left = row.send_at - now
    if left > SOON:
        return phrase("leaves {}", clean_line(Calendar.at(now).full(row.send_at)))
    if left > 0:
        return phrase("leaves in {} s", round(left))
    return row.sentence or ui("next to leave")


class OutboxList(RowList[OutboxRow]):
    """The outbox, or what was sent."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        settle_key: SafeText = EMPTY,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._settle_key = settle_key
        self.sent = False
        """Whether it lists what has left."""

    def key_of(self, record: OutboxRow) -> Hashable:
        """Its own id."""
        return record.entry_id

    @property
    def counts(self) -> bool:
        """Whether some row tells seconds."""
        now = self._clock()
        return any(
            row.state is OutboxState.PENDING and -1 < row.send_at - now <= SOON
            for row in self._records
        )

    def tick(self) -> None:
        """A second has passed: paint the rows that tell seconds."""
        now = self._clock()
        for place, row in enumerate(self._records):
            if row.state is OutboxState.PENDING and -2 < row.send_at - now <= SOON:
                self.refresh_row(place)

    def parts(self, record: OutboxRow, width: int) -> Sequence[Part]:
        """The parts of a row."""
        columns, ellipsis = outbox_columns(width, sent=self.sent), self._glyphs.ellipsis
        mark, mark_role = state_mark(record, self._glyphs)
        words, role = state_words(record, self._clock(), self._settle_key)
        voice = "muted" if record.is_copy or record.state in _CALM else "text"
        encrypted = self._glyphs.encrypted if record.encrypted else " "
        files = f"{self._glyphs.attachment}{record.files}" if record.files else ""
        parts: list[Part] = [
            (f"{mark} ", mark_role),
            (f"{encrypted} ", "text"),
            (fit(record.to, columns.to, ellipsis) + " ", voice),
            (fit(record.subject or NO_SUBJECT, columns.subject, ellipsis) + " ", voice),
        ]
        if columns.files:
            parts.append((fit(files, columns.files), "muted"))
        parts.append((fit(words, columns.state, ellipsis), role))
        if columns.date:
            date = Calendar.at(self._clock()).short(record.changed_at)
            parts.append((fit_right(date, columns.date - 1) + " ", "muted"))
        return parts


class OutboxNote(CardView):
    """Everything about the current mail that its row had to cut."""

    _row: OutboxRow | None = None

    def show_row(self, row: OutboxRow | None) -> None:
        """Show a mail, or nothing."""
        self._row = row
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """Recipient and state, then the sentence, in at most four rows."""
        if self._row is None:
            return []
        rows = flowed_whole([*self._facts(self._row)], width, self._glyphs)
        counted = self._row.state is OutboxState.PENDING and self._row.send_at > self._clock()
        # Its row counts the seconds: the sentence was made when the list was read.
        sentence = EMPTY if counted else self._row.sentence
        rows += [[(sentence[start:end], "text")] for start, end in wrapped(sentence, width)] \
            if sentence else []  # fmt: skip
        return [padded(row, width) for row in rows[:_MOST_NOTE_ROWS]]

    def _facts(self, row: OutboxRow) -> Iterator[Fact]:
        yield join(" ", (row.to, self._glyphs.dot, row.subject or NO_SUBJECT)), "strong"
        yield row.state.words, "text"
        if row.is_copy:
            yield ui("oversight copy"), "text"
        if row.encrypted:
            yield phrase("{} encrypted", self._glyphs.encrypted), "good"
        if row.tries > 1:
            yield phrase("{:,} tries", row.tries), "text"
        if row.server_id:
            yield phrase("id {}", row.server_id), "muted"
