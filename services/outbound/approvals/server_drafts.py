"""Drafts that lie on the mail service, as proposals of the agent `agentmail.to`.

Closes these traps: a draft that somebody changes while a person looks at it (the change is a new
revision, and voids the decision), one that is sent twice because the program died between sending and
deleting it (what is to be deleted follows from what is on the disk), one that was sent or deleted
elsewhere and is decided here, one that the service sends by itself after it was refused or queued
here, and an inbox of thousands that keeps the first of them, or a decision, waiting for the last. Only
text is proposed and sent. Source: api/agentmail_to.md §4.4, §6, §13 rules 3, 7 and 9.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary

from services.api.agentmail_to.drafts import REFUSED_LABEL, RemoteDrafts, ServerDraft
from services.draft import DraftState
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    PolicyRefused,
    Rejected,
    UsageError,
)
from services.outbound.approvals.joint_commits import JointCommits
from services.outbound.approvals.server_draft_reading import DraftReader
from services.outbound.approvals.server_walk import Walk
from services.outbound.approvals.several_at_once import each, several_at_once
from services.outbound.outbox.outbox_contents import durable
from services.policy_config import RefusedDrafts
from services.safe_text import SafeText, clean_line, phrase, ui

if TYPE_CHECKING:
    from services.api.agentmail_to.drafts import ServerDraftHead
    from services.outbound.approvals.server_book import Book, Known
    from services.outbound.approvals.server_files import ServerFiles
    from services.outbound.approvals.server_links import Link
    from services.outbound.approvals.server_room import ServerRoom
    from services.outbound.log.store import OutboundStore

AT_ONCE: Final = 6
"""Drafts that are asked for at the same time: the client has eight connections, and the mailbox and a
decision need one each."""
WHOLE_EVERY: Final = 300.0
"""Seconds after which a long list is read to its end again."""
_CATCH_UP: Final = 100
"""Drafts after which a look carries out on the service what was decided here meanwhile."""
_LEAVING: Final = "sending"
_SCHEDULED: Final = "scheduled"
_UNREADABLE: Final = (BadAnswer, Rejected, UsageError)


@dataclass(frozen=True, slots=True)
class Desk:
    """What is needed of the office: its parts, and how a queued mail is taken back.

    `take_back` stops what a proposal became and tells whether all of it could be stopped.
    """

    store: OutboundStore
    book: Book
    room: ServerRoom
    files: ServerFiles
    take_back: Callable[[str], Awaitable[bool]]
    refused: RefusedDrafts


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look works with."""

    remote: RemoteDrafts
    known: Known
    reader: DraftReader


