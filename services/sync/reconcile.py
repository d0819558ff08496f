"""The walk over the whole mailbox that finds what was deleted or changed elsewhere.

Nothing in the API tells deletions: only a list that was read to its end lacks a message. And even that
is no proof: cursors may count, then a deletion in the middle of a walk moves other messages out of
sight, and a broken answer may be an empty list. So an incomplete walk deletes nothing, and what a
complete one lacks is asked for by id before it is forgotten here: 404 is the proof.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from services.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Rejected,
    ServerBroken,
    UsageError,
)
from services.ports import MailProvider
from services.sync.changes import Changes
from services.sync.walk import PageGuard, Progress, Walker

if TYPE_CHECKING:
    from services.cache.store import MailStore, PutOutcome

PROBES: Final = 100
"""Missing messages that are asked for one by one; of more, as many as `SAMPLE` stand for all."""
SAMPLE: Final = 10
_SLICE: Final = 2_000
_RECONCILED: Final = "sync.reconciled_at"


class FullWalk:
    """Compares the whole mailbox with the service; what it has seen lives in memory only.

    A kill or an error in the middle costs the walk, never a message: it starts again later.
    `before_page` lets what is more urgent go first.
    """

    def __init__(
        self,
        store: MailStore,
        changes: Changes,
        clock: Callable[[], float],
        before_page: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._changes = changes
        self._walker = Walker(store, changes, clock, before_page)
        self._walker.on_kept = lambda outcome, progress: self.on_kept(outcome, progress)
        self.on_kept: Callable[[PutOutcome, Progress], None] = lambda _, __: None
        """Called after each page with what it changed."""
        self._clock = clock
        self._guard: PageGuard | None = None

    @property
    def done_at(self) -> int:
        """When the last one was finished, in seconds since the epoch; 0 for never."""
        return int(self._store.state(_RECONCILED, 0))

    def mark_done(self) -> None:
        """Note that everything has just been walked; belongs inside the caller's `commit()`."""
        self._store.set_state(_RECONCILED, int(self._clock()))

    def note(self, message_ids: Iterable[str]) -> None:
        """Tell a walk under way that the service has just listed these elsewhere."""
        if self._guard is not None:
            self._guard.seen.update(hash(message_id) for message_id in message_ids)

    async def run(self, provider: MailProvider) -> int:
        """Walk all pages, bring changes in, forget what is gone; return how many that were.

        Raises what `Walker.run` raises; then nothing was forgotten.
        """
        try:
            guard = await self._walk(provider)
            gone = await self._confirmed(provider, await self._missing(guard))
            with self._changes.commit():
                self._store.remove(gone)
                self.mark_done()
        finally:
            self._guard = None
        return len(gone)

    async def _walk(self, provider: MailProvider) -> PageGuard:
        try:
            return await self._pass(provider)
        except Rejected:
            # A cursor of this very walk was not accepted: start again, once.
            return await self._pass(provider)

    async def _pass(self, provider: MailProvider) -> PageGuard:
        guard = self._guard = PageGuard()
        keeps = not self._walker.progress.complete
        await self._walker.run(provider, Progress(), guard=guard, keeps_progress=keeps)
        return guard

    async def _missing(self, guard: PageGuard) -> list[str]:
        """Return the cached ids that the walk did not see, in slices so that the loop stays free."""
        missing = []
        ids = self._store.ids()
        while piece := tuple(islice(ids, _SLICE)):
            missing += [message_id for message_id in piece if hash(message_id) not in guard.seen]
            await asyncio.sleep(0)
        return [message_id for message_id in missing if hash(message_id) not in guard.seen]

    async def _confirmed(self, provider: MailProvider, missing: Sequence[str]) -> Sequence[str]:
        if len(missing) <= PROBES:
            return [message_id for message_id in missing if await _is_gone(provider, message_id)]
        for message_id in missing[:: len(missing) // SAMPLE]:
            if not await _is_gone(provider, message_id):
                return ()
        return missing


async def _is_gone(provider: MailProvider, message_id: str) -> bool:
    """Ask for a message; raises only what says nothing about it (no connection, no token, busy)."""
    try:
        await provider.get_message(message_id)
    except NotFound:
        return True
    except (BadAnswer, Forbidden, Rejected, ServerBroken, UsageError):
        return False
    return False
