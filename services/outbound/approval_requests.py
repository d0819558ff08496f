"""Answers what the Approvals and Audit screens and the counters ask, over all accounts.

Closes two traps: a rejection or a pause that only the screen knows about (both are kept and audited
before they are told), and a list that is told again although nothing of it is different.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from services import outbound_events as ev
from services.audit_events import AuditListed, ListAudit
from services.draft import DraftState
from services.events import Event
from services.outbound.gate.policy import DAY
from services.outbound.office import Office
from services.outbound.offices import Offices
from services.outbound.outbox.outbox_contents import durable
from services.outbound.outbox.outbox_documents import NEVER_LEFT, UNDER_WAY
from services.outbound_models import AgentView, AuditRow, OutboundCounts, OutboxState, ProposalRow
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase, ui


class ApprovalRequests:
    """Tells proposals, the audit log and the counts, and carries out refusals.

    `coming` says how far the drafts on services are read.
    """

    def __init__(
        self,
        offices: Offices,
        emit: Callable[[Event], None],
        coming: Callable[[], SafeText] = lambda: EMPTY,
    ) -> None:
        self._offices = offices
        self._coming = coming
        self._told: ev.ProposalsListed | None = None
        self._emit = emit
        self.is_listed = False
        """A list of proposals was asked for: it is told again when it changes."""
        self._with_decided = False
        self._counts: OutboundCounts | None = None

    # ── proposals ────────────────────────────────────────────────────────────────────────────────

    async def list(self, request_id: int, request: ev.ListProposals) -> None:
        """Tell what agents want to send."""
        self.is_listed, self._with_decided = True, request.with_decided
        await self.tell(request_id)

    @property
    def is_behind(self) -> bool:
        """More has been read of the drafts on services than was told."""
        return self._told is not None and self._told.coming != self._coming()

    async def tell(self, request_id: int = 0) -> None:
        """Tell the proposals of all accounts as they are now; unasked only what is different."""
        coming, with_decided = self._coming(), self._with_decided
        rows: list[ProposalRow] = []
        agents: list[AgentView] = []
        for office in await self._offices.all():
            await office.unlock_silently()
            found = await durable(partial(_proposals, office, with_decided=with_decided))
            rows += found[0]
            agents += found[1]
        sent, caps = 0, []
        for office in await self._offices.shown():
            sent += await durable(partial(office.outbox.left_since, office.now - DAY))
            caps.append(office.account.policy.per_day)
        cap = sum(caps) if all(caps) else 0
        waiting_first = sorted(rows, key=lambda row: not row.is_waiting)
        told = ev.ProposalsListed(
            0, tuple(waiting_first), tuple(agents), sent, cap, with_decided, coming
        )
        if request_id or told != self._told:
            self._told = told
            self._emit(replace(told, request_id=request_id))

    async def compare(self, request_id: int, request: ev.CompareProposal) -> None:
        """Compare a proposal with what it was before."""
        office = await self._offices.get(request.account)
        await office.unlock_silently()
        found = await durable(lambda: office.proposals.compare(request.draft_id))
        told = ev.ProposalCompared(
            request_id, request.draft_id, found.older, found.newer, found.lines
        )
        self._emit(told)

    async def reject(self, request_id: int, request: ev.RejectProposal) -> None:
        """Refuse a proposal with a reason."""
        office = await self._offices.get(request.account)
        shown = office.decisions.shown(request.digest)
        revision = shown.revision if shown is not None else 0
        await durable(
            lambda: office.proposals.reject(
                request.draft_id, request.reason, revision=revision, digest=request.digest
            )
        )
        self._emit(ev.OutboundDone(request_id, ui("Rejected; its agent can read why.")))

    async def pause(self, request_id: int, request: ev.PauseAgent) -> None:
        """Stop an agent, or let it again."""
        office = await self._offices.get(request.account)
        await durable(lambda: office.proposals.pause(request.agent, is_paused=request.paused))
        agent = clean_line(request.agent, 100)
        sentence = (
            "{} is paused: nothing of it is sent." if request.paused else "{} may send again."
        )
        self._emit(ev.OutboundDone(request_id, phrase(sentence, agent)))
        office.sending.nudge()

    # ── audit ────────────────────────────────────────────────────────────────────────────────────

    async def audit(self, request_id: int, request: ListAudit) -> None:
        """Tell the audit logs, and where a chain is broken."""
        rows: list[AuditRow] = []
        total, troubles = 0, []
        for office in await self._logs(request.account):
            tag = self._offices.tag(office)
            page = await durable(partial(office.audit.rows, request.words, request.limit))
            rows += (replace(row, account=tag) for row in page.rows)
            total += page.total
            trouble = await durable(office.audit.verify)
            if trouble is not None:
                told = phrase("Line {}: {}", trouble.line, clean_line(trouble.sentence))
                troubles.append(phrase("{}: {}", clean_line(tag), told) if tag else told)
        if len({row.account for row in rows}) > 1:
            rows.sort(key=lambda row: row.at, reverse=True)
        shown = tuple(rows[: request.limit])
        self._emit(AuditListed(request_id, shown, total, join(" ", troubles)))

    async def _logs(self, account: str) -> tuple[Office, ...]:
        if account:
            return (await self._offices.get(account),)
        return await self._offices.shown()

    # ── counts ───────────────────────────────────────────────────────────────────────────────────

    async def count(self, request_id: int, _: ev.CountOutbound) -> None:
        """Tell how much is written, waits and is on its way."""
        del request_id
        self._counts = None
        await self.tell_counts()

    async def tell_counts(self) -> None:
        """Tell the counts when they are others than those that were told last."""
        own = [await durable(partial(_own_counts, one)) for one in await self._offices.shown()]
        waiting = 0
        for office in await self._offices.all():
            waiting += await durable(office.proposals.waiting)
        counts = OutboundCounts(
            sum(one.drafts for one in own),
            waiting,
            sum(one.outbox for one in own),
            sum(one.uncertain for one in own),
        )
        if counts != self._counts:
            self._counts = counts
            self._emit(ev.OutboundCounted(counts))


def _proposals(
    office: Office, *, with_decided: bool
) -> tuple[tuple[ProposalRow, ...], tuple[AgentView, ...]]:
    office.proposals.expire()
    since = office.now - DAY
    sent = Counter(
        entry.agent
        for entry in (*office.outbox.settled(), *office.outbox.open())
        if entry.agent and entry.queued_at >= since and entry.state not in NEVER_LEFT
    )
    rows = office.proposals.rows(with_decided=with_decided)
    return rows, office.proposals.agents(sent)


def _own_counts(office: Office) -> OutboundCounts:
    entries = office.outbox.open()
    return OutboundCounts(
        drafts=len(office.drafts.heads(DraftState.EDITING)),
        outbox=sum(entry.state in UNDER_WAY for entry in entries),
        uncertain=sum(entry.state is OutboxState.UNCERTAIN for entry in entries),
    )
