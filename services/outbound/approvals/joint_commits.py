"""Changes of several at once, joined into one transaction of the disk.

Closes two traps: ten thousand commits one after the other, each of which waits for the disk, and one
change that cannot be kept and takes along those that were joined with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.errors import MailError
from services.outbound.outbox.outbox_contents import durable

if TYPE_CHECKING:
    from services.outbound.log.store import OutboundStore


@dataclass(slots=True, eq=False)
class _Change:
    """One change that waits for its commit."""

    work: Callable[[], None]
    is_done: bool = False
    error: MailError | None = None


class JointCommits:
    """Whoever comes while the disk is busy shares the next commit; on one loop."""

    def __init__(self, store: OutboundStore) -> None:
        self._store = store
        self._turn = asyncio.Lock()
        self._waiting: list[_Change] = []

    async def run(self, work: Callable[[], None]) -> None:
        """Carry out one change durably; raises its MailError, after which it did not happen."""
        change = _Change(work)
        self._waiting.append(change)
        try:
            async with self._turn:
                if not change.is_done:
                    batch, self._waiting = self._waiting, []
                    await durable(lambda: self._write(batch))
        finally:
            if change in self._waiting:
                self._waiting.remove(change)
        if change.error is not None:
            raise change.error

    def _write(self, batch: Sequence[_Change]) -> None:
        error = self._commit(batch)
        for change in batch:
            alone = error if error is None or len(batch) == 1 else self._commit((change,))
            change.is_done, change.error = True, alone

    def _commit(self, batch: Sequence[_Change]) -> MailError | None:
        try:
            with self._store.transaction():
                for change in batch:
                    change.work()
        except MailError as error:
            return error
        return None
