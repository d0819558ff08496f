"""Drafts that lie on the mail service, as proposals of the agent `agentmail.to`.

Closes these traps: a draft that somebody changes while a person looks at it (the change is a new
revision, and voids the decision), one that is sent twice because the program died between sending and
deleting it (what is to be deleted follows from what is on the disk), one that was sent or deleted
elsewhere and is decided here, and one that the service sends by itself after it was refused or queued
here. Only text is proposed and sent. Source: api/agentmail_to.md §4.4, §6, §13 rules 3, 7 and 9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from services.api.agentmail_to.drafts import (
    REFUSED_LABEL,
    RemoteDrafts,
    ServerDraft,
    ServerDraftHead,
)
from services.draft import Draft, DraftState
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    PolicyRefused,
    Rejected,
    UsageError,
)
from services.outbound.approvals.input_values import SERVICE_AGENT
from services.outbound.approvals.server_draft_reading import proposal_of
from services.outbound.approvals.server_files import ServerFiles
from services.outbound.approvals.server_links import Link, Links, proposal_id
from services.outbound.drafts.draft_store import RevisionConflict
from services.outbound.outbox.outbox_contents import durable
from services.policy_config import RefusedDrafts
from services.safe_text import SafeText, clean_line, phrase, ui

if TYPE_CHECKING:
    from services.outbound.approvals.proposals import Proposals
    from services.outbound.drafts.draft_documents import DraftHead
    from services.outbound.drafts.draft_store import Drafts
    from services.outbound.log.audit import AuditLog
    from services.outbound.log.store import OutboundStore

_PROGRAM: Final = "program"
_GONE: Final = "it was sent or deleted on AgentMail.to"
_LEAVING: Final = "sending"
_SCHEDULED: Final = "scheduled"


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed of the office: its parts, and how a queued mail is taken back.

    `take_back` stops what a proposal became and tells whether all of it could be stopped.
    """

    inbox_id: str
    store: OutboundStore
    drafts: Drafts
    proposals: Proposals
    audit: AuditLog
    files: ServerFiles
    take_back: Callable[[str], Awaitable[bool]]
    refused: RefusedDrafts


