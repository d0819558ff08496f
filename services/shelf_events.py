"""What is asked and told about the trash of a mail service.

Apart from the mailbox, because nothing of a trash is kept here: closes the trap of deleted mail that
counts, is found or is synced as if it were in the inbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.events import ShelfEvent, ShelfRequest
from services.models import MessageRow
from services.safe_text import EMPTY, SafeText

if TYPE_CHECKING:
    from services.shown_mail import RenderedMessage, TrustFacts


@dataclass(frozen=True, slots=True)
class ListShelf(ShelfRequest):
    """Ask the service what lies in its trash; `ShelfListed`, `RequestFailed` where there is none."""


@dataclass(frozen=True, slots=True)
class ReadShelved(ShelfRequest):
    """Read a message that lies in the trash; `ShelvedRead`."""

    message_id: str


@dataclass(frozen=True, slots=True)
class RestoreTrashed(ShelfRequest):
    """Bring a message back out of the trash; `TrashRestored`."""

    message_id: str


@dataclass(frozen=True, slots=True)
class ShelfListed(ShelfEvent):
    """The answer to `ListShelf`: newest first; `more` when not all that lies there was asked for."""

    request_id: int
    rows: tuple[MessageRow, ...]
    more: bool = False
    remark: SafeText = EMPTY
    """Which of several accounts are not in it, and why."""


@dataclass(frozen=True, slots=True)
class ShelvedRead(ShelfEvent):
    """The answer to `ReadShelved`."""

    request_id: int
    message_id: str
    message: RenderedMessage
    trust: TrustFacts


@dataclass(frozen=True, slots=True)
class TrashRestored(ShelfEvent):
    """The answer to `RestoreTrashed`."""

    request_id: int
    message_id: str
    sentence: SafeText
