"""The Assmbl mailbox: inbox, messages, labels, read and archive state.

The method names are those of the vendor's SDK (api/assmbl.md §11); the other areas hang off it:
`attachments`, `directory` and `admin`. Sending is not here on purpose: `assmbl_send.MailSender` is
made by the sending gate alone. Closes the traps of a blank search that the service refuses, of a
cursor that comes back and walks in circles, and of a 409 or 404 that means "done already".
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from services.api import codec
from services.api.assmbl_admin import Admin
from services.api.assmbl_attachments import Attachments
from services.api.assmbl_directory import Directory
from services.api.exchange import Exchange
from services.api.http import HttpDoor
from services.api.retry import Retrier, Sleep
from services.api.wire_types import MAX_LABEL_LENGTH, MAX_PAGE
from services.errors import BadAnswer, Conflict, NotFound, UsageError
from services.ports import Capabilities
from services.redact import Secret
from services.wire_values import FetchedMessage, InboxPage

MESSAGE_SECONDS: Final = 120.0
"""The deadline for one whole message."""
_MOST_LABELS: Final = 200
LARGEST_MESSAGE: Final = 96 * 1024 * 1024
"""Bytes of JSON for one message: 25 MB of mail, escaped."""


class AssmblClient:
    """One agent's mailbox at Assmbl; a `services.ports.MailProvider`.

    UsageError when `base_url` is not one. Every operation may raise a ServiceError.
    """

    def __init__(
        self,
        base_url: str,
        token: Secret | str,
        mail_domain: str = "",
        *,
        proxy: str = "",
        storage_hosts: tuple[str, ...] = (),
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        secret = token if isinstance(token, Secret) else Secret(token)
        self._door = HttpDoor(base_url, secret, proxy=proxy)
        self._exchange = Exchange(self._door, Retrier(sleep))
        self.mail_domain = mail_domain
        self.attachments = Attachments(self._exchange, self._door.origin, proxy, storage_hosts)
        self.directory = Directory(self._exchange)
        self.admin = Admin(self._exchange)

    verify_webhook_signature = staticmethod(Admin.verify_webhook_signature)

    @property
    def capabilities(self) -> Capabilities:
        """What Assmbl offers."""
        return Capabilities()

    @property
    def exchange(self) -> Exchange:
        """The calls of this account, for the sending gate."""
        return self._exchange

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
        """Return one page, oldest first (api/assmbl.md §4.1).

        A blank `q` is left out; UsageError for a limit outside 1 to 100.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise UsageError(f"A page holds 1 to {MAX_PAGE} messages.")
        query = {
            "limit": limit,
            "cursor": cursor or None,
            "verified_only": verified_only or None,
            "q": (q or "").strip() or None,
            "label": label or None,
            "is_read": is_read,
            "include_archived": include_archived or None,
        }
        return codec.inbox_page(await self._exchange.call("list_inbox", query=query))

    async def iter_inbox_pages(
        self, *, page_size: int = MAX_PAGE, **filters: Any
    ) -> AsyncIterator[InboxPage]:
        """Yield all pages with the filters of `list_inbox`, empty ones included.

        BadAnswer when a cursor comes back a second time.
        """
        seen: set[str] = set()
        cursor: str | None = None
        while True:
            page = await self.list_inbox(limit=page_size, cursor=cursor, **filters)
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise BadAnswer(
                    "The service sent the same place in the inbox twice.",
                    "Refresh later.",
                )
            seen.add(cursor)

    async def get_message(self, message_id: str) -> FetchedMessage:
        """Return one whole message; NotFound when it is gone (api/assmbl.md §4.2).

        BadAnswer for another one than asked for.
        """
        data = await self._exchange.call(
            "get_message",
            ids={"message_id": message_id},
            seconds=MESSAGE_SECONDS,
            largest=LARGEST_MESSAGE,
        )
        message = codec.fetched_message(data)
        codec.require_same(message.item.message_id, message_id)
        return message

    async def delete_message(self, message_id: str) -> None:
        """Delete for good; NotFound when it was gone before (api/assmbl.md §4.3)."""
        try:
            await self._exchange.call("delete_message", ids={"message_id": message_id})
        except NotFound as error:
            # After a lost answer, "not there" is what a deletion that worked looks like.
            if not error.uncertain:
                raise

    async def patch_message_labels(
        self, message_id: str, *, add: Sequence[str] = (), remove: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Change labels atomically (§4.4).

        Returns the labels that the message has now; empty when the answer does not say (its shape
        is assumed only), for then the change was carried out as asked.
        """
        added, removed = _labels(add), _labels(remove)
        both = set(added) & set(removed)
        if both:
            raise UsageError("A label cannot be added and removed at once.")
        data = await self._exchange.call(
            "patch_message_labels",
            ids={"message_id": message_id},
            body={"add": added, "remove": removed},
        )
        labels = data.get("labels") if isinstance(data, Mapping) else None
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            return ()
        return tuple(labels[:_MOST_LABELS])

    async def patch_message_read(self, message_id: str, *, is_read: bool) -> None:
        """Mark read or unread (§4.5)."""
        await self._exchange.call(
            "patch_message_read", ids={"message_id": message_id}, body={"is_read": is_read}
        )

    async def patch_message_archive(self, message_id: str, *, archived: bool) -> None:
        """Archive or bring back; archiving what is archived already is done (§4.6, §17 Q9)."""
        try:
            await self._exchange.call(
                "patch_message_archive", ids={"message_id": message_id}, body={"archived": archived}
            )
        except Conflict:
            if not archived:
                raise

    async def get_unread_count(self) -> int:
        """Return how many messages are unread and not archived (§4.7)."""
        data = await self._exchange.call("get_unread_count")
        count = data.get("unread_count") if isinstance(data, Mapping) else None
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise BadAnswer("The service did not say how many messages are unread.")
        return count

    async def aclose(self) -> None:
        """Close all connections."""
        await self.attachments.aclose()
        await self._door.aclose()


def _labels(labels: Sequence[str]) -> list[str]:
    for label in labels:
        if not label.strip() or len(label) > MAX_LABEL_LENGTH:
            raise UsageError(f"A label has 1 to {MAX_LABEL_LENGTH} characters and is not blank.")
    return list(dict.fromkeys(labels))
