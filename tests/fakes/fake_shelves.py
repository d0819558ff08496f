"""Shelves in memory: answers what the screens of mail beside the mailbox ask, late if a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.events import Event, RequestFailed
from services.models import MessageRow
from services.requests import ForAccount, Request
from services.safe_text import EMPTY, SafeText, ui
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
from services.shown_mail import AttachmentView, RenderedMessage, TrustFacts
from tests.fakes.fake_engine import rendered
from tests.fakes.rows import sample_rows

_TRUST = TrustFacts(verified=True, first_contact=False, encrypted=False)


class FakeShelves:
    """Has the sample messages but the first three; `refuses` is why nothing is brought back."""

    def __init__(
        self,
        rows: tuple[MessageRow, ...] | None = None,
        *,
        more: bool = False,
        remark: SafeText = EMPTY,
        none: SafeText = EMPTY,
        refuses: SafeText = EMPTY,
        silent: bool = False,
    ) -> None:
        self.rows = sample_rows().rows[3:] if rows is None else rows
        self.more, self.remark, self.none = more, remark, none
        self.refuses, self.silent = refuses, silent
        self.asked: list[Request] = []
        self.emit: Callable[[Event], None] = lambda _: None

    def answer(self, number: int, request: Request, emit: Callable[[Event], None]) -> None:
        self.emit = emit
        self.asked.append(request)
        if self.silent:
            return
        match request.request if isinstance(request, ForAccount) else request:
            case ListShelf() if self.none:
                emit(RequestFailed(number, self.none))
            case ListShelf():
                emit(ShelfListed(number, self.rows, self.more, self.remark))
            case ReadShelved(_, message_id):
                row = next(row for row in self.rows if row.message_id == message_id)
                emit(ShelvedRead(number, message_id, _rendered(row), _TRUST))
            case ReadShelvedRaw(_, message_id):
                lines = (ui("From: someone"), ui(""), ui("as it came"))
                emit(ShelvedRaw(number, message_id, lines))
            case RestoreTrashed() if self.refuses:
                emit(RequestFailed(number, self.refuses))
            case RestoreTrashed(message_id):
                self.rows = tuple(row for row in self.rows if row.message_id != message_id)
                told = ui("Brought back from the trash; it is in the inbox again.")
                emit(TrashRestored(number, message_id, told))


def _rendered(row: MessageRow) -> RenderedMessage:
    files = (AttachmentView(0, ui("a.txt"), ui("text/plain"), 10, ui("ready")),)
    return replace(rendered(row), attachments=files if row.attachments else ())


def hostile(row: MessageRow, text: SafeText) -> MessageRow:
    """A row that says this wherever a sender can say something."""
    return replace(row, subject=text, sender=text, preview=text)
