"""What lies beside the mailbox of one inbox: in the trash, among sent mail, among spam and blocked mail.

Closes three traps. Spam that hides blocked mail, because a look is bounded: both lists are read side by
side. A message that says by its labels that it lies elsewhere: it is left out. And a list that seems
whole because the key may not see such mail: the service leaves it out without a word (§5.6), which is
said where the list is shown. Source: api/agentmail_to.md §4.2, §4.3, §5.3, §5.5.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from services.api.agentmail_to import codec, labels
from services.api.exchange import Exchange
from services.errors import UsageError
from services.shelves import Shelf
from services.wire_values import InboxItem, InboxPage

LISTS: Final[Mapping[Shelf, tuple[str, ...]]] = MappingProxyType({
    Shelf.TRASH: (labels.TRASH,),
    Shelf.SENT: (labels.SENT,),
    Shelf.HELD: (labels.SPAM, labels.BLOCKED),
})  # fmt: skip
"""The labels whose lists make up a shelf."""
THREAD_PAGE: Final = 50
"""Messages of a conversation in one answer; each comes with its texts."""
THREAD_PAGES: Final = 10
LARGEST_PAGE: Final = 64 * 1024 * 1024
"""Bytes of one such answer."""


class Shelves:
    """The shelves of one inbox. Every question may raise a ServiceError."""

    def __init__(self, exchange: Exchange, inbox_id: str) -> None:
        self._exchange = exchange
        self._ids = {"inbox_id": inbox_id}

    async def page(self, shelf: Shelf, *, limit: int, cursor: str | None) -> InboxPage:
        """Return a page of each list of a shelf, newest first; UsageError for an odd cursor."""
        tokens = dict.fromkeys(LISTS[shelf]) if cursor is None else _tokens(cursor)
        pages = await asyncio.gather(
            *(self._list(shelf, label, limit, token) for label, token in tokens.items())
        )
        found: dict[str, InboxItem] = {}
        for page in pages:
            found |= {item.message_id: item for item in page.items}
        rest = {
            label: page.next_cursor
            for label, page in zip(tokens, pages, strict=True)
            if page.next_cursor is not None
        }
        cursor = msgspec.json.encode(rest).decode() if rest else None
        return InboxPage(tuple(found.values()), cursor, sum(page.skipped for page in pages))

    async def _list(self, shelf: Shelf, label: str, limit: int, token: str | None) -> InboxPage:
        is_held = shelf is Shelf.HELD
        query = {
            "limit": limit,
            "page_token": token,
            "labels": [label],
            "include_trash": True if shelf is Shelf.TRASH else None,
            "include_spam": is_held or None,
            "include_blocked": is_held or None,
            "include_unauthenticated": True,
        }
        data = await self._exchange.call("list_messages", ids=self._ids, query=query)
        return codec.inbox_page(data, lambda told: labels.lies_in(shelf, told))

    async def sent_in(self, thread_id: str) -> InboxPage:
        """Return what was sent in a conversation, of its newest `THREAD_PAGE * THREAD_PAGES`.

        There is a next page when there is more to it.
        """
        found: dict[str, InboxItem] = {}
        token: str | None = None
        for _ in range(THREAD_PAGES):
            data = await self._exchange.call(
                "get_thread",
                ids={**self._ids, "thread_id": thread_id},
                query={"limit": THREAD_PAGE, "page_token": token},
                largest=LARGEST_PAGE,
            )
            page = codec.inbox_page(data, lambda told: labels.lies_in(Shelf.SENT, told))
            found |= {item.message_id: item for item in page.items}
            token = page.next_cursor
            if token is None:
                break
        return InboxPage(tuple(found.values()), token)


def shelf_of(told: Iterable[str]) -> Shelf | None:
    """Return the shelf that a message lies in by its labels; None for the mailbox."""
    found = frozenset(told)
    return next((shelf for shelf in Shelf if labels.lies_in(shelf, found)), None)


def _tokens(cursor: str) -> dict[str, str | None]:
    try:
        return msgspec.json.decode(cursor, type=dict[str, str | None])
    except msgspec.DecodeError:
        raise UsageError("This is no place in a list.") from None
