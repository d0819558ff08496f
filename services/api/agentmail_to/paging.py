"""Walking a list of AgentMail.to to its end (§2).

Closes four traps: a short or empty page taken for the end (only a missing token is), a service that
sends the same token for ever, one that sends the same entries under ever new tokens, and one that
never runs out of new ones.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Final

from services.api.agentmail_to import codec
from services.api.agentmail_to.wire import MAX_PAGE
from services.api.exchange import Exchange
from services.errors import BadAnswer

_BARREN: Final = 100
"""Pages in a row without a new entry after which a list is given up."""
_MOST: Final = 1_000_000
"""Entries after which a list is given up."""
_IDS: Final[Mapping[str, str]] = {
    "messages": "message_id",
    "threads": "thread_id",
    "drafts": "draft_id",
    "inboxes": "inbox_id",
    "events": "event_id",
    "entries": "entry",
}
"""What tells the entries of each list apart."""


async def pages(
    exchange: Exchange,
    operation: str,
    plural: str,
    *,
    ids: Mapping[str, str] | None = None,
    query: Mapping[str, object] | None = None,
) -> AsyncIterator[list[codec.Fields]]:
    """Yield the entries of each page of a list; BadAnswer when it would not end."""
    seen: set[str] = set()
    known: set[int] = set()
    """Hashes of ids: 100,000 of them take 8 MB."""
    token: str | None = None
    barren = 0
    while True:
        asked = {"limit": MAX_PAGE, **(query or {}), "page_token": token}
        data = await exchange.call(operation, ids=ids, query=asked)
        found, token = codec.entries(data, plural)
        yield found
        before = len(known)
        known.update(hash(codec.text(entry.get(_IDS[plural]))) for entry in found)
        barren = 0 if len(known) > before else barren + 1
        if token is None:
            return
        if token in seen or barren >= _BARREN:
            raise BadAnswer("The service sent the same list again and again.", "Try again later.")
        if len(known) > _MOST:
            raise BadAnswer("The service sent a list without end.", "Try again later.")
        seen.add(token)
