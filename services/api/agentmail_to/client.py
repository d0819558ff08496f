"""One inbox at AgentMail.to as a mailbox: a `services.ports.MailProvider` (api/agentmail_to.md §4, §5).

Closes these traps. Flags that are labels: each of them is written by one method here, and labels that
the service or a command owns are refused before they are sent. A deletion that cannot be taken back:
deleting puts into the trash. A message that was moved to the trash or to spam elsewhere and still
answers: for the mailbox it is not there. And a client that can send: the routes that send are not in
its table.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from services.api.agentmail_to import codec, labels
from services.api.agentmail_to.changes import LabelLog
from services.api.agentmail_to.door import V0Door
from services.api.agentmail_to.files import Files
from services.api.agentmail_to.lists import SenderLists
from services.api.agentmail_to.offer import OFFER
from services.api.agentmail_to.paging import pages
from services.api.agentmail_to.shelves import Shelves, shelf_of
from services.api.agentmail_to.wire import BATCH_UPDATE, MAX_PAGE
from services.api.codec import require_same
from services.api.exchange import Exchange
from services.api.retry import Sleep
from services.errors import NotFound, UsageError
from services.ports import Capabilities, PushSignal, RemoteChanges
from services.redact import Secret
from services.service_config import AGENTMAIL_TO, service_url
from services.shelves import Shelf
from services.wire_values import FetchedMessage, InboxPage

MESSAGE_SECONDS: Final = 120.0
"""The deadline for the JSON of one whole message."""
LARGEST_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes of that JSON, which holds the texts too."""


