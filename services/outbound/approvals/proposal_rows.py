"""The rows of a list of proposals, read and judged again only where something changed.

Closes the trap of a list of ten thousand that is told every second while they come in: the text of a
draft is read once for each revision, an address is judged once for each list, and a row that is as it
was is the same object, so that nothing has to be compared further. What only the own key opens is
opened each time, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.draft import Draft, DraftState
from services.errors import MailError
from services.outbound.gate.addressing import recipients_of
from services.outbound.gate.look_alikes import LookAlikes
from services.outbound.gate.policy import HOUR, History, Sender
from services.outbound_models import ProposalRow
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase, ui

if TYPE_CHECKING:
    from services.outbound.drafts.draft_documents import DraftHead
    from services.outbound.drafts.draft_store import Drafts


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a row tells of a text; `addresses` are bare, "" for what names no address."""

    to: SafeText
    subject: SafeText
    addresses: tuple[str, ...] = ()
    answers: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a row tells besides its draft: revisions that were seen, by draft, and paused agents."""

    seen: Mapping[str, int]
    paused: Set[str]


class ProposalRows:
    """The rows of one account's proposals; usable from any thread."""

    def __init__(self, drafts: Drafts, history: History) -> None:
        self._drafts = drafts
        self._history = history
        self._facts: Mapping[str, tuple[int, _Facts]] = {}
        self._rows: Mapping[str, ProposalRow] = {}
        self._known: tuple[frozenset[str], LookAlikes] = (frozenset(), LookAlikes(()))

    def of(
        self, heads: Iterable[DraftHead], sender: Sender, standing: Standing
    ) -> tuple[ProposalRow, ...]:
        """Return a row for each of these drafts."""
        judge = _Judge(sender, self._history, self._look_alikes(sender))
        facts: dict[str, tuple[int, _Facts]] = {}
        rows: dict[str, ProposalRow] = {}
        for head in heads:
            told = self._told(head, facts)
            row = _row(head, told, judge, standing)
            before = self._rows.get(head.draft_id)
            rows[head.draft_id] = before if before is not None and before == row else row
        self._facts, self._rows = facts, rows
        return tuple(rows.values())

    def _look_alikes(self, sender: Sender) -> LookAlikes:
        known = frozenset((*sender.internal, *self._history.known_addresses()))
        if self._known[0] != known:
            self._known = known, LookAlikes(known)
        return self._known[1]

    def _told(self, head: DraftHead, kept: dict[str, tuple[int, _Facts]]) -> _Facts | None:
        """Return what is known of a text; None when its key is locked or it has gone."""
        revision, facts = self._facts.get(head.draft_id, (0, None))
        if facts is None or revision != head.revision or head.summary is None:
            draft = self._opened(head)
            facts = None if draft is None else _facts(draft)
        if facts is not None and head.summary is not None:
            kept[head.draft_id] = head.revision, facts
        return facts

    def _opened(self, head: DraftHead) -> Draft | None:
        if head.is_settled or head.discarded_at:
            return None
        try:
            return self._drafts.get(head.draft_id)
        except MailError:
            return None


class _Judge:
    """What to know of addresses before a mail is opened: each is judged once."""

    def __init__(self, sender: Sender, history: History, known: LookAlikes) -> None:
        self.sender = sender
        self._history = history
        self._known = known
        self._marks: dict[tuple[str, str], tuple[str, ...]] = {}

    def marks(self, facts: _Facts) -> Iterator[SafeText]:
        """Yield what speaks of the recipients of a mail, each mark once."""
        found: dict[str, None] = {}
        for address in facts.addresses:
            found |= dict.fromkeys(self._of(address, facts.answers))
        yield from map(ui, found)

    def _of(self, address: str, answers: str) -> tuple[str, ...]:
        place = (address, answers)
        if place not in self._marks:
            self._marks[place] = tuple(self._judged(address, answers))
        return self._marks[place]

    def _judged(self, address: str, answers: str) -> Iterator[str]:
        if not address:
            yield "no address"
            return
        if not self.sender.is_internal(address):
            yield "external"
            if not (answers and self._history.has_written(address, answers)):
                yield "cold"
            if self._known.of(address):
                yield "look-alike"
        if not (self._history.was_written_to(address) or self._history.has_written(address)):
            yield "first contact"


def _facts(draft: Draft) -> _Facts:
    return _Facts(
        _to(draft.recipients),
        _subject(draft.subject),
        tuple(one.address for one in recipients_of(draft)),
        draft.answers,
    )


def _to(recipients: Iterable[str]) -> SafeText:
    return join(", ", (clean_line(one, 320) for one in recipients))


def _subject(subject: str) -> SafeText:
    return clean_line(subject, 300)


def _row(head: DraftHead, facts: _Facts | None, judge: _Judge, standing: Standing) -> ProposalRow:
    is_waiting = head.state is DraftState.WAITING and not head.is_settled
    summary = head.summary
    shown = facts or (_Facts(_to(summary.recipients), _subject(summary.subject)) if summary
                      else _Facts(EMPTY, EMPTY))  # fmt: skip
    return ProposalRow(
        account=judge.sender.account,
        draft_id=head.draft_id,
        agent=clean_line(head.agent, 100),
        to=shown.to,
        subject=shown.subject,
        made_at=head.made_at,
        revision=head.revision,
        state=_state(head),
        is_waiting=is_waiting,
        marks=tuple(_marks(head, facts, judge)) if is_waiting else (),
        is_paused=head.agent in standing.paused,
        expires_at=head.changed_at + judge.sender.policy.approval_hours * HOUR,
        unseen=is_waiting and standing.seen.get(head.draft_id) != head.revision,
    )


def _marks(head: DraftHead, facts: _Facts | None, judge: _Judge) -> Iterator[SafeText]:
    """What to know before opening it; the review says more."""
    if facts is None:
        yield ui("locked")
    else:
        yield from judge.marks(facts)
    if head.is_encrypted:
        yield ui("encrypted")
    if head.files:
        yield phrase("{} file" if head.files == 1 else "{} files", head.files)
    if head.reason:
        yield ui("came back")


def state_word(head: DraftHead) -> str:
    """Return how a proposal stands, in a word."""
    if head.is_settled:
        return "sent"
    return "in the outbox" if head.state is DraftState.QUEUED else head.state.value


def _state(head: DraftHead) -> SafeText:
    word = state_word(head)
    if not head.reason or head.state is DraftState.QUEUED:
        return ui(word) if word else EMPTY
    return phrase("{}: {}", ui(word), clean_line(head.reason, 300))
