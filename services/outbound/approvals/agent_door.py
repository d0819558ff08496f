"""What agents may do with drafts: hand in, change, withdraw and ask about their own. Never send.

Closes four traps: an agent that is run twice and proposes the same mail twice (the same key, or the
same content while it waits, is the same proposal), text that is lost because one address in it was
wrong (it is kept, unfinished, and can be corrected), an agent in a loop that floods the operator,
and one that changes a text which the operator has edited and is about to approve.

Everything here waits for the disk: call it in a thread, or where nobody waits.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.draft import Draft, DraftKind, DraftState
from services.errors import MailError, NotFound, PolicyRefused, UsageError
from services.outbound.approvals.agent_room import AgentRoom
from services.outbound.approvals.draft_status import NOT_PROPOSED, DraftStatus, status_of
from services.outbound.drafts.draft_documents import SCRIPT, DraftHead, content_document

if TYPE_CHECKING:
    from services.outbound.approvals.proposals import Proposals
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.log.audit import AuditLog
    from services.outbound.log.store import OutboundStore
    from services.outbound.outbox.outbox import Outbox
    from services.outbound.outbox.outbox_documents import OutboxEntry

WAITING_LIMIT: Final = 500
"""Proposals of one agent that wait at the same time."""
UNFINISHED_LIMIT: Final = 50
"""Drafts of one agent that are kept although they could not be proposed."""
_REASON_LIMIT: Final = 1_000


class KeyUsed(UsageError):
    """The agent's own key names another mail already."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an office that the door stands on; `seconds` is how long a proposal lives."""

    store: OutboundStore
    drafts: Drafts
    proposals: Proposals
    outbox: Outbox
    audit: AuditLog
    seconds: int
    clock: Callable[[], float]


@dataclass(frozen=True, slots=True)
class HandedIn:
    """What became of what was handed in; not `is_new` when it was there already."""

    status: DraftStatus
    is_new: bool = True