class ServerDrafts:
    """Keeps the drafts of one inbox and the proposals of one office the same."""

    def __init__(self, desk: Desk, remote: Callable[[], Awaitable[RemoteDrafts]]) -> None:
        self._desk = desk
        self._connect = remote
        self._links = Links(desk.store)
        self._looks = asyncio.Lock()
        self._turn = asyncio.Lock()
        """Held for one draft at a time: a decision does not wait for ten thousand others."""
        self._told: list[SafeText] = []

    async def look(self) -> tuple[SafeText, ...]:
        """Take in what is new, changed or gone, delete what was sent; return sentences to tell.

        Raises ServiceError when the service does not answer, CacheError when the disk refuses.
        """
        async with self._looks:
            remote = await self._connect()
            heads, is_all = await remote.heads()
            links, undone = await durable(self._known)
            there = {head.draft_id for head in heads}
            for link in [one for one in links.values() if is_all and one.server_id not in there]:
                async with self._turn:
                    await self._missing(remote, link.server_id)
            for head in heads:
                known = links.get(head.draft_id)
                if known is None or known.version != head.version or head.draft_id in undone:
                    async with self._turn:
                        await self._tend(remote, head)
            told, self._told = tuple(self._told), []
            return told

    async def _tend(self, remote: RemoteDrafts, head: ServerDraftHead) -> None:
        """Do what is to be done about a draft that is listed, by what is known of it now."""
        link = await durable(lambda: self._links.find(head.draft_id))
        if link is None or link.version != head.version:
            await self._changed(remote, head, link)
        else:
            await self._settle(remote, link)

    async def hold(self, draft_id: str) -> None:
        """Before a decision counts: the draft on the service must be the one that was shown.

        Nothing happens for a draft that is not from there. NotFound when it was sent or deleted
        there, PolicyRefused when it leaves just now, other ServiceErrors when nobody can tell.
        """
        async with self._turn:
            link = await durable(lambda: self._links.of(draft_id))
            if link is None or await self._state(link) is not DraftState.WAITING:
                return
            remote = await self._connect()
            try:
                found = await remote.get(link.server_id)
                if found.send_status == _LEAVING:
                    raise PolicyRefused("AgentMail.to sends this draft at this very moment.")
                if found.head.version != link.version:
                    await self._take_in(remote, found, link)
                elif found.send_at or found.send_status == _SCHEDULED:
                    await self._unschedule(remote, link)
            except NotFound:
                await self._gone(link)
                raise NotFound(
                    "This draft was sent or deleted on AgentMail.to in the meantime.",
                    "There is nothing to decide any more.",
                ) from None

    # ── one draft of the service ─────────────────────────────────────────────────────────────────

    def _known(self) -> tuple[dict[str, Link], set[str]]:
        """Return all links, and the ids of those that something is to be done for on the service."""
        links = self._links.every()
        decided = {
            head.draft_id
            for head in self._desk.drafts.every()
            if head.is_settled or head.state is DraftState.REJECTED
        }
        return links, {key for key, link in links.items() if link.draft_id in decided}

    async def _changed(
        self, remote: RemoteDrafts, head: ServerDraftHead, link: Link | None
    ) -> None:
        """Look at a draft that is new, or another one than when it was taken in."""
        if link is not None and await self._state(link) is DraftState.QUEUED:
            # It is on its way as it was approved; what it says there now is looked at afterwards.
            return
        try:
            found = await remote.get(head.draft_id)
        except NotFound:
            return
        except (BadAnswer, Rejected, UsageError):
            await self._pass_over(head, link, "It cannot be read.")
            return
        if link is not None and link.version == found.head.version:
            # A decision has looked at it meanwhile.
            return
        if found.send_status != _LEAVING:
            await self._take_in(remote, found, link)

    async def _settle(self, remote: RemoteDrafts, link: Link) -> None:
        """Carry out on the service what was decided here about an unchanged draft."""
        head = await durable(lambda: self._head(link))
        if head is None:
            return
        try:
            if link.left:
                return
            if head.is_settled:
                await self._delete(remote, link, "deleted on the service after sending")
            elif head.state is DraftState.REJECTED:
                await self._refuse(remote, link)
        except NotFound:
            await durable(lambda: self._links.remove(link))
        except Conflict:
            # It leaves there just now: the next look tells what became of it.
            return
        except Forbidden as error:
            await self._leave(remote, link, error, is_refused=not head.is_settled)

    async def _leave(
        self, remote: RemoteDrafts, link: Link, error: Forbidden, *, is_refused: bool
    ) -> None:
        """The key may not delete it: see that it is not sent by its time, and tell that it stays."""
        told, kept = "A draft that was sent from here stays on AgentMail.to. {}", link
        if is_refused:
            told = "A refused draft stays on AgentMail.to, unscheduled. {}"
            try:
                after = await remote.unschedule(link.server_id, labels=[REFUSED_LABEL])
                kept = replace(link, version=after.head.version)
            except Forbidden:
                told = "A refused draft stays on AgentMail.to, which may still send it. {}"
        self._told.append(phrase(told, clean_line(str(error))))
        await durable(lambda: self._links.put(replace(kept, left=True)))

    async def _delete(self, remote: RemoteDrafts, link: Link, action: str) -> None:
        # Asked for once more: what was changed since is another draft and stays.
        if (await remote.get(link.server_id)).head.version != link.version:
            return
        await remote.delete(link.server_id)
        await durable(lambda: self._let_go(link, action))

    def _let_go(self, link: Link, action: str) -> None:
        with self._desk.store.transaction():
            self._links.remove(link)
            self._desk.audit.record(_PROGRAM, action, subject=f"draft {link.draft_id}")

    async def _refuse(self, remote: RemoteDrafts, link: Link) -> None:
        if self._desk.refused is RefusedDrafts.DELETE:
            await self._delete(remote, link, "refused draft deleted on the service")
            return
        after = await remote.unschedule(link.server_id, labels=[REFUSED_LABEL])
        kept = replace(link, version=after.head.version, left=True)
        await durable(lambda: self._links.put(kept))

    async def _unschedule(self, remote: RemoteDrafts, link: Link) -> None:
        try:
            after = await remote.unschedule(link.server_id)
        except Conflict:
            raise PolicyRefused("AgentMail.to sends this draft at this very moment.") from None
        await durable(lambda: self._links.put(replace(link, version=after.head.version)))

    # ── in ───────────────────────────────────────────────────────────────────────────────────────

    async def _take_in(self, remote: RemoteDrafts, found: ServerDraft, link: Link | None) -> None:
        """Propose a draft, or its change; one that cannot be shown is told and waits for a change."""
        server_id, version = found.head.draft_id, found.head.version
        generation = await durable(lambda: self._generation(link))
        new = Link(
            server_id, version, proposal_id(self._desk.inbox_id, server_id, generation), generation
        )
        try:
            files = await self._desk.files.fetch(remote, found, new.draft_id)
            draft = await asyncio.to_thread(proposal_of, found, new.draft_id, files)
        except (UsageError, PolicyRefused, NotFound, BadAnswer, Rejected) as error:
            await self._pass_over(found.head, link, error.sentence)
            return
        if draft.is_blank:
            # Nothing was written yet: that is nothing to decide, and nothing to tell.
            await self._pass_over(found.head, link, "")
            return
        # Somebody may write on it here, or send it, at this moment: the next look comes again.
        with suppress(RevisionConflict, PolicyRefused):
            await durable(lambda: self._keep(draft, new))

    def _generation(self, link: Link | None) -> int:
        """Return which proposal a draft goes into: another one when the last was decided for good."""
        if link is None:
            return 0
        head = self._head(link)
        if head is None:
            return link.generation + bool(link.draft_id)
        is_closed = head.is_settled or head.state is DraftState.CANCELLED or head.discarded_at
        return link.generation + bool(is_closed)

    def _keep(self, draft: Draft, link: Link) -> None:
        proposals = self._desk.proposals
        with self._desk.store.transaction():
            head = self._head(link)
            if head is None:
                proposals.propose(draft, SERVICE_AGENT)
            else:
                proposals.revise(replace(draft, revision=head.revision), SERVICE_AGENT)
            self._links.put(link)

    async def _pass_over(self, head: ServerDraftHead, link: Link | None, why: str) -> None:
        """Remember that a draft cannot be proposed as it is; what was proposed of it is void."""
        if why:
            self._told.append(phrase("A draft on AgentMail.to is not shown. {}", clean_line(why)))
        version = head.version
        kept = replace(link, version=version) if link else Link(head.draft_id, version)
        reason = "it was changed on AgentMail.to into something that cannot be shown"
        await durable(lambda: self._void(kept, reason))
        await durable(lambda: self._links.put(kept))

    # ── out ──────────────────────────────────────────────────────────────────────────────────────

    async def _missing(self, remote: RemoteDrafts, server_id: str) -> None:
        """A draft is not listed any more: asked for by its id, 404 is the proof."""
        link = await durable(lambda: self._links.find(server_id))
        if link is None:
            return
        try:
            await remote.get(server_id)
        except NotFound:
            await self._gone(link)
        except (BadAnswer, Rejected, UsageError):
            return

    async def _gone(self, link: Link) -> None:
        """A draft was sent or deleted there: its proposal has nothing to be decided any more."""
        head = await durable(lambda: self._head(link))
        if head is not None and not head.is_settled and head.state is DraftState.QUEUED:
            stopped = await self._desk.take_back(link.draft_id)
            if not stopped:
                self._told.append(
                    ui("A draft was sent or deleted on AgentMail.to while it left from here.")
                )
        await durable(lambda: self._void(link, _GONE))
        await durable(lambda: self._links.remove(link))

    def _void(self, link: Link, reason: str) -> None:
        """Close a proposal that waits, with its reason; nothing for one that does not."""
        with self._desk.store.transaction():
            head = self._head(link)
            if head is None or head.is_settled or head.state is not DraftState.WAITING:
                return
            self._desk.drafts.put_state(link.draft_id, DraftState.CANCELLED, reason=reason)
            subject = _subject(head)
            self._desk.audit.record(_PROGRAM, "withdrawn", subject=subject, reason=reason)
        if reason == _GONE:
            told = phrase(
                "A proposal is gone, because it was sent or deleted on AgentMail.to: {}",
                clean_line(subject, 200),
            )
            self._told.append(told)

    def _head(self, link: Link) -> DraftHead | None:
        try:
            return self._desk.drafts.head(link.draft_id) if link.draft_id else None
        except NotFound:
            return None

    async def _state(self, link: Link) -> DraftState | None:
        head = await durable(lambda: self._head(link))
        return None if head is None or head.is_settled else head.state


def _subject(head: DraftHead) -> str:
    if head.summary is None:
        return f"draft {head.draft_id}"
    return f"{', '.join(head.summary.recipients)}: {head.summary.subject}"
