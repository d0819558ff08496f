"""Answers what is asked about the shelves of one mailbox: what lies there, one message, bring it back.

Closes three traps: mail that gets into the cache because somebody looked at it (nothing of it is kept,
neither row nor body), a trash of ten thousand that is fetched whole for a look (it is bounded, and that
is told), and a trash that seems empty where there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from services.errors import CacheLocked, Offline, RenderError, UsageError
from services.events import Event, ShelfRequest
from services.ports import MailProvider, MailShelves
from services.safe_text import phrase, ui
from services.shelf_events import (
    ListShelf,
    ReadShelved,
    ReadShelvedRaw,
    RestoreTrashed,
    ShelfListed,
    ShelvedRaw,
    ShelvedRead,
    TrashRestored,
)
from services.shelves import Shelf
from services.shown_mail import TrustFacts
from services.sync.connecting import Connecting
from services.sync.mailbox import Mailbox
from services.sync.reading import raw_lines
from services.sync.shelved_rows import shelved_row
from services.sync.walk import PageGuard
from services.wire_values import InboxItem

MOST: Final = 1_000
"""Messages of a shelf that are listed; the newest."""
_PAGES: Final = 30
MISSING: Final[Mapping[Shelf, str]] = MappingProxyType(
    {
        Shelf.TRASH: (
            "The service of this account has no trash: what is deleted there is gone for good."
        ),
        Shelf.SENT: (
            "The service of this account does not list what was sent; "
            "what left from here is listed under Sent."
        ),
        Shelf.HELD: "The service of this account holds no mail back.",
    }
)
"""Why there is no such shelf."""


class ShelfDesk:
    """The shelves of one mailbox. Each question may raise a MailError."""

    def __init__(
        self, mailbox: Mailbox, connecting: Connecting, emit: Callable[[Event], None]
    ) -> None:
        self._mailbox = mailbox
        self._connecting = connecting
        self._emit = emit

    async def answer(self, request_id: int, request: ShelfRequest) -> None:
        """Answer a request; raises UsageError where there is no such shelf, Offline, ServiceError."""
        once_over = self._connecting.once_over
        match request:
            case ListShelf(shelf):
                self._emit(await self.look(shelf, request_id))
            case ReadShelved():
                self._emit(await once_over(lambda: self._read(request_id, request)))
            case ReadShelvedRaw():
                self._emit(await once_over(lambda: self._read_raw(request_id, request)))
            case RestoreTrashed(message_id):
                self._emit(await self._restore(request_id, message_id))
            case _:
                raise UsageError("This cannot be done with mail that lies there.")

    async def look(self, shelf: Shelf, request_id: int = 0) -> ShelfListed:
        """Return what lies on a shelf, at most `MOST` of it, newest first."""
        return await self._connecting.once_over(lambda: self._look(shelf, request_id))

    async def sent_in(self, thread_id: str) -> ShelfListed:
        """Return what was sent in a conversation; nothing where the service does not list it."""
        if Shelf.SENT not in self._mailbox.limits.shelves:
            return ShelfListed(0, ())
        page = await self._shelves(Shelf.SENT).list_sent_in(thread_id)
        rows = tuple(shelved_row(Shelf.SENT, item) for item in page.items)
        return ShelfListed(0, rows, more=page.next_cursor is not None)

    async def _look(self, shelf: Shelf, request_id: int) -> ShelfListed:
        shelves = self._shelves(shelf)
        found: dict[str, InboxItem] = {}
        guard, cursor = PageGuard(), None
        for _ in range(_PAGES):
            page = await shelves.list_shelf(shelf, cursor=cursor)
            broken = guard.check(cursor, page)
            found |= {item.message_id: item for item in page.items}
            cursor = page.next_cursor
            if cursor is None or len(found) >= MOST or broken is not None:
                break
        rows = [shelved_row(shelf, item) for item in found.values()]
        rows.sort(key=lambda row: row.received_at, reverse=True)
        more = cursor is not None or len(rows) > MOST
        return ShelfListed(request_id, tuple(rows[:MOST]), more)

    async def _read(self, request_id: int, asked: ReadShelved) -> ShelvedRead:
        mailbox = self._mailbox
        if mailbox.renderer is None:
            raise RenderError("This command does not show message text.")
        fetched = await self._shelves(asked.shelf).get_shelved(asked.shelf, asked.message_id)
        from services.reading.mime import raw_bytes

        render = partial(
            mailbox.renderer.render, raw_bytes(fetched.raw_mime), attachments=fetched.attachments
        )
        message, _ = await mailbox.sealed.rendered(
            asked.message_id, lambda opener: render(opener=opener)
        )
        trust = TrustFacts(
            verified=fetched.item.sender_verified,
            first_contact=False,
            encrypted=message.encrypted,
            hidden_characters=message.hidden_characters,
            notes=message.notes,
            seal=message.seal,
            sent=asked.shelf is Shelf.SENT,
        )
        return ShelvedRead(request_id, asked.message_id, message, trust)

    async def _read_raw(self, request_id: int, asked: ReadShelvedRaw) -> ShelvedRaw:
        fetched = await self._shelves(asked.shelf).get_shelved(asked.shelf, asked.message_id)
        from services.reading.mime import raw_bytes

        lines = raw_lines(raw_bytes(fetched.raw_mime))
        return ShelvedRaw(request_id, asked.message_id, lines)

    async def _restore(self, request_id: int, message_id: str) -> TrashRestored:
        mailbox = self._mailbox
        self._shelves(Shelf.TRASH)
        provider = self._connected()
        if mailbox.store.read_only:
            raise CacheLocked(
                "Another window or command writes to this mailbox, so this one only reads.",
                "Bring it back there, or close it.",
            )
        if await mailbox.trash.restore(provider, message_id):
            mailbox.report.publish_now()
            item = mailbox.store.item(message_id)
            place = ui("archived" if item is not None and item.archived else "in the inbox")
            told = phrase("Brought back from the trash; it is {} again.", place)
        else:
            told = ui("Brought back from the trash; the next look at the mailbox will show it.")
        return TrashRestored(request_id, message_id, told)

    def _shelves(self, shelf: Shelf) -> MailShelves:
        if shelf not in self._mailbox.limits.shelves:
            raise UsageError(MISSING[shelf])
        provider = self._connected()
        if not isinstance(provider, MailShelves):
            raise UsageError(MISSING[shelf])
        return provider

    def _connected(self) -> MailProvider:
        if self._mailbox.provider is None:
            raise Offline(
                "This mail lies on the mail service, and there is no connection to it.",
                "Look again as soon as the service is reached.",
            )
        return self._mailbox.provider
