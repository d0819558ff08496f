"""Counts what lies beside the mailbox, so that mail which was sent or held back is seen to be there.

Closes two traps: a service that is asked for three more lists at every look (the counts are asked for
now and then, and soon after there was a reason to look), and a mailbox that counts as not synced
because a number beside it could not be had.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from services.errors import MailError
from services.ports import MailShelves
from services.shelf_events import ShelvesCounted
from services.shelves import Shelf

if TYPE_CHECKING:
    from services.events import Event
    from services.ports import MailProvider
    from services.sync.pace import Pace

MOST_HELD: Final = 100
"""Held messages that are counted; of the other shelves it is told that something lies there."""
_A_FEW: Final = 10
"""Not one: what was sent and deleted lies in the trash too, and is no part of that shelf."""


class ShelfCounter:
    """The counts beside one mailbox; `emit` is told when they are others than before."""

    def __init__(
        self, emit: Callable[[Event], None], clock: Callable[[], float], pace: Pace
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._pace = pace
        self._told = ShelvesCounted()
        self._at: float | None = None
        self._is_owed = True

    async def after_look(self, provider: MailProvider, *, had_reason: bool) -> None:
        """Count if it is time; `had_reason` tells that the look was not only one of the clock."""
        self._is_owed |= had_reason
        if not isinstance(provider, MailShelves):
            return
        now = self._clock()
        waited = self._pace.shelves if self._at is None else abs(now - self._at)
        if waited < (self._pace.shelves_gap if self._is_owed else self._pace.shelves):
            return
        self._at, self._is_owed = now, False
        with suppress(MailError):
            counted = await _counted(provider)
            if counted != self._told:
                self._told = counted
                self._emit(counted)


async def _counted(provider: MailShelves) -> ShelvesCounted:
    held, trashed, sent = await asyncio.gather(
        provider.list_shelf(Shelf.HELD, limit=MOST_HELD),
        provider.list_shelf(Shelf.TRASH, limit=_A_FEW),
        provider.list_shelf(Shelf.SENT, limit=_A_FEW),
    )
    return ShelvesCounted(
        held=len(held.items),
        more_held=held.next_cursor is not None,
        sent=bool(sent.items),
        trashed=bool(trashed.items),
    )
