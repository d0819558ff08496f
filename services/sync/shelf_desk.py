"""Answers what is asked about the trash of one mailbox: what lies there, one message, bring it back.

Closes three traps: deleted mail that gets into the cache because somebody looked at it (nothing of it
is kept, neither row nor body), a trash of ten thousand that is fetched whole for a look (it is bounded,
and that is told), and a trash that seems empty where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.addresses import parse_mailbox
from services.errors import CacheLocked, Offline, RenderError, UsageError
from services.events import Event, ShelfRequest
from services.models import MessageRow, RowFlag
from services.ports import MailProvider, MailShelves
from services.safe_text import clean_address, clean_line, phrase, ui
from services.shelf_events import (
    ListShelf,
    ReadShelved,
    RestoreTrashed,
    ShelfListed,
    ShelvedRead,
    TrashRestored,
)
from services.shown_mail import TrustFacts
from services.sync.connecting import Connecting
from services.sync.mailbox import Mailbox
from services.sync.walk import PageGuard
from services.wire_values import InboxItem

MOST: Final = 1_000
"""Messages of a trash that are listed; the newest."""
_PAGES: Final = 30
NO_TRASH: Final = (
    "The service of this account has no trash: what is deleted there is gone for good."
)


class ShelfDesk:
    """The trash of one mailbox. Each question may raise a MailError."""

    def __init__(
        self, mailbox: Mailbox, connecting: Connecting, emit: Callable[[Event], None]
    ) -> None:
        self._mailbox = mailbox
        self._connecting = connecting
        self._emit = emit

    async def answer(self, request_id: int, request: ShelfRequest) -> None:
        """Answer a request; raises UsageError where there is no trash, Offline, ServiceError."""
        match request:
            case ListShelf():
                self._emit(await self.look(request_id))
            case ReadShelved(message_id):
                self._emit(
                    await self._connecting.once_over(lambda: self._read(request_id, message_id))
                )
            case RestoreTrashed(message_id):
                self._emit(await self._restore(request_id, message_id))
            case _:
                raise UsageError("This cannot be done with the trash.")

    async def look(self, request_id: int = 0) -> ShelfListed:
        """Return what lies in the trash, at most `MOST` of it, newest first."""
        return await self._connecting.once_over(lambda: self._look(request_id))

    async def _look(self, request_id: int) -> ShelfListed:
        shelf = self._shelf()
        found: dict[str, InboxItem] = {}
        guard, cursor = PageGuard(), None
        for _ in range(_PAGES):
            page = await shelf.list_shelf(cursor=cursor)
            broken = guard.check(cursor, page)
            found |= {item.message_id: item for item in page.items}
            cursor = page.next_cursor
            if cursor is None or len(found) >= MOST or broken is not None:
                break
        rows = sorted(map(_row, found.values()), key=lambda row: row.received_at, reverse=True)
        more = cursor is not None or len(rows) > MOST
        return ShelfListed(request_id, tuple(rows[:MOST]), more)

    async def _read(self, request_id: int, message_id: str) -> ShelvedRead:
        mailbox, shelf = self._mailbox, self._shelf()
        if mailbox.renderer is None:
            raise RenderError("This command does not show message text.")
        fetched = await shelf.get_shelved(message_id)
        from services.reading.mime import raw_bytes

        message = await mailbox.renderer.render(
            raw_bytes(fetched.raw_mime),
            attachments=fetched.attachments,
            opener=await mailbox.sealed.opener(message_id),
        )
        trust = TrustFacts(
            verified=fetched.item.sender_verified,
            first_contact=False,
            encrypted=message.encrypted,
            hidden_characters=message.hidden_characters,
            notes=message.notes,
            seal=message.seal,
        )
        return ShelvedRead(request_id, message_id, message, trust)

    async def _restore(self, request_id: int, message_id: str) -> TrashRestored:
        mailbox = self._mailbox
        self._shelf()
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

    def _shelf(self) -> MailShelves:
        if not self._mailbox.limits.trash:
            raise UsageError(NO_TRASH)
        provider = self._connected()
        if not isinstance(provider, MailShelves):
            raise UsageError(NO_TRASH)
        return provider

    def _connected(self) -> MailProvider:
        if self._mailbox.provider is None:
            raise Offline(
                "The trash lies on the mail service, and there is no connection to it.",
                "Look again as soon as the service is reached.",
            )
        return self._mailbox.provider


def _row(item: InboxItem) -> MessageRow:
    sender = parse_mailbox(item.sender)
    flags = RowFlag(0)
    for flag, is_set in (
        (RowFlag.UNREAD, not item.is_read),
        (RowFlag.ARCHIVED, item.archived),
        (RowFlag.VERIFIED, item.sender_verified),
        (RowFlag.ENCRYPTED, item.encrypted),
        (RowFlag.ATTACHMENTS, item.attachment_count > 0),
    ):
        flags |= flag if is_set else RowFlag(0)
    return MessageRow(
        message_id=item.message_id,
        flags=flags,
        received_at=item.received_at,
        sender=clean_line(sender.name or sender.address),
        address=clean_address(sender.address),
        subject=clean_line(item.subject),
        preview=clean_line(item.body_preview),
        attachments=item.attachment_count,
        labels=tuple(map(clean_line, item.labels)),
    )
