"""Reviews, proposals, outbox and audit in memory: the same requests and events as the engine's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256

from services import outbound_events as ev
from services.audit_events import AuditListed, ListAudit
from services.events import Event, RequestFailed
from services.outbound_models import (
    AgentView,
    AuditRow,
    CheckLevel,
    CheckView,
    DiffLine,
    OutboxRow,
    OutboxState,
    ProposalRow,
    ReviewFile,
    ReviewRecipient,
    ReviewView,
)
from services.requests import Request
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui
from tests.fakes.fake_keys import fingerprint
from tests.fakes.rows import NOON

HOUR = 3_600
DAY = 24 * HOUR
OPS = ui("ops-bot@agents.example.com")


def digest_of(seed: str) -> str:
    return sha256(seed.encode()).hexdigest()


def lines(text: str) -> tuple[SafeText, ...]:
    return tuple(clean_line(line) for line in text.split("\n"))


def file(name: str, size: int = 1_400_000, *, encrypted: bool = True) -> ReviewFile:
    return ReviewFile(clean_line(name), ui("application/pdf"), size, digest_of(name), encrypted)


RESEARCH = ReviewRecipient(
    ui("research@agents.example.com"), ui("to"), is_external=False,
    fingerprint=fingerprint("research").groups,
    pinned=ui("pinned 12 Oct 2026, verified by voice"),
)  # fmt: skip
OVERSIGHT = ReviewRecipient(ui("oversight@example.com"), ui("oversight copy"))
BUYER = ReviewRecipient(ui("sales@bigco.com"), ui("to"), is_first_contact=True)
OWN = ReviewView(
    account=OPS, account_name="main", draft_id="d3", revision=3, digest=digest_of("own"),
    sender=OPS, recipients=(RESEARCH,), subject=ui("Quarterly numbers"),
    body=lines("Please check column F before noon.\n\nThe attached report has all of them."),
    files=(file("report.pdf"),), encrypted=True, in_clear=ui("Subject, addresses, file names"),
    undo_seconds=10, approval=ui("approval not needed: internal"),
    checks=(
        CheckView("missing_attachment", CheckLevel.FINE,
                  ui("The text says “attached”, and 1 file is attached.")),
        CheckView("first_contact", CheckLevel.CAUTION,
                  ui("This is the first mail to research since its key changed.")),
    ),
)  # fmt: skip
PROPOSED = ReviewView(
    account=OPS, account_name="main", draft_id="p1", revision=3, digest=digest_of("proposed"),
    sender=OPS, recipients=(BUYER, OVERSIGHT), subject=ui("Intro call?"),
    body=lines("Hello,\n\nwe can offer 10 % off until Friday.\n\nlead-gen"),
    undo_seconds=10, approval=ui("a person has to approve it: external"),
    checks=(
        CheckView("external", CheckLevel.CAUTION, ui("It leaves the house: sales@bigco.com.")),
        CheckView("first_contact", CheckLevel.DANGER, ui("Nobody has written to bigco.com yet.")),
    ),
    agent=ui("lead-gen"), agent_says=ui("They asked for an offer in their web form."),
    expires_at=NOON + 20 * HOUR,
)  # fmt: skip


def proposal(draft_id: str, agent: str, to: str, subject: str, **more: object) -> ProposalRow:
    made = ProposalRow(
        "main", draft_id, clean_line(agent), clean_line(to), clean_line(subject),
        made_at=NOON - 4 * 60, revision=1, state=ui("waiting"), is_waiting=True,
        marks=(ui("external"),), expires_at=NOON + 20 * HOUR,
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


PROPOSALS = (
    proposal("p1", "lead-gen", "sales@bigco.com", "Intro call?", revision=3,
             marks=(ui("external"), ui("cold"), ui("first contact"))),
    proposal("p2", "billing", "maria@shop.de", "Invoice 4821", made_at=NOON - HOUR, unseen=False,
             marks=(ui("external"), ui("known"))),
    proposal("p3", "lead-gen", "info@acme.example", "Partnership", made_at=NOON - 3 * HOUR,
             is_paused=True),
)  # fmt: skip
DECIDED = (
    proposal("p0", "billing", "jo@shop.de", "Reminder", made_at=NOON - DAY, is_waiting=False,
             state=ui("rejected: wrong amount"), unseen=False),
)  # fmt: skip
AGENTS = (
    AgentView("main", "lead-gen", ui("lead-gen"), paused=True, waiting=2, sent_today=4),
    AgentView("main", "billing", ui("billing"), waiting=1, sent_today=10),
)
DIFF = (
    DiffLine("@", ui("To: sales@bigco.com, was info@bigco.com")),
    DiffLine(" ", ui("Hello,")),
    DiffLine("-", ui("we can offer 20 % off")),
    DiffLine("+", ui("we can offer 10 % off until Friday.")),
)


def outbox_row(
    entry_id: str, state: OutboxState, to: str, subject: str, **more: object
) -> OutboxRow:
    made = OutboxRow(entry_id, state, clean_line(to), clean_line(subject), NOON)
    return replace(made, **more)  # type: ignore[arg-type]


OUTBOX = (
    outbox_row("e1", OutboxState.PENDING, "research@agents.example.com", "Quarterly numbers",
               send_at=NOON + 310, encrypted=True, files=1),
    outbox_row("e2", OutboxState.CLAIMED, "billing@agents.example.com", "Video of the line",
               encrypted=True, files=3, progress=ui("uploading 12 %")),
    outbox_row("e3", OutboxState.UNCERTAIN, "maria@shop.de", "Invoice 4821", tries=1,
               sentence=ui("The connection broke after it was handed over.")),
    outbox_row("e4", OutboxState.PENDING, "team@agents.example.com", "Weekly report",
               send_at=NOON + 2 * DAY),
    outbox_row("e5", OutboxState.REFUSED, "nobody@agents.example.com", "Hello", tries=2,
               sentence=ui("The service knows no such agent.")),
)  # fmt: skip
SENT = (
    outbox_row("s1", OutboxState.SENT, "maria@shop.de", "Contract wording", changed_at=NOON - 600,
               server_id=ui("msg_7Qd2")),
    outbox_row("s2", OutboxState.SENT, "oversight@example.com", "Contract wording",
               changed_at=NOON - 600, is_copy=True, server_id=ui("msg_7Qd3")),
    outbox_row("s3", OutboxState.SENT, "research@agents.example.com", "Findings",
               changed_at=NOON - 2 * DAY, encrypted=True, files=2, server_id=ui("msg_61aa")),
)  # fmt: skip


def audit_row(number: int, actor: str, action: str, **more: object) -> AuditRow:
    made = AuditRow(number, NOON - 60 * (100 - number), clean_line(actor), clean_line(action))
    return replace(made, **more)  # type: ignore[arg-type]


AUDIT = (
    audit_row(5, "operator", "sent", subject=ui("maria@shop.de “Contract wording”"),
              digest=ui("7e21c0fa88d1"), answer=ui("202 msg_7Qd2")),
    audit_row(4, "operator", "approved", subject=ui("maria@shop.de “Contract wording”"),
              digest=ui("7e21c0fa88d1")),
    audit_row(3, "operator", "rejected", subject=ui("jo@shop.de “Reminder”"),
              digest=ui("11aa22bb33cc"), reason=ui("wrong amount")),
    audit_row(2, "agent billing", "proposed", subject=ui("jo@shop.de “Reminder”"),
              digest=ui("11aa22bb33cc")),
    audit_row(1, "operator", "paused agent", subject=ui("lead-gen")),
)  # fmt: skip


class FakeDecisions:
    """Answers at once; `voids` are reviews that a decision meets instead of going through."""

    def __init__(self, *reviews: ReviewView) -> None:
        self.reviews = {view.draft_id: view for view in reviews or (OWN, PROPOSED)}
        self.voids: dict[str, ReviewView] = {}
        self.fails: dict[type, str] = {}
        self.silent: set[type] = set()
        self.proposals: tuple[ProposalRow, ...] = PROPOSALS
        self.decided: tuple[ProposalRow, ...] = DECIDED
        self.agents: tuple[AgentView, ...] = AGENTS
        self.outbox: tuple[OutboxRow, ...] = OUTBOX
        self.sent: tuple[OutboxRow, ...] = SENT
        self.audit: tuple[AuditRow, ...] = AUDIT
        self.trouble = EMPTY
        self.diff: tuple[DiffLine, ...] = DIFF

    def answer(self, number: int, request: Request, emit: Callable[[Event], None]) -> None:
        failed = self.fails.get(type(request))
        if type(request) in self.silent:
            return
        if failed is not None:
            emit(RequestFailed(number, clean_line(failed), ui("Try again.")))
            return
        for event in self._events(number, request):
            emit(event)

    def _events(self, number: int, request: Request) -> list[Event]:  # noqa: C901 - one case each
        match request:
            case ev.ReviewDraft(draft_id=draft_id):
                return [ev.ReviewReady(number, self._review(draft_id))]
            case ev.SendDraft(draft_id=draft_id, digest=digest):
                return [self._decide(number, draft_id, digest)]
            case ev.RejectProposal(draft_id=draft_id):
                self._drop(draft_id)
                return [ev.OutboundDone(number, ui("Rejected; its agent can read why.")),
                        self._listed(0)]  # fmt: skip
            case ev.PauseAgent(agent=agent, paused=paused):
                self.agents = tuple(
                    replace(one, paused=paused) if one.name == agent else one for one in self.agents
                )
                word = ui("paused") if paused else ui("resumed")
                return [ev.OutboundDone(number, phrase("{} {}.", clean_line(agent), word)),
                        self._listed(0)]  # fmt: skip
            case ev.ListProposals(with_decided=decided):
                return [self._listed(number, with_decided=decided)]
            case ev.CompareProposal(draft_id=draft_id):
                return [ev.ProposalCompared(number, draft_id, 2, 3, self.diff)]
            case ev.ListOutbox(sent=sent):
                rows = self.sent if sent else self.outbox
                return [ev.OutboxListed(number, rows, sent)]
            case ev.ReadSent(entry_id=entry_id):
                return [self._read(number, entry_id)]
            case ev.CancelSend():
                return [ev.SendCancelled(number, "d3", ui("Nothing left; the draft is back."))]
            case ev.SettleUncertain() | ev.RetryNow():
                return [ev.OutboundDone(number, ui("Done."))]
            case ListAudit(words=words):
                rows = tuple(
                    row for row in self.audit if words in f"{row.actor} {row.action} {row.subject}"
                )
                return [AuditListed(number, rows, len(self.audit), self.trouble)]
        return []

    def _review(self, draft_id: str) -> ReviewView:
        known = self.reviews.get(draft_id)
        if known is not None:
            return known
        row = next(row for row in (*self.proposals, *self.decided) if row.draft_id == draft_id)
        recipient = ReviewRecipient(row.to, ui("to"))
        return replace(
            PROPOSED, draft_id=draft_id, digest=digest_of(draft_id), agent=row.agent,
            subject=row.subject, recipients=(recipient,), revision=row.revision,
        )  # fmt: skip

    def _decide(self, number: int, draft_id: str, digest: str) -> Event:
        void = self.voids.pop(draft_id, None)
        if void is not None:
            self.reviews[draft_id] = void
        if self._review(draft_id).digest != digest:
            changed = (ui("The file report.pdf has changed."), ui("The recipient is another."))
            sentence = ui("Nothing was sent: the mail is not what was decided on.")
            return ev.DecisionVoid(number, sentence, changed, self._review(draft_id))
        self._drop(draft_id)
        return ev.SendQueued(number, draft_id, ("e1",), NOON + 310, ui("Leaves in 10 s."))

    def _drop(self, draft_id: str) -> None:
        self.proposals = tuple(row for row in self.proposals if row.draft_id != draft_id)

    def _listed(self, number: int, *, with_decided: bool = False) -> ev.ProposalsListed:
        rows = self.proposals + (self.decided if with_decided else ())
        return ev.ProposalsListed(number, rows, self.agents, 14, with_decided=with_decided)

    def listed_anew(self) -> ev.ProposalsListed:
        """What is told unasked when something of the list has changed."""
        return self._listed(0)

    def _read(self, number: int, entry_id: str) -> ev.SentOpened:
        row = next(row for row in (*self.outbox, *self.sent) if row.entry_id == entry_id)
        facts = ((ui("To"), row.to), (ui("Subject"), row.subject), (ui("Id"), row.server_id))
        return ev.SentOpened(number, entry_id, facts, lines("Hello,\n\nthis is what left."))
