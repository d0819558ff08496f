"""The walk over the inbox: oldest first, each page and its cursor in one commit.

Closes these traps (api/assmbl.md §4.1, §18): a kill in the middle must neither lose nor repeat; short
and empty pages go on as long as there is a cursor; a service that repeats a cursor or never ends must
not keep us for ever; a kept cursor may have become invalid, or may point elsewhere after deletions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from services.errors import BadAnswer, Rejected
from services.ports import MailProvider
from services.sync.changes import Changes
from services.wire_values import InboxPage

if TYPE_CHECKING:
    from services.cache.store import MailStore, PutOutcome

BARREN_LIMIT: Final = 100
"""Pages in a row without a message not yet seen in this walk, after which it is given up."""
TRAIL: Final = 3
"""How many of the last pages a tail read can start from."""
_PROGRESS: Final = "sync.walk"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the walk has come, as kept in the store."""

    cursor: str | None = None
    """The page to ask for next."""
    complete: bool = False
    """The end was reached; from now on the tail is read."""
    trail: tuple[str | None, ...] = ()
    """Cursors of the last pages that held messages, oldest first."""
    fetched: int = 0
    synced_at: int = 0

    def after(self, cursor: str | None, page: InboxPage, now: int) -> Progress:
        """Return the progress when the page that `cursor` stands for has been kept."""
        trail = self.trail
        if page.items:
            trail = (*(known for known in trail if known != cursor), cursor)[-TRAIL:]
        return replace(
            self,
            cursor=page.next_cursor,
            complete=page.next_cursor is None,
            trail=trail,
            fetched=self.fetched + len(page.items),
            synced_at=now if page.next_cursor is None else self.synced_at,
        )


class PageGuard:
    """Ends a walk that a broken service would keep going; remembers what the walk has seen."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        """Hashes of message ids: 100,000 ids take 8 MB, not 20."""
        self.skipped = 0
        self._cursors: set[int] = set()
        self._barren = 0

    def check(self, cursor: str | None, page: InboxPage) -> BadAnswer | None:
        """Take note of a page; return the error that ends the walk after it, if any."""
        known = len(self.seen)
        self.seen.update(hash(item.message_id) for item in page.items)
        self.skipped += page.skipped
        self._cursors.add(hash(cursor))
        self._barren = 0 if len(self.seen) > known else self._barren + 1
        if page.next_cursor is not None and hash(page.next_cursor) in self._cursors:
            return BadAnswer(
                "The mail service sends the same page again and again.",
                "What was read so far is kept; it is tried again later.",
            )
        if page.next_cursor is not None and self._barren >= BARREN_LIMIT:
            return BadAnswer(
                "The mail service sends empty pages without end.",
                "What was read so far is kept; it is tried again later.",
            )
        return None


def synced_at(store: MailStore) -> int:
    """When the mailbox was last read to its end; seconds since the epoch, 0 for never."""
    return _progress(store.state(_PROGRESS)).synced_at


class Walker:
    """Reads pages into the store; `before_page` lets what the operator waits for go first."""

    def __init__(
        self,
        store: MailStore,
        changes: Changes,
        clock: Callable[[], float],
        before_page: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._changes = changes
        self._clock = clock
        self._before_page = before_page
        self.on_kept: Callable[[PutOutcome, Progress], None] = _ignore
        """Called after each page with what it changed."""

    @property
    def progress(self) -> Progress:
        """How far the walk has come, from the store."""
        return _progress(self._store.state(_PROGRESS))

    def keep(self, progress: Progress) -> None:
        """Write the progress; belongs inside the transaction of the page that made it."""
        self._store.set_state(_PROGRESS, _document(progress))

    def forget(self) -> None:
        """Start from the first page next time: what is cached may have holes."""
        with self._changes.commit():
            self.keep(Progress())

    async def resume(self, provider: MailProvider) -> None:
        """Walk on from where the walk stood; start again, once, if its cursor is not accepted.

        Raises BadAnswer for a repeated cursor, and every other ServiceError as it comes.
        """
        try:
            await self.run(provider, self.progress)
        except Rejected:
            if self.progress.cursor is None:
                raise
            self.forget()
            await self.run(provider, self.progress)

    async def read_tail(self, provider: MailProvider) -> bool:
        """Read what is new since the last complete walk; False when only a full walk can tell.

        The last page is read again, and where new mail may stand before it, the one before as well.
        One cached message on it proves that its cursor still means the same place; if there is none
        (deletions move pages), earlier pages are tried.
        """
        progress = self.progress
        pages = len(progress.trail)
        again = 2 if provider.capabilities.late_arrivals and pages > 1 else 1
        for position in range(pages - again, -1, -1):
            trail = progress.trail
            start = replace(progress, cursor=trail[position], trail=trail[:position], fetched=0)
            try:
                if await self.run(provider, start, needs_known=True):
                    return True
            except Rejected:
                if start.cursor is None:
                    raise
        if progress.trail:
            return False
        await self.run(provider, Progress())
        return True

    async def run(
        self,
        provider: MailProvider,
        progress: Progress,
        *,
        needs_known: bool = False,
        guard: PageGuard | None = None,
        keeps_progress: bool = True,
    ) -> bool:
        """Read pages from `progress.cursor` to the end, each kept in one commit with its progress.

        With `needs_known` the first page must hold a cached message, else nothing is kept and False
        is returned. Raises Rejected when a cursor is not accepted, BadAnswer by `PageGuard`.
        """
        guard = guard or PageGuard()
        limit = provider.capabilities.page_limit
        while True:
            await self._before_page()
            cursor = progress.cursor
            with self._changes.reading() as reading:
                page = await provider.list_inbox(limit=limit, cursor=cursor, include_archived=True)
                if needs_known and cursor is not None and not self._knows_one_of(page):
                    return False
                needs_known = False
                broken = guard.check(cursor, page)
                with self._changes.commit():
                    outcome = self._store.put_items(self._changes.merge(page.items, reading))
                    if broken is None:
                        progress = progress.after(cursor, page, int(self._clock()))
                        if keeps_progress or progress.complete:
                            self.keep(progress)
            self.on_kept(outcome, progress)
            if broken is not None:
                raise broken
            if progress.complete:
                return True

    def _knows_one_of(self, page: InboxPage) -> bool:
        return any(self._store.item(item.message_id) is not None for item in page.items)


def _ignore(_outcome: PutOutcome, _progress: Progress) -> None:
    """Nobody listens."""


def _document(progress: Progress) -> dict[str, Any]:
    return {
        "cursor": progress.cursor,
        "complete": progress.complete,
        "trail": list(progress.trail),
        "fetched": progress.fetched,
        "synced_at": progress.synced_at,
    }


def _progress(document: Mapping[str, Any] | None) -> Progress:
    if not document:
        return Progress()
    return Progress(
        document["cursor"],
        document["complete"],
        tuple(document["trail"]),
        document["fetched"],
        document["synced_at"],
    )
