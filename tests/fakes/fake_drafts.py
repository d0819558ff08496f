"""Drafts in memory: the same requests and events as the engine's, answered at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

from services import outbound_events as ev
from services.carried_events import CarryFiles
from services.draft import Draft, DraftKind
from services.events import Event, RequestFailed
from services.moving_events import MoveDraft
from services.outbound_models import DraftRow, OutboundCounts, RecipientSuggestion
from services.requests import Request
from services.safe_text import EMPTY, SafeText, clean_line, ui
from services.way_events import AskCarriage, AskWays, CarriageTold, Way, WaysTold
from tests.fakes.rows import NOON

Emit = Callable[[Event], None]

PEOPLE = (
    ("research@agents.example.com", "peer", True),
    ("Maria Ortiz <maria@shop.example>", "wrote to you", False),
    ("market@agents.example.com", "directory", True),
)


@dataclass
class FakeDrafts:
    """`kept` are the drafts by id; `full` refuses to save, `locked` to open, `unopened` is why none
    begins; `slow` does not answer saves before `go_on`, `opens_late` does not begin any before."""

    kept: dict[str, Draft] = field(default_factory=dict)
    full: bool = False
    locked: bool = False
    slow: bool = False
    unopened: SafeText = EMPTY
    opens_late: bool = False
    begun: Draft | None = None
    """What an answer or a template begins with."""
    requests: list[Request] = field(default_factory=list)
    dropped: dict[str, Draft] = field(default_factory=dict)
    held: list[Callable[[], None]] = field(default_factory=list)
    ways: tuple[Way, ...] = ()
    """The ways out that are told."""
    place: SafeText = EMPTY
    hindrances: tuple[tuple[SafeText, SafeText], ...] = ()
    """What is told to stand against files."""
    ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def saves(self) -> list[Draft]:
        return [one.draft for one in self.requests if isinstance(one, ev.SaveDraft)]

    def go_on(self) -> None:
        """Answer what was held back."""
        held, self.held = self.held, []
        for answer in held:
            answer()

    def answer(  # noqa: C901 - one case for each request
        self, number: int, request: Request, emit: Emit
    ) -> None:
        self.requests.append(request)
        match request:
            case ev.BeginDraft():
                self.held.append(lambda: emit(self._begun(number, request)))
                if not self.opens_late:
                    self.go_on()
            case ev.OpenDraft(draft_id) if self.locked:
                emit(ev.DraftLocked(number, ui("The draft is sealed, and your key is locked.")))
            case ev.OpenDraft(draft_id, account):
                emit(ev.DraftOpened(number, self.kept[draft_id], account))
            case MoveDraft(draft, _, to_account):
                self.kept.pop(draft.draft_id, None)
                moved = replace(draft, draft_id=f"{draft.draft_id}-{to_account}", revision=0)
                self._save(number, moved)
                emit(ev.DraftOpened(number, replace(moved, revision=1), to_account))
            case ev.SaveDraft(draft):
                self.held.append(lambda: emit(self._save(number, draft)))
                if not self.slow:
                    self.go_on()
            case ev.DiscardDraft() | ev.RestoreDraft():
                self._move(number, request, emit)
            case CarryFiles():
                pass
            case ev.ListDrafts():
                emit(ev.DraftsListed(number, self.rows()))
            case ev.SuggestRecipients(text):
                emit(ev.RecipientsSuggested(number, text, _suggestions(text)))
            case ev.AskPricing(address):
                lines = (ui("0.02 USD for each outcome"), ui("at least 1 USD"))
                emit(ev.PricingTold(number, address, lines))
            case AskCarriage(draft):
                told = self.hindrances if draft.files else ()
                emit(CarriageTold(number, draft.draft_id, told))
            case AskWays():
                emit(WaysTold(number, self.ways, self.place))
            case ev.CountOutbound():
                emit(ev.OutboundCounted(OutboundCounts(drafts=len(self.kept))))
            case _:
                emit(RequestFailed(number, ui("Nobody answers that here.")))

    def rows(self) -> tuple[DraftRow, ...]:
        return tuple(row_of(draft) for draft in self.kept.values())

    def _begun(self, number: int, request: ev.BeginDraft) -> Event:
        if self.unopened:
            return RequestFailed(number, self.unopened, ui("Enter a token."))
        account, found, _ = request.message_id.partition("\x1f")
        return ev.DraftOpened(number, self._begin(request), account if found else request.account)

    def _begin(self, request: ev.BeginDraft) -> Draft:
        if self.begun is not None:
            return self.begun
        draft = Draft.begin(request.kind, now=NOON)
        draft = replace(draft, draft_id=f"d{next(self.ids)}", to=request.to)
        if request.kind is DraftKind.NEW:
            return replace(draft, body=f"From {request.template}\n") if request.template else draft
        return replace(
            draft,
            to=("research@agents.example.com",),
            subject="Re: Findings on supplier risk",
            body="\n\nOn 3 Nov 2026, Research Agent wrote:\n> All of it is in column F.\n> > Which?\n",
            answers=request.message_id,
        )

    def _save(self, number: int, draft: Draft) -> Event:
        if self.full:
            return ev.DraftNotSaved(
                number, draft.draft_id, ui("The disk is full."), ui("Make room; nothing is lost.")
            )
        revision = draft.revision + 1
        self.kept[draft.draft_id] = replace(draft, revision=revision, changed_at=NOON)
        return ev.DraftSaved(number, draft.draft_id, revision)

    def _move(self, number: int, request: ev.DiscardDraft | ev.RestoreDraft, emit: Emit) -> None:
        gone = isinstance(request, ev.DiscardDraft)
        here, there = (self.kept, self.dropped) if gone else (self.dropped, self.kept)
        there[request.draft_id] = here.pop(request.draft_id)
        words = ui("The draft is discarded.") if gone else ui("The draft is back.")
        emit(ev.OutboundDone(number, words))
        emit(ev.DraftsListed(0, self.rows()))


def row_of(draft: Draft, remark: SafeText = EMPTY) -> DraftRow:
    """A draft as the list of drafts shows it."""
    return DraftRow(
        draft.draft_id,
        draft.changed_at,
        clean_line(", ".join(draft.recipients)),
        clean_line(draft.subject),
        encrypted=draft.encryption.value == "required",
        files=len(draft.files),
        remark=remark,
    )


def _suggestions(text: str) -> tuple[RecipientSuggestion, ...]:
    return tuple(
        RecipientSuggestion(address, clean_line(address), clean_line(source), has_key=has_key)
        for address, source, has_key in PEOPLE
        if text.casefold() in address.casefold()
    )