class AgentDoor:
    """The drafts of one account as agents and scripts may use them.

    `agent` is the name that the caller gives, "" for the operator's own drafts.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._drafts = parts.drafts
        self._proposals = parts.proposals
        self._room = AgentRoom(parts.drafts)

    # ── handing in ───────────────────────────────────────────────────────────────────────────────

    def propose(self, draft: Draft, agent: str, key: str = "") -> HandedIn:
        """Keep a mail until a person decides; the same one again is the one that is there.

        `key` is the agent's own name for the mail. Raises KeyUsed when it names another one,
        PolicyRefused when too many wait, and what `Proposals.propose` raises.
        """
        new = named_by(agent, key, draft) if key else draft
        store = self._parts.store
        store.refresh()
        version, known = store.version, self._known(new, agent, has_key=bool(key))
        # Looked at outside of the transaction: reading hundreds of drafts must not hold up the app.
        with store.transaction():
            if store.version != version:
                known = self._known(new, agent, has_key=bool(key))
            if known is not None:
                return HandedIn(self.status(known.draft_id), is_new=False)
            self._room.make(agent)
            saved = self._proposals.propose(new, agent)
        return HandedIn(self.status(saved.draft_id))

    def keep(self, draft: Draft) -> HandedIn:
        """Keep a draft of the operator's own."""
        if draft.is_blank:
            raise UsageError("There is nothing in this draft.", "Give it a recipient or a text.")
        return HandedIn(self.status(self._drafts.save(draft, author=SCRIPT).draft_id))

    def keep_unfinished(self, draft: Draft, agent: str, problem: str) -> str:
        """Keep what could be read of a mail that cannot be proposed; its id, "" if it is not kept.

        Not kept is what is empty, and what comes from an agent that has too many of these.
        """
        if draft.is_blank:
            return ""
        reason = f"{NOT_PROPOSED}{problem}"[:_REASON_LIMIT]
        with self._parts.store.transaction():
            try:
                self._room.make(agent)
            except PolicyRefused:
                return ""
            unfinished = [
                head
                for head in self._drafts.heads(DraftState.REJECTED)
                if head.agent == agent and head.reason.startswith(NOT_PROPOSED)
            ]
            known = self._same(draft, unfinished)
            if known is None and len(unfinished) >= UNFINISHED_LIMIT:
                return ""
            if known is not None:
                self._drafts.put_state(known.draft_id, DraftState.REJECTED, reason=reason)
                return known.draft_id
            new = replace(draft, revision=0, state=DraftState.REJECTED, agent=agent)
            saved = self._drafts.save(new, author=agent, copy_on_conflict=False)
            self._drafts.put_state(saved.draft_id, DraftState.REJECTED, reason=reason)
            self._parts.audit.record(
                f"agent {agent}",
                "kept unfinished",
                subject=f"draft {saved.draft_id}",
                reason=reason,
            )
        return saved.draft_id

    # ── changing ─────────────────────────────────────────────────────────────────────────────────

    def edit(self, draft_id: str, agent: str, change: Callable[[Draft], Draft]) -> HandedIn:
        """Keep a changed draft as a new revision; a proposal waits (again) for a decision.

        Raises NotFound when it is not the caller's, PolicyRefused when it is decided or the operator
        has edited it, Locked when it is sealed and its key is locked, RevisionConflict.
        """
        with self._parts.store.transaction():
            head = self._own(draft_id, agent)
            draft = self._drafts.get(draft_id)
            if head.state in (DraftState.REJECTED, DraftState.EXPIRED):
                # What stands there now is why it was refused, not what its agent says.
                draft = replace(draft, reason="")
            changed = change(draft)
            if _content(changed) == _content(draft) and not agent:
                return HandedIn(self.status(draft_id), is_new=False)
            if not agent:
                # What the operator wrote on the screen stays the operator's: see `require_finished`.
                author = "" if changed.is_blank else head.author
                self._drafts.save(changed, author=author, copy_on_conflict=False)
                return HandedIn(self.status(draft_id))
            if changed.is_blank:
                raise UsageError("Nothing would be left of this draft.", "Withdraw it instead.")
            self._require_unedited(draft_id)
            self._room.make(agent)
            self._proposals.revise(changed, agent)
        return HandedIn(self.status(draft_id))

    def require_finished(self, draft_id: str) -> None:
        """Raise PolicyRefused for a draft that the operator still writes on, on the screen.

        No script can know that it is finished, an agent's proposal that was edited included: then
        its agent would send words of the operator's. NotFound.
        """
        head = self._drafts.head(draft_id)
        if not head.is_settled and not head.author:
            raise PolicyRefused(
                "The operator still writes on this draft: no script sends it.",
                "Send it in the app, or run this in a terminal.",
            )

    def withdraw(self, draft_id: str, agent: str) -> None:
        """Take back a proposal, or drop a draft of the operator's own; raises as `edit`."""
        head = self._own(draft_id, agent)
        if not agent:
            self._drafts.discard(draft_id)
        elif head.state is not DraftState.CANCELLED:
            self._proposals.withdraw(draft_id, agent)

    # ── asking ───────────────────────────────────────────────────────────────────────────────────

    def status(self, draft_id: str, agent: str = "") -> DraftStatus:
        """Tell where a draft stands; needs no key. NotFound, also for another agent's."""
        head = self._head(draft_id, agent)
        return self._status(head, self._parts.outbox.of_draft(draft_id))

    def list(
        self, agent: str = "", *, with_settled: bool = False
    ) -> tuple[tuple[DraftHead, DraftStatus], ...]:
        """Return what is known of drafts, newest first: of one agent, or of everybody."""
        outbox = self._parts.outbox
        entries: dict[str, list[OutboxEntry]] = {}
        for entry in (*outbox.settled(), *outbox.open()):
            entries.setdefault(entry.draft_id, []).append(entry)
        found = [
            (head, self._status(head, entries.get(head.draft_id, ())))
            for head in self._heads()
            if (not agent or head.agent == agent) and (with_settled or not head.is_settled)
        ]
        return tuple(sorted(found, key=lambda one: one[1].changed_at, reverse=True))

    def _status(self, head: DraftHead, entries: Iterable[OutboxEntry]) -> DraftStatus:
        return status_of(
            head,
            entries,
            is_paused=bool(head.agent) and self._proposals.is_paused(head.agent),
            expires_at=head.changed_at + self._parts.seconds,
            now=self._now,
        )

    def read(self, draft_id: str, agent: str = "") -> Draft:
        """Return what a draft says; NotFound when it is another agent's or has left, Locked."""
        self._head(draft_id, agent)
        return self._drafts.get(draft_id)

    # ── one draft ────────────────────────────────────────────────────────────────────────────────

    def _head(self, draft_id: str, agent: str) -> DraftHead:
        head = self._drafts.head(draft_id)
        if (agent and head.agent != agent) or head.discarded_at:
            raise _no_such(agent)
        return head

    def _own(self, draft_id: str, agent: str) -> DraftHead:
        head = self._drafts.head(draft_id)
        if head.agent == agent:
            return head
        if agent:
            raise _no_such(agent)
        raise PolicyRefused(
            f"This draft was proposed by the agent {head.agent}.",
            "Edit it in the app, or name the agent with --from-agent.",
        )

    def _require_unedited(self, draft_id: str) -> None:
        newest = self._drafts.revisions(draft_id)[-1]
        if not newest.author:
            raise PolicyRefused(
                "The operator has edited this proposal; it cannot be changed by an agent any more.",
                "Wait for the decision, or propose another mail.",
            )

    def _known(self, draft: Draft, agent: str, *, has_key: bool) -> DraftHead | None:
        """Return the draft that this one repeats; PolicyRefused when there is no room for another."""
        known = self._by_key(draft) if has_key else None
        if known is not None:
            return known
        waiting = [h for h in self._drafts.heads(DraftState.WAITING) if h.agent == agent]
        known = None if has_key else self._same(draft, waiting)
        if known is None and len(waiting) >= WAITING_LIMIT:
            raise PolicyRefused(
                f"{WAITING_LIMIT} mails of this agent wait for a decision already.",
                "Nothing more is taken until a person has decided some of them.",
            )
        return known

    def _by_key(self, draft: Draft) -> DraftHead | None:
        """Return the draft that an agent's key names; KeyUsed when that is another mail."""
        try:
            head = self._drafts.head(draft.draft_id)
        except NotFound:
            return None
        if head.discarded_at:
            raise KeyUsed(
                "The mail that this idempotency_key names was dropped by the operator.",
                "Ask the operator, or give this one a key of its own.",
            )
        if not self._may_be(draft):
            raise KeyUsed(
                f"This idempotency_key names another mail of yours already: {draft.draft_id}.",
                "Change that one with draft edit, or give this one a key of its own.",
            )
        return head

    def _may_be(self, draft: Draft) -> bool:
        """Tell whether the kept draft of the same id says the same.

        One that has left, or is sealed, cannot be compared: then the key alone tells.
        """
        try:
            return _content(self._drafts.get(draft.draft_id)) == _content(draft)
        except MailError:
            return True

    def _same(self, draft: Draft, among: Iterable[DraftHead]) -> DraftHead | None:
        """Return the one of these that says the very same, None without one."""
        wanted = _content(draft)
        for head in among:
            if head.files == len(draft.files):
                with suppress(MailError):
                    if _content(self._drafts.get(head.draft_id)) == wanted:
                        return head
        return None

    def _heads(self) -> Iterator[DraftHead]:
        return (head for head in self._drafts.every() if not head.discarded_at)

    @property
    def _now(self) -> int:
        return int(self._parts.clock())


