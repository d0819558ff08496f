"""The walk over the whole mailbox that finds what was deleted or changed elsewhere.

Nothing in the API tells deletions: only a list that was read to its end lacks a message. Closes the
trap of a broken answer that empties the cache: an incomplete walk deletes nothing, and a walk that
misses much, or that had entries nobody could read, must be confirmed by asking for some messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from services.errors import NotFound, Rejected
from services.ports import MailProvider
from services.sync.changes import Changes
from services.sync.walk import PageGuard, Progress, Walker

if TYPE_CHECKING:
    from services.cache.store import MailStore

BELIEVED: Final = 10
"""Missing messages that need no confirmation; above, it is a tenth of the mailbox."""
PROBES: Final = 3
_SLICE: Final = 2_000
_RECONCILED: Final = "sync.reconciled_at"


class FullWalk:
    """Compares the whole mailbox with the service; what it has seen lives in memory only.

    A kill or an error in the middle costs the walk, never a message: it starts again later.
    """

    def __init__(
        self, store: MailStore, changes: Changes, walker: Walker, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._changes = changes
        self._walker = walker
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
            gone = await self._missing(guard)
            if gone and not await self._is_believed(provider, guard, gone):
                gone = []
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

    async def _is_believed(
        self, provider: MailProvider, guard: PageGuard, gone: Sequence[str]
    ) -> bool:
        if guard.skipped == 0 and len(gone) <= max(BELIEVED, len(guard.seen) // 10):
            return True
        for message_id in gone[:: max(1, len(gone) // PROBES)][:PROBES]:
            try:
                await provider.get_message(message_id)
            except NotFound:
                continue
            return False
        return True