class ServerDrafts:
    """Keeps the drafts of one inbox and the proposals of one office the same."""

    def __init__(self, desk: Desk, remote: Callable[[], Awaitable[RemoteDrafts]]) -> None:
        self._desk = desk
        self._book = desk.book
        self._connect = remote
        self._commits = JointCommits(desk.store)
        self._looks = asyncio.Lock()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One for each draft: a decision does not wait for ten thousand others."""
        self._told_once: dict[str, int] = {}
        self._whole_at = float("-inf")
        self.read = 0
        """Drafts that the look under way has read so far."""

    async def look(self) -> tuple[SafeText, ...]:
        """Take in what is new, changed or gone, delete what was sent; return sentences to tell.

        Raises ServiceError when the service does not answer, CacheError when the disk refuses:
        what was taken in until then is kept.
        """
        async with self._looks:
            try:
                remote = await self._connect()
                known = await durable(self._known)
                async with _reading() as reader:
                    await self._look(_Look(remote, known, reader))
            finally:
                self.read = 0
            return self._book.take_told()

    async def hold(self, draft_id: str) -> None:
        """Before a decision counts: the draft on the service must be the one that was shown.

        Nothing happens for a draft that is not from there. NotFound when it was sent or deleted
        there, PolicyRefused when it leaves just now, other ServiceErrors when nobody can tell.
        """
        listed = await durable(lambda: self._book.link_of(draft_id))
        if listed is None:
            return
        async with self._turn(listed.server_id):
            link = await self._find(listed.server_id)
            if link is None or link.draft_id != draft_id or not await self._waits(link):
                return
            remote = await self._connect()
            try:
                await self._hold(remote, link)
            except NotFound:
                await self._gone(link)
                raise NotFound(
                    "This draft was sent or deleted on AgentMail.to in the meantime.",
                    "There is nothing to decide any more.",
                ) from None

    async def _hold(self, remote: RemoteDrafts, link: Link) -> None:
        found = await remote.get(link.server_id)
        if found.send_status == _LEAVING:
            raise PolicyRefused("AgentMail.to sends this draft at this very moment.")
        if found.head.version != link.version:
            async with _reading() as reader:
                await self._take_in(remote, reader, found, link)
        elif found.send_at or found.send_status == _SCHEDULED:
            await self._unschedule(remote, link)

    # ── one look ─────────────────────────────────────────────────────────────────────────────────

    async def _look(self, at: _Look) -> None:
        remote, known = at.remote, at.known
        await self._catch_up_all(remote, known)
        begun = time.monotonic()
        is_whole = begun - self._whole_at >= WHOLE_EVERY
        walk = Walk(remote, lambda head: _is_news(head, known), is_whole=is_whole)
        left = 0

        async def tend(head: ServerDraftHead) -> None:
            nonlocal left
            if self._desk.room.is_full:
                left += 1
                await self._leave_there(head)
            else:
                await self._changed(at, head)
                self.read += 1
                if self.read % _CATCH_UP == 0:
                    await self._catch_up_all(remote, await durable(self._book.known))

        await several_at_once(AT_ONCE, walk.wanted(), tend)
        if walk.is_all and is_whole:
            self._whole_at = begun
        maybe = known.links if walk.is_all else known.queued
        missing = each([one for one in maybe if one not in walk.there])
        await several_at_once(AT_ONCE, missing, partial(self._missing, remote))
        self._tell_of_the_list(walk, left)

    async def _catch_up_all(self, remote: RemoteDrafts, known: Known) -> None:
        """Carry out what was decided, also during a long look: a refused draft may have its time."""
        await several_at_once(AT_ONCE, each(known.undone), partial(self._catch_up, remote))

    def _known(self) -> Known:
        self._desk.room.measure()
        return self._book.known()

    def _tell_of_the_list(self, walk: Walk, left: int) -> None:
        """Tell what of the list is not shown, again only when it gets more."""
        more = "Drafts on AgentMail.to are not shown. {}"
        if self._grows("unnamed", walk.unnamed, walk):
            why = phrase("The ids of {:,} are missing or too long.", walk.unnamed)
            self._book.tell(phrase(more, why))
        if self._grows("cut", len(walk.there) if walk.is_cut else 0, walk):
            why = phrase("There are more than {:,}: the last changed stand here.", len(walk.there))
            self._book.tell(phrase(more, why))
        if self._grows("left", left, walk):
            bound = ui(self._desk.room.bound)
            why = phrase("No more than {} is kept here: {:,} wait for others to be decided.",
                         bound, left)  # fmt: skip
            self._book.tell(phrase(more, why))

    def _grows(self, what: str, count: int, walk: Walk) -> bool:
        before = self._told_once.get(what, 0)
        self._told_once[what] = count if walk.is_all else max(count, before)
        return count > before

    # ── one draft of the service ─────────────────────────────────────────────────────────────────

    def _turn(self, server_id: str) -> asyncio.Lock:
        return self._turns.setdefault(server_id, asyncio.Lock())

    async def _find(self, server_id: str) -> Link | None:
        return await durable(lambda: self._book.find(server_id))

    async def _waits(self, link: Link) -> bool:
        return await durable(lambda: self._book.state(link)) is DraftState.WAITING

    async def _changed(self, at: _Look, head: ServerDraftHead) -> None:
        """Look at a draft that is new, or another one than when it was taken in."""
        async with self._turn(head.draft_id):
            link = await self._find(head.draft_id) if head.draft_id in at.known.links else None
            if link is not None and await self._is_queued(link):
                # It is on its way as it was approved; what it says there now is looked at afterwards.
                return
            try:
                found = await at.remote.get(head.draft_id)
            except NotFound:
                return
            except _UNREADABLE:
                await self._pass_over(head, link, "It cannot be read.")
                return
            # A decision may have looked at it meanwhile.
            is_new = link is None or link.version != found.head.version
            if is_new and found.send_status != _LEAVING:
                await self._take_in(at.remote, at.reader, found, link)

    async def _is_queued(self, link: Link) -> bool:
        return await durable(lambda: self._book.state(link)) is DraftState.QUEUED

    async def _leave_there(self, head: ServerDraftHead) -> None:
        """There is no room for a draft: what was proposed of it before its change is void."""
        async with self._turn(head.draft_id):
            link = await self._find(head.draft_id)
            if link is None or not await self._waits(link):
                return
            # Without a version it is another one at every look, until there is room.
            nameless = replace(head, version="")
            reason = "it was changed on AgentMail.to, and there is no room here for the change"
            await durable(lambda: self._book.pass_over(nameless, link, reason))

    async def _catch_up(self, remote: RemoteDrafts, server_id: str) -> None:
        """Carry out on the service what was decided here about a draft, if it is unchanged."""
        async with self._turn(server_id):
            link = await self._find(server_id)
            head = None if link is None else await durable(lambda: self._book.head(link))
            if link is None or head is None or link.left:
                return
            is_refused = head.state is DraftState.REJECTED and not head.is_settled
            try:
                # Asked for once more: what was changed since is another draft and stays.
                if (await remote.get(server_id)).head.version == link.version:
                    await self._settle(remote, link, is_refused=is_refused)
            except NotFound:
                await durable(lambda: self._book.forget(link))
            except (Conflict, *_UNREADABLE):
                # It leaves there just now: the next look tells what became of it.
                return
            except Forbidden as error:
                await self._leave(remote, link, error, is_refused=is_refused)

    async def _settle(self, remote: RemoteDrafts, link: Link, *, is_refused: bool) -> None:
        if not is_refused:
            await self._delete(remote, link, "deleted on the service after sending")
        elif self._desk.refused is RefusedDrafts.DELETE:
            await self._delete(remote, link, "refused draft deleted on the service")
        else:
            after = await remote.unschedule(link.server_id, labels=[REFUSED_LABEL])
            kept = replace(link, version=after.head.version, left=True)
            await durable(lambda: self._book.put(kept))

    async def _delete(self, remote: RemoteDrafts, link: Link, action: str) -> None:
        await remote.delete(link.server_id)
        await durable(lambda: self._book.let_go(link, action))

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
        self._book.tell(phrase(told, clean_line(str(error))))
        await durable(lambda: self._book.put(replace(kept, left=True)))

    async def _unschedule(self, remote: RemoteDrafts, link: Link) -> None:
        try:
            after = await remote.unschedule(link.server_id)
        except Conflict:
            raise PolicyRefused("AgentMail.to sends this draft at this very moment.") from None
        await durable(lambda: self._book.put(replace(link, version=after.head.version)))

    # ── in ───────────────────────────────────────────────────────────────────────────────────────

    async def _take_in(
        self, remote: RemoteDrafts, reader: DraftReader, found: ServerDraft, link: Link | None
    ) -> None:
        """Propose a draft, or its change; one that cannot be shown is told and waits for a change."""
        new = await self._next_link(found.head, link)
        try:
            async with self._desk.files.fetched(remote, found, new.draft_id) as files:
                draft = await reader.read(found, new.draft_id, files)
                if draft.is_blank:
                    # Nothing was written yet: that is nothing to decide, and nothing to tell.
                    await self._pass_over(found.head, link, "")
                    return
                await self._commits.run(lambda: self._book.keep(draft, new, link))
                self._desk.room.took(draft)
        except (UsageError, PolicyRefused, NotFound, BadAnswer, Rejected) as error:
            await self._pass_over(found.head, link, error.sentence)

    async def _next_link(self, head: ServerDraftHead, link: Link | None) -> Link:
        if link is None:
            # Nothing is read for it: ten thousand new ones go without a thread here.
            return self._book.next_link(head, None)
        return await durable(lambda: self._book.next_link(head, link))

    async def _pass_over(self, head: ServerDraftHead, link: Link | None, why: str) -> None:
        if why:
            told = phrase("A draft on AgentMail.to is not shown. {}", clean_line(why))
            self._book.tell(told)
        reason = "it was changed on AgentMail.to into something that cannot be shown"
        await self._commits.run(lambda: self._book.pass_over(head, link, reason))

    # ── out ──────────────────────────────────────────────────────────────────────────────────────

    async def _missing(self, remote: RemoteDrafts, server_id: str) -> None:
        """A draft is not listed any more: asked for by its id, 404 is the proof."""
        async with self._turn(server_id):
            link = await self._find(server_id)
            if link is None:
                return
            try:
                await remote.get(server_id)
            except NotFound:
                await self._gone(link)
            except _UNREADABLE:
                return

    async def _gone(self, link: Link) -> None:
        """A draft was sent or deleted there: its proposal has nothing to be decided any more."""
        if await self._is_queued(link) and not await self._desk.take_back(link.draft_id):
            self._book.tell(
                ui("A draft was sent or deleted on AgentMail.to while it left from here.")
            )
        await self._commits.run(lambda: self._book.gone(link))


@asynccontextmanager
async def _reading() -> AsyncIterator[DraftReader]:
    reader = DraftReader()
    try:
        yield reader
    finally:
        await reader.close()


def _is_news(head: ServerDraftHead, known: Known) -> bool:
    link = known.links.get(head.draft_id)
    return link is None or link.version != head.version
