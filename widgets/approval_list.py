"""What agents want to send, one row each; and what stands about the agents above it.

Closes the trap of a proposal that looks looked-at because it is in a list: a row is marked unseen
until its whole content, as it stands now, was on screen.

    ▌● lead-gen → sales@bigco.com   Intro call?   4 min  external · cold · first contact   rev 3
     │
     └ its whole content was not on screen yet
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.outbound_models import AgentView, ProposalRow
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase, ui
from widgets.card_view import CardView
from widgets.cells import fit, fit_right
from widgets.dates import time_left
from widgets.flowing import Fact, flowed, padded
from widgets.glyphs import UNICODE, Glyphs
from widgets.row_list import RowList
from widgets.rows import NO_SUBJECT, Part

MINUTE: Final = 60
_MARK_CELLS: Final = 2
_AGE_CELLS: Final = 7
_REVISION_CELLS: Final = 7
_ROOMY: Final = 64
"""Cells of a row in which a revision that is not the first is told behind the subject."""
_WIDE: Final = 100
"""Cells of a row in which every revision is told, in a column of its own."""
_MOST_ROWS: Final = 2
_MOST_AGENTS: Final = 3
"""Agents whose sends of today are counted by name, the busiest first."""

Key = tuple[str, str]
"""Account and draft."""


@dataclass(frozen=True, slots=True)
class ProposalColumns:
    """How a row is divided, in cells; 0 leaves a column out. `subject` takes what is left.

    `tells_changed`: a revision that is not the first stands in the cells of the subject.
    """

    agent: int
    to: int
    subject: int
    marks: int
    revision: int
    tells_changed: bool


def proposal_columns(width: int) -> ProposalColumns:
    """The division of a row that is `width` cells wide."""
    is_wide = width >= _WIDE
    revision = _REVISION_CELLS if is_wide else 0
    agent = max(7, min(16, width // 9))
    to = max(10, min(30, width * 2 // 9))
    used = _MARK_CELLS + agent + 3 + to + 1 + 1 + _AGE_CELLS + 1
    left = max(0, width - used)
    # Where it is narrow the marks give way: the review below tells all of them,.
    share = (left - revision) // 2 if is_wide else left * 9 // 20
    marks = min(34, max(share, 12))
    subject = max(0, left - marks - revision)
    return ProposalColumns(agent, to, subject, marks, revision, _ROOMY <= width < _WIDE)


class ApprovalList(RowList[ProposalRow]):
    """Proposals; `saw` takes the mark of one away."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._seen: set[tuple[Key, int]] = set()
        self._names_accounts = False

    def key_of(self, record: ProposalRow) -> Hashable:
        """Account and draft."""
        return record.account, record.draft_id

    def show_records(self, records: Sequence[ProposalRow], empty: SafeText) -> None:
        """List proposals; those of several accounts name theirs."""
        several = len({record.account for record in records}) > 1
        self._names_accounts = several and not self._marks
        super().show_records(records, empty)

    def saw(self, record: ProposalRow) -> None:
        """The whole content of this revision was on screen."""
        self._seen.add(((record.account, record.draft_id), record.revision))
        self.show_record(record)

    def is_unseen(self, record: ProposalRow) -> bool:
        """Whether somebody has yet to look at all of it."""
        known = ((record.account, record.draft_id), record.revision) in self._seen
        return record.is_waiting and record.unseen and not known

    def parts(self, record: ProposalRow, width: int) -> Sequence[Part]:
        """The parts of a row."""
        columns = proposal_columns(width)
        ellipsis = self._glyphs.ellipsis
        unseen = self.is_unseen(record)
        voice = "strong" if unseen else "text" if record.is_waiting else "muted"
        waited = self._clock() - record.made_at
        age = time_left(waited) if waited >= MINUTE else ui("now")
        words, role = self._state(record)
        parts = [
            (f"{self._glyphs.unread if unseen else ' '} ", "accent"),
            (fit(self._agent_words(record), columns.agent, ellipsis), voice),
            (f" {self._glyphs.arrow} ", "muted"),
            (fit(record.to, columns.to, ellipsis) + " ", voice),
            *self._subject(record, columns, voice),
            (fit_right(age, _AGE_CELLS) + " ", "muted"),
            (fit(words, columns.marks, ellipsis), role),
        ]
        if columns.revision:
            revision = phrase("rev {}", record.revision)
            parts.append((fit_right(revision, columns.revision - 1) + " ", "muted"))
        return parts

    def _subject(self, record: ProposalRow, columns: ProposalColumns, voice: str) -> Iterator[Part]:
        is_told = columns.tells_changed and record.revision > 1
        changed = phrase(" rev {}", record.revision) if is_told else EMPTY
        cells = columns.subject - len(changed)
        yield fit(record.subject or NO_SUBJECT, cells, self._glyphs.ellipsis), voice
        yield f"{changed} ", "muted"

    def _agent_words(self, record: ProposalRow) -> SafeText:
        if not self._names_accounts:
            return record.agent
        return phrase("{}/{}", clean_line(record.account), record.agent)

    def _state(self, record: ProposalRow) -> Fact:
        if not record.is_waiting:
            return record.state, "muted"
        if record.is_paused:
            return join(f" {self._glyphs.dot} ", (ui("PAUSED"), *record.marks)), "alarm"
        if record.expires_at and record.expires_at <= self._clock():
            return ui("lapsed"), "alarm"
        return join(f" {self._glyphs.dot} ", record.marks), "caution"


@dataclass(frozen=True, slots=True)
class AgentCounts:
    """How much waits and was sent today; `coming` says what is still being read."""

    waiting: int
    sent_today: int
    coming: SafeText = EMPTY


class AgentStrip(CardView):
    """How much waits, how much was sent today, which agents are paused."""

    def __init__(
        self,
        *,
        glyphs: Glyphs = UNICODE,
        clock: Callable[[], float] = time.time,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(glyphs=glyphs, clock=clock, id=id)
        self._facts: Sequence[Fact] = ()

    def show_agents(
        self, counts: AgentCounts, agents: Sequence[AgentView], pause_key: SafeText
    ) -> None:
        """Show the counts, paused agents first."""
        self._facts = tuple(_agent_facts(counts, agents, pause_key))
        self.changed()

    def fitted(self, width: int) -> list[list[Part]]:
        """Facts in at most two rows; the rest is counted."""
        lines = [padded(line, width) for line in flowed(self._facts, width, self._glyphs)]
        return lines[:_MOST_ROWS] if self._facts else []


def _agent_facts(
    shown: AgentCounts, agents: Sequence[AgentView], pause_key: SafeText
) -> Iterator[Fact]:
    yield phrase("Waiting {:,}", shown.waiting), "strong"
    if shown.coming:
        yield shown.coming, "muted"
    for agent in agents:
        if agent.paused:
            yield phrase("{} PAUSED ({} resumes)", agent.shown, pause_key), "alarm"
    busy = [one for one in agents if one.sent_today and not one.paused]
    busy = sorted(busy, key=lambda one: -one.sent_today)[:_MOST_AGENTS]
    counts = [phrase("{} {:,}", one.shown, one.sent_today) for one in busy]
    yield join(", ", (phrase("sent today {:,}", shown.sent_today), *counts)), "text"
