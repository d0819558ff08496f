"""Bringing deleted messages back from the trash of a service that has one.

Closes the trap of an undo that says "too late" while the message lies in the trash.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from services.errors import NotFound, ServiceError
from services.ports import MailProvider, Trash
from services.sync.changes import Changes, Undone

if TYPE_CHECKING:
    from services.cache.store import MailStore


class TrashBin:
    """The trash of one mailbox."""

    def __init__(self, store: MailStore, changes: Changes) -> None:
        self._store = store
        self._changes = changes

    async def bring_back(self, provider: MailProvider, result: Undone) -> Undone:
        """Take what an undo could not keep from the service out of its trash again.

        Returns what was undone in the end; raises the ServiceError that kept all of it away.
        """
        back = 0
        for message_id in result.away:
            try:
                back += await self._bring_back(provider, message_id)
            except NotFound:
                continue
            except ServiceError:
                if not back and not result.restored:
                    raise
                break
        missing = len(result.away) - back
        late = min(result.too_late, missing)
        return replace(
            result,
            restored=result.restored + result.too_late - late,
            uncertain=min(result.uncertain, missing),
            too_late=late,
        )

    async def restore(self, provider: MailProvider, message_id: str) -> bool:
        """Take one message out of the trash; False when only the next look will show it.

        Raises the ServiceError that keeps it there.
        """
        if not isinstance(provider, Trash):
            return False
        await provider.undelete_message(message_id)
        # It is back at the service: what fails from here on must not tell that it is not.
        with suppress(ServiceError):
            return await self._take_in(provider, message_id)
        return False

    async def _bring_back(self, provider: MailProvider, message_id: str) -> bool:
        if not isinstance(provider, Trash):
            return False
        await provider.undelete_message(message_id)
        return await self._take_in(provider, message_id)

    async def _take_in(self, provider: MailProvider, message_id: str) -> bool:
        with self._changes.reading() as reading:
            fetched = await provider.get_message(message_id)
            with self._changes.commit():
                self._store.put_items(self._changes.merge([fetched.item], reading))
        return True
