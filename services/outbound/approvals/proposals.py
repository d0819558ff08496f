"""What agents want to send: proposed, changed, withdrawn, rejected, expired; and agents that pause.

Closes four traps: a program that sends by itself (a proposal only waits), an agent that changes what
the operator is about to approve without that being seen (every change is a new revision), one that
touches another one's proposal or the operator's own draft, and a decision that nobody wrote down
(each is one transaction with its audit line). Source: research/mail_clients.md §6. Everything here
waits for the disk: call it in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.draft import Draft, DraftState, Encryption
from services.errors import NotFound, PolicyRefused, UsageError
from services.outbound.approvals.comparing import Comparison, compare
from services.outbound.approvals.input_values import check_agent_name
from services.outbound.approvals.proposal_rows import ProposalRows, Standing, state_word
from services.outbound.drafts.draft_documents import DraftHead
from services.outbound.drafts.draft_store import RevisionConflict
from services.outbound.gate.addressing import recipients_of
from services.outbound.gate.policy import HOUR, History, NoHistory, Sender
from services.outbound.log.store import AGENTS, DRAFTS, STATE
from services.outbound_models import AgentView, ProposalRow
from services.safe_text import clean_line

if TYPE_CHECKING:
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.log.audit import AuditLog
    from services.outbound.log.store import OutboundStore

OPERATOR: Final = "operator"
_DECIDED: Final = (DraftState.REJECTED, DraftState.EXPIRED, DraftState.CANCELLED, DraftState.QUEUED)
_REVISABLE: Final = (DraftState.WAITING, DraftState.REJECTED, DraftState.EXPIRED)
_REASON_LIMIT: Final = 1_000
_DECIDED_ROWS: Final = 500
"""Decided proposals that are listed, the newest."""
_SEEN: Final = "seen"


class Proposals:
    """The proposals of one account; usable from any thread."""

    def __init__(
        self,
        sender: Sender,
        store: OutboundStore,
        drafts: Drafts,
        audit: AuditLog,
        *,
        history: History | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sender = sender
        self._store = store
        self._drafts = drafts
        self._audit = audit
        self._rows = ProposalRows(drafts, history or NoHistory())
        self._clock = clock

    def know(self, sender: Sender) -> None:
        """Judge by what is known of the account from now on: more inboxes may be ours."""
        self._sender = sender

    # ── agents ───────────────────────────────────────────────────────────────────────────────────

    def propose(self, draft: Draft, agent: str) -> Draft:
        """Keep what an agent wants to send until a person decides; also of one that is paused.

        Raises UsageError (the name, an empty draft), DiskFull, CacheLocked, CacheError.
        """
        name = check_agent_name(agent)
        if draft.is_blank:
            raise UsageError("There is nothing in this draft.", "Give it a recipient and a text.")
        new = replace(draft, revision=0, state=DraftState.WAITING, agent=name, changed_at=self._now)
        with self._store.transaction():
            if self._store.get(DRAFTS, draft.draft_id) is not None:
                raise UsageError("There is a draft with this id already.", "Revise that one.")
            saved = self._drafts.save(new, author=name, copy_on_conflict=False)
            self._know(name)
            self._note(f"agent {name}", "proposed", saved)
        return saved

    def revise(self, draft: Draft, agent: str) -> Draft:
        """Keep a new revision of an agent's own proposal; a rejected or expired one waits again.

        Raises PolicyRefused when it is somebody else's or on its way, RevisionConflict when it was
        changed since `draft.revision`, NotFound, and what `propose` raises.
        """
        name = check_agent_name(agent)
        with self._store.transaction():
            head = self._own(draft.draft_id, name)
            if head.is_settled or head.state not in _REVISABLE:
                raise PolicyRefused(
                    f"This proposal cannot be changed any more: it is {state_word(head)}.",
                    "Propose another mail.",
                )
            if head.revision != draft.revision:
                raise RevisionConflict("This proposal was changed since.", "Read it again.")
            if head.state is not DraftState.WAITING:
                self._drafts.put_state(draft.draft_id, DraftState.WAITING)
            saved = self._drafts.save(
                replace(draft, agent=name, state=DraftState.WAITING),
                author=name,
                copy_on_conflict=False,
            )
            self._note(f"agent {name}", "revised", saved)
        return saved

    def withdraw(self, draft_id: str, agent: str) -> DraftHead:
        """Take back an agent's own proposal; PolicyRefused when it is not its own or decided."""
        name = check_agent_name(agent)
        with self._store.transaction():
            self._waiting(self._own(draft_id, name))
            head = self._drafts.put_state(draft_id, DraftState.CANCELLED, reason="withdrawn")
            self._audit.record(f"agent {name}", "withdrawn", subject=_subject(head))
        return head

    # ── the operator ─────────────────────────────────────────────────────────────────────────────

    def reject(
        self, draft_id: str, reason: str, *, revision: int = 0, digest: str = ""
    ) -> DraftHead:
        """Refuse a proposal with a reason that its agent can read.

        `revision` is the one that was on the screen, 0 for whichever it is: UsageError when there is
        a newer one. PolicyRefused when there is nothing to decide any more, NotFound.
        """
        with self._store.transaction():
            head = self._drafts.head(draft_id)
            self._waiting(head)
            if revision and head.revision != revision:
                raise UsageError(
                    "The agent has changed this proposal in the meantime.", "Look at it again."
                )
            told = reason.strip()[:_REASON_LIMIT]
            after = self._drafts.put_state(draft_id, DraftState.REJECTED, reason=told)
            self._audit.record(
                OPERATOR, "rejected", subject=_subject(head), digest=digest, reason=told
            )
        return after

    def expire(self) -> tuple[str, ...]:
        """Close the proposals whose time to decide has passed; return their ids."""
        due = [head for head in self._drafts.heads(DraftState.WAITING) if self._is_due(head)]
        closed = []
        for head in due:
            with self._store.transaction():
                now = self._drafts.head(head.draft_id)
                if now.state is not DraftState.WAITING or not self._is_due(now):
                    continue
                hours = self._sender.policy.approval_hours
                reason = f"nobody decided within {hours} hours"
                self._drafts.put_state(head.draft_id, DraftState.EXPIRED, reason=reason)
                self._audit.record("program", "expired", subject=_subject(now), reason=reason)
                closed.append(head.draft_id)
        return tuple(closed)

    def pause(self, agent: str, *, is_paused: bool) -> None:
        """Stop an agent from sending anything, or let it again; its proposals are kept."""
        name = check_agent_name(agent)
        with self._store.transaction():
            self._store.put(AGENTS, name, {"paused": is_paused, "since": self._now})
            self._audit.record(OPERATOR, "paused" if is_paused else "resumed", subject=name)

    def is_paused(self, agent: str) -> bool:
        """Tell whether an agent may not send now."""
        known = self._store.get(AGENTS, agent)
        return known is not None and known.get("paused") is True

    def see(self, draft_id: str, revision: int) -> None:
        """Note that a revision was on the screen."""
        seen = self._seen()
        if seen.get(draft_id) != revision:
            with self._store.transaction():
                waiting = {head.draft_id for head in self._drafts.heads(DraftState.WAITING)}
                kept = {key: value for key, value in self._seen().items() if key in waiting}
                self._store.put(STATE, _SEEN, {**kept, draft_id: revision})

    # ── lists ────────────────────────────────────────────────────────────────────────────────────

    def waiting(self) -> int:
        """How many proposals a person has to decide."""
        return sum(not self._is_due(head) for head in self._drafts.heads(DraftState.WAITING))

    def rows(self, *, with_decided: bool = False) -> tuple[ProposalRow, ...]:
        """Return the proposals that wait, the oldest first; then the decided, the newest first."""
        paused = {name for name, about in self._store.all(AGENTS) if about.get("paused") is True}
        heads = sorted(self._drafts.heads(DraftState.WAITING), key=lambda head: head.made_at)
        if with_decided:
            heads += self._decided()
        return self._rows.of(heads, self._sender, Standing(self._seen(), paused))

    def agents(self, sent_today: Mapping[str, int] | None = None) -> tuple[AgentView, ...]:
        """Return the agents that have ever proposed something, by name."""
        waiting: dict[str, int] = {}
        for head in self._drafts.heads(DraftState.WAITING):
            waiting[head.agent] = waiting.get(head.agent, 0) + 1
        known = {name: about.get("paused") is True for name, about in self._store.all(AGENTS)}
        sent = sent_today or {}
        return tuple(
            AgentView(
                self._sender.account,
                name,
                clean_line(name, 100),
                known.get(name, False),
                waiting.get(name, 0),
                sent.get(name, 0),
            )
            for name in sorted({*known, *waiting})
        )

    def compare(self, draft_id: str) -> Comparison:
        """Compare a proposal with its previous revision; raises NotFound, Locked."""
        kept = self._drafts.revisions(draft_id)
        if not kept:
            raise NotFound("There is no such proposal.")
        if len(kept) == 1:
            return Comparison(0, kept[0].number, ())
        return compare(kept[-2].draft, kept[-1].draft)

    # ── one proposal ─────────────────────────────────────────────────────────────────────────────

    def _decided(self) -> list[DraftHead]:
        """Agents' drafts that are decided, also those that have left."""
        found = [
            head
            for head in self._drafts.every()
            if head.agent and (head.is_settled or head.state in _DECIDED) and not head.discarded_at
        ]
        return sorted(found, key=lambda head: head.changed_at, reverse=True)[:_DECIDED_ROWS]

    def _own(self, draft_id: str, agent: str) -> DraftHead:
        head = self._drafts.head(draft_id)
        if head.agent != agent:
            # Neither whether it exists nor whose it is is anything to another agent.
            raise NotFound("There is no such draft of this agent.")
        return head

    def _waiting(self, head: DraftHead) -> None:
        if head.is_settled or head.state is not DraftState.WAITING:
            raise PolicyRefused(f"There is nothing to decide any more: it is {state_word(head)}.")

    def _expires_at(self, head: DraftHead) -> int:
        return head.changed_at + self._sender.policy.approval_hours * HOUR

    def _is_due(self, head: DraftHead) -> bool:
        return self._expires_at(head) <= self._now

    def _seen(self) -> dict[str, int]:
        return dict(self._store.get(STATE, _SEEN) or {})

    def _know(self, agent: str) -> None:
        if self._store.get(AGENTS, agent) is None:
            self._store.put(AGENTS, agent, {"paused": False, "since": self._now})

    def _note(self, actor: str, action: str, draft: Draft) -> None:
        to = ", ".join(one.named for one in recipients_of(draft))
        if draft.encryption is Encryption.REQUIRED:
            # The draft is sealed on the disk: its words do not stand beside it in clear.
            self._audit.record(actor, action, subject=f"{to} (encrypted)")
            return
        self._audit.record(actor, action, subject=f"{to}: {draft.subject}", reason=draft.reason)

    @property
    def _now(self) -> int:
        return int(self._clock())


def _subject(head: DraftHead) -> str:
    if head.summary is None:
        return f"draft {head.draft_id}"
    return f"{', '.join(head.summary.recipients)}: {head.summary.subject}"
