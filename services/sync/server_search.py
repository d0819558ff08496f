"""The service's own search: its pages, kept in the cache like those of a walk.

Closes two traps: a search without end (so many pages and hits at most), and an answer that names
messages which cannot be shown, because they are not cached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from services.errors import UsageError
from services.ports import MailProvider
from services.sync.changes import Changes
from services.sync.walk import PageGuard

if TYPE_CHECKING:
    from services.cache.store import MailStore, PutOutcome
    from services.wire_values import InboxPage

_HITS: Final = 300
_PAGES: Final = 200


class ServerSearch:
    """Asks the service; `on_kept` is told what the pages brought into the cache."""

    def __init__(
        self, store: MailStore, changes: Changes, on_kept: Callable[[PutOutcome], None]
    ) -> None:
        self._store = store
        self._changes = changes
        self._on_kept = on_kept

    async def find(self, provider: MailProvider, text: str) -> tuple[str, ...]:
        """Return at most 300 ids in the service's order, all of them cached.

        Raises ServiceError, and UsageError for a blank text (the service answers 400 to it,
        api/assmbl.md §4.1).
        """
        query = text.strip()
        if not query:
            raise UsageError("Type something to search for.")
        found: dict[str, None] = {}
        guard, cursor = PageGuard(), None
        for _ in range(_PAGES):
            page, is_whole = await self._page(provider, query, cursor, guard)
            found.update(dict.fromkeys(item.message_id for item in page.items))
            cursor = page.next_cursor
            if cursor is None or not is_whole or len(found) >= _HITS:
                break
        cached = (message_id for message_id in found if self._store.item(message_id) is not None)
        return tuple(cached)[:_HITS]

    async def _page(
        self, provider: MailProvider, query: str, cursor: str | None, guard: PageGuard
    ) -> tuple[InboxPage, bool]:
        """Fetch a page and keep it; with it whether its cursor may be followed."""
        with self._changes.reading() as reading:
            page = await provider.list_inbox(
                limit=provider.capabilities.page_limit,
                cursor=cursor,
                q=query,
                include_archived=True,
            )
            broken = guard.check(cursor, page)
            if not self._store.read_only:
                with self._changes.commit():
                    outcome = self._store.put_items(self._changes.merge(page.items, reading))
                self._on_kept(outcome)
        return page, broken is None
