"""What is kept here of the drafts on the service: which proposal stands for which, and in what state.

Closes three traps: a proposal without its link, or a link without its proposal, after a program died
between two steps (each change is one transaction), two programs that take in the same draft (the
second finds another link than it read, and does nothing), and a change there that is lost because
somebody writes on the proposal at that moment (the link stays as it was, so the next look comes
again). Waits for the disk: call it in a thread.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.draft import SERVICE_AGENT, DraftState
from services.errors import NotFound, PolicyRefused
from services.outbound.approvals.server_links import Link, Links, proposal_id
from services.outbound.drafts.draft_store import RevisionConflict
from services.safe_text import SafeText, clean_line, phrase

if TYPE_CHECKING:
    from services.api.agentmail_to.drafts import ServerDraftHead
    from services.draft import Draft
    from services.outbound.approvals.proposals import Proposals
    from services.outbound.drafts.draft_documents import DraftHead
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.log.audit import AuditLog
    from services.outbound.log.store import OutboundStore

GONE: Final = "it was sent or deleted on AgentMail.to"
MOST_TOLD: Final = 10
"""Sentences of one look."""
_PROGRAM: Final = "program"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a look: all links, and of which drafts something is to be done there."""

    links: dict[str, Link]
    undone: frozenset[str]
    """Ids on the service of drafts that were decided here."""
    queued: frozenset[str]
    """The same of those on their way: one that is sent there must not leave here too."""


class Book:
    """The links and the proposals of one inbox."""

    def __init__(
        self,
        inbox_id: str,
        store: OutboundStore,
        drafts: Drafts,
        proposals: Proposals,
        audit: AuditLog,
    ) -> None:
        self._inbox_id = inbox_id
        self._store = store
        self._drafts = drafts
        self._proposals = proposals
        self._audit = audit
        self._links = Links(store)
        self._told: list[SafeText] = []

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def known(self) -> Known:
        """Return all links, and those that something is to be done for."""
        links = self._links.every()
        heads = self._drafts.every()
        decided = {one.draft_id for one in heads if one.is_settled or _is_refused(one)}
        queued = {one.draft_id for one in heads if not one.is_settled and _is_queued(one)}
        return Known(
            links,
            frozenset(k for k, one in links.items() if one.draft_id in decided and not one.left),
            frozenset(k for k, one in links.items() if one.draft_id in queued),
        )

    def find(self, server_id: str) -> Link | None:
        """Return the link of a draft of the service."""
        return self._links.find(server_id)

    def link_of(self, draft_id: str) -> Link | None:
        """Return the link of a proposal."""
        return self._links.of(draft_id)

    def head(self, link: Link) -> DraftHead | None:
        """Return what is known of the proposal of a link, None when there is none."""
        try:
            return self._drafts.head(link.draft_id) if link.draft_id else None
        except NotFound:
            return None

    def state(self, link: Link) -> DraftState | None:
        """Return how its proposal stands, None when there is none or it has left."""
        head = self.head(link)
        return None if head is None or head.is_settled else head.state

    def next_link(self, found: ServerDraftHead, link: Link | None) -> Link:
        """Return the link that a draft gets when it is taken in as it is now."""
        generation = self._generation(link)
        draft_id = proposal_id(self._inbox_id, found.draft_id, generation)
        return Link(found.draft_id, found.version, draft_id, generation)

    def _generation(self, link: Link | None) -> int:
        """Return which proposal a draft goes into: another one when the last was decided for good."""
        if link is None:
            return 0
        head = self.head(link)
        if head is None:
            return link.generation + bool(link.draft_id)
        is_closed = head.is_settled or head.state is DraftState.CANCELLED or head.discarded_at
        return link.generation + bool(is_closed)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────

    def keep(self, draft: Draft, new: Link, old: Link | None) -> None:
        """Propose a draft, or its change; nothing when another program has been faster."""
        with self._store.transaction():
            if self._links.find(new.server_id) != old:
                return
            head = self.head(new)
            # Somebody may write on it here, or send it, at this moment: the next look comes again.
            with suppress(RevisionConflict, PolicyRefused):
                if head is None:
                    self._proposals.propose(draft, SERVICE_AGENT)
                else:
                    self._proposals.revise(replace(draft, revision=head.revision), SERVICE_AGENT)
                self._links.put(new)

    def pass_over(self, found: ServerDraftHead, link: Link | None, reason: str) -> None:
        """Remember that a draft cannot be proposed as it is; what was proposed of it is void.

        Nothing when another program has been faster.
        """
        version = found.version
        kept = replace(link, version=version) if link else Link(found.draft_id, version)
        with self._store.transaction():
            if self._links.find(kept.server_id) != link:
                return
            self._void(kept, reason)
            self._links.put(kept)

    def put(self, link: Link) -> None:
        """Keep a link."""
        self._links.put(link)

    def let_go(self, link: Link, action: str) -> None:
        """Forget the link of a draft that was deleted there, with the audit line of it."""
        with self._store.transaction():
            self._links.remove(link)
            self._audit.record(_PROGRAM, action, subject=f"draft {link.draft_id}")
            self._drop_files(link)

    def forget(self, link: Link) -> None:
        """Forget a link: there is nothing of the draft on the service any more."""
        self._links.remove(link)

    def gone(self, link: Link) -> None:
        """Close the proposal of a draft that is gone there, and say so."""
        with self._store.transaction():
            head = self._void(link, GONE)
            self._links.remove(link)
        if head is not None:
            told = "A proposal is gone, because it was sent or deleted on AgentMail.to: {}"
            self.tell(phrase(told, clean_line(_subject(head), 200)))

    def _void(self, link: Link, reason: str) -> DraftHead | None:
        """Close a proposal that waits, and return it; None for one that does not."""
        head = self.head(link)
        if head is None or head.is_settled or head.state is not DraftState.WAITING:
            return None
        self._drafts.put_state(link.draft_id, DraftState.CANCELLED, reason=reason)
        self._audit.record(_PROGRAM, "withdrawn", subject=_subject(head), reason=reason)
        self._drop_files(link)
        return head

    def _drop_files(self, link: Link) -> None:
        """Once it is on the disk that a proposal is closed, its files are of no use."""
        self._store.after_commit(lambda: self._drafts.on_gone(link.draft_id))

    # ── what a person is told ────────────────────────────────────────────────────────────────────

    def tell(self, sentence: SafeText) -> None:
        """Keep a sentence until somebody tells it."""
        self._told.append(sentence)

    def take_told(self) -> tuple[SafeText, ...]:
        """Return what is to be told, each sentence once; of very many the first and a count."""
        told, self._told = self._told, []
        more = len(told) - MOST_TOLD
        if more > 0:
            words = (
                "The same of {:,} more drafts on AgentMail.to; the audit log names what was gone."
            )
            told[MOST_TOLD:] = [phrase(words, more)]
        return tuple(told)


def _is_refused(head: DraftHead) -> bool:
    return head.state is DraftState.REJECTED


def _is_queued(head: DraftHead) -> bool:
    return head.state is DraftState.QUEUED


def _subject(head: DraftHead) -> str:
    if head.summary is None:
        return f"draft {head.draft_id}"
    return f"{', '.join(head.summary.recipients)}: {head.summary.subject}"