def named_by(agent: str, key: str, draft: Draft) -> Draft:
    """Return a draft under the id that an agent's own key for it stands for."""
    draft_id = _id_of(agent, key)
    return replace(draft, draft_id=draft_id, idempotency_key=f"draft-{draft_id}")


def _id_of(agent: str, key: str) -> str:
    """Return the draft id of an agent's key: no two agents share one, however they name things."""
    return hashlib.blake2b(f"{agent}\0{key}".encode(), digest_size=16).hexdigest()


def _content(draft: Draft) -> dict[str, object]:
    """Return what two attempts to hand in the same mail have in common."""
    # A file that is sent on lies in a folder of its draft's own, at each attempt in another one.
    paths = (Path(file.name) if file.origin else file.path for file in draft.files)
    files = tuple(
        replace(file, path=path, size=-1, modified=-1)
        for file, path in zip(draft.files, paths, strict=True)
    )
    is_made_up = draft.kind is DraftKind.MARKET_REQUEST
    request_id = "" if is_made_up else draft.marketplace_request_id
    return content_document(
        replace(draft, files=files, marketplace_request_id=request_id, reason="")
    )


def _no_such(agent: str) -> NotFound:
    whose = f" of the agent {agent}" if agent else ""
    return NotFound(f"There is no such draft{whose}.", "See: agentmail-tui draft list")