class AgentMailToClient:
    """One inbox, with one key. Every operation may raise a ServiceError.

    `inbox_id` is the inbox's address. UsageError when `base_url` is not the service's.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret | str,
        inbox_id: str,
        *,
        proxy: str = "",
        storage_hosts: tuple[str, ...] = (),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._key = key if isinstance(key, Secret) else Secret(key)
        self._base_url = service_url(AGENTMAIL_TO, base_url)
        self._proxy = proxy
        self.door = V0Door(base_url, self._key, proxy=proxy, sleep=sleep)
        self.inbox_id = inbox_id
        self.attachments = Files(
            self.exchange, inbox_id, self.door.origin, proxy, storage_hosts
        )  # fmt: skip
        self.lists = SenderLists(self.exchange, inbox_id)
        self._shelves = Shelves(self.exchange, inbox_id)
        self._label_log = LabelLog(self.exchange, inbox_id)

    @property
    def exchange(self) -> Exchange:
        """The calls of this key, but for those that send."""
        return self.door.exchange

    @property
    def capabilities(self) -> Capabilities:
        """What AgentMail.to offers, and what a person cannot set as a label."""
        return OFFER

    async def call(
        self,
        operation: str,
        *,
        ids: Mapping[str, str | int] | None = None,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
        cleared: tuple[str, ...] = (),
        safe: bool = True,
    ) -> object:
        """Call an operation of `routes.ROUTES` for this inbox; see `Exchange.call`."""
        return await self.exchange.call(
            operation,
            ids={"inbox_id": self.inbox_id, **(ids or {})},
            query=query,
            body=body,
            cleared=cleared,
            safe=safe,
        )

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    async def list_inbox(
        self,
        *,
        limit: int = MAX_PAGE,
        cursor: str | None = None,
        verified_only: bool = False,
        q: str | None = None,
        label: str | None = None,
        is_read: bool | None = None,
        include_archived: bool = False,
    ) -> InboxPage:
        """Return one page of what came in, oldest first; of a search, best first.

        Pages may be short or empty before the end: some filters are ours, not the service's.
        UsageError for a limit outside 1 to 100.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise UsageError(f"A page holds 1 to {MAX_PAGE} messages.")
        words = (q or "").strip()
        wanted = (label or "").lower()
        if words:
            query: dict[str, object] = {"q": words, "limit": limit, "page_token": cursor}
            page = codec.inbox_page(await self.call("search_messages", query=query))
        else:
            page = await self._page(limit, cursor, wanted, is_read)
        items = tuple(
            item
            for item in page.items
            if (include_archived or not item.archived)
            and (not verified_only or item.sender_verified)
            and (not wanted or wanted in item.labels)
            and (is_read is None or item.is_read is is_read)
        )
        return InboxPage(items, page.next_cursor, page.skipped)

    async def _page(
        self, limit: int, cursor: str | None, label: str, is_read: bool | None
    ) -> InboxPage:
        wanted = [labels.RECEIVED]
        if label:
            wanted.append(label)
        if is_read is False:
            wanted.append(labels.UNREAD)
        query = {
            "limit": limit,
            "page_token": cursor,
            "labels": wanted,
            "ascending": True,
            "include_unauthenticated": True,
        }
        return codec.inbox_page(await self.call("list_messages", query=query))

    async def list_shelf(
        self, shelf: Shelf, *, limit: int = MAX_PAGE, cursor: str | None = None
    ) -> InboxPage:
        """Return one page of what lies beside the mailbox; see `services.ports.MailShelves`."""
        return await self._shelves.page(shelf, limit=limit, cursor=cursor)

    async def list_sent_in(self, thread_id: str) -> InboxPage:
        """Return what was sent in a conversation; see `services.ports.MailShelves`."""
        return await self._shelves.sent_in(thread_id)

    async def get_message(self, message_id: str) -> FetchedMessage:
        """Return a message of the mailbox, whole; NotFound when it is gone or put away."""
        return await self._whole(message_id, labels.is_in_mailbox)

    async def get_shelved(self, shelf: Shelf | None, message_id: str) -> FetchedMessage:
        """Return a message of a shelf (of any for None), whole; NotFound when it is not there."""
        return await self._whole(
            message_id, lambda told: shelf_of(told) in (Shelf if shelf is None else (shelf,))
        )

    async def _whole(
        self, message_id: str, belongs: Callable[[Iterable[str]], bool]
    ) -> FetchedMessage:
        raw = asyncio.ensure_future(self.attachments.raw(message_id))
        try:
            data = await self.message(message_id)
            found = codec.labels_of(data)
            if not belongs(found):
                raise NotFound(f"The message lies {labels.place_of(found)}.", status=404)
            return codec.fetched_message(data, await raw)
        finally:
            raw.cancel()
            await asyncio.gather(raw, return_exceptions=True)

    async def message(self, message_id: str) -> codec.Fields:
        """Return the JSON of any message of the inbox: sent, in the trash, or spam as well."""
        data = await self.exchange.call(
            "get_message",
            ids={"inbox_id": self.inbox_id, "message_id": message_id},
            seconds=MESSAGE_SECONDS,
            largest=LARGEST_MESSAGE,
        )
        fields = codec.mapping(data, "a message")
        require_same(codec.text(fields.get("message_id")) or message_id, message_id)
        return fields

    async def get_unread_count(self) -> int:
        """Return how many messages are unread and not archived; asks for all of them (§5.2)."""
        query = {"labels": [labels.RECEIVED, labels.UNREAD], "include_unauthenticated": True}
        count = 0
        ids = {"inbox_id": self.inbox_id}
        async for found in pages(self.exchange, "list_messages", "messages", ids=ids, query=query):
            for fields in found:
                told = codec.labels_of(fields)
                count += (
                    labels.is_in_mailbox(told)
                    and labels.UNREAD in told
                    and labels.ARCHIVED not in told
                )
        return count

    # ── what the service tells by itself ─────────────────────────────────────────────────────────

    async def listen(self, tell: Callable[[PushSignal], None]) -> None:
        """Hold one connection and tell what comes; see `services.ports.PushSource`."""
        from services.api.agentmail_to.push import AgentMailToPush

        await AgentMailToPush(self._base_url, self._key, self.inbox_id, proxy=self._proxy).listen(
            tell
        )

    async def list_changes(self, cursor: str) -> RemoteChanges:
        """Return what others changed since `cursor`; see `services.ports.ChangeFeed`."""
        return await self._label_log.since(cursor)

    # ── changing ─────────────────────────────────────────────────────────────────────────────────

    async def patch_message_labels(
        self, message_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Change labels; returns those the message has now, without states (§5.1).

        UsageError for labels that only the service or another command sets.
        """
        return labels.shown(await self._relabel(message_id, *_own(add, remove)))

    async def patch_message_read(self, message_id: str, *, is_read: bool) -> None:
        """Mark read or unread, by both labels of the convention (§5.2)."""
        await self._relabel(message_id, *_reading(is_read))

    async def patch_message_archive(self, message_id: str, *, archived: bool) -> None:
        """Archive or bring back, by a label that this program hides (§5.4)."""
        await self._relabel(message_id, *_toggled(labels.ARCHIVED, archived))

    async def delete_message(self, message_id: str) -> None:
        """Put a message into the trash, from where `undelete_message` brings it back (§5.3)."""
        await self._relabel(message_id, [labels.TRASH], [])

    async def undelete_message(self, message_id: str) -> None:
        """Take a message out of the trash."""
        await self._relabel(message_id, [], [labels.TRASH])

    async def _relabel(
        self, message_id: str, add: Sequence[str], remove: Sequence[str]
    ) -> tuple[str, ...]:
        if not add and not remove:
            return ()
        body = {"add_labels": list(add) or None, "remove_labels": list(remove) or None}
        data = await self.call("update_message", ids={"message_id": message_id}, body=body)
        return codec.labels_of(data) if isinstance(data, Mapping) else ()

    # ── changing many at once: the answers name those that the service has ───────────────────────

    async def mark_messages_read(
        self, message_ids: Sequence[str], *, is_read: bool
    ) -> dict[str, tuple[str, ...]]:
        """Mark many messages read or unread."""
        return await self._relabel_many(message_ids, *_reading(is_read))

    async def archive_messages(
        self, message_ids: Sequence[str], *, archived: bool
    ) -> dict[str, tuple[str, ...]]:
        """Archive many messages or bring them back."""
        return await self._relabel_many(message_ids, *_toggled(labels.ARCHIVED, archived))

    async def label_messages(
        self, message_ids: Sequence[str], *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """Change the labels of many messages; UsageError as `patch_message_labels`."""
        return await self._relabel_many(message_ids, *_own(add, remove))

    async def delete_messages(self, message_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Put many messages into the trash."""
        return await self._relabel_many(message_ids, [labels.TRASH], [])

    async def _relabel_many(
        self, message_ids: Sequence[str], add: Sequence[str], remove: Sequence[str]
    ) -> dict[str, tuple[str, ...]]:
        ids = list(dict.fromkeys(message_ids))
        changed: dict[str, tuple[str, ...]] = {}
        for start in range(0, len(ids), BATCH_UPDATE):
            body = {
                "message_ids": ids[start : start + BATCH_UPDATE],
                "add_labels": list(add) or None,
                "remove_labels": list(remove) or None,
            }
            found, _ = codec.entries(await self.call("batch_update_messages", body=body), "updates")
            for update in found:
                told = labels.shown(codec.labels_of(update))
                changed[codec.text(update.get("message_id"))] = told
        return changed

    async def aclose(self) -> None:
        """Close all connections."""
        await self.attachments.aclose()
        await self.door.aclose()


def _own(add: Sequence[str], remove: Sequence[str]) -> tuple[list[str], list[str]]:
    added, removed = labels.own(add), labels.own(remove)
    if set(added) & set(removed):
        raise UsageError("A label cannot be added and removed at once.")
    return added, removed


def _reading(is_read: bool) -> tuple[list[str], list[str]]:
    read, unread = [labels.READ], [labels.UNREAD]
    return (read, unread) if is_read else (unread, read)


def _toggled(label: str, wanted: bool) -> tuple[list[str], list[str]]:
    return ([label], []) if wanted else ([], [label])
