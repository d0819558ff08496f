"""What is asked and told about what lies at a mail service beside the mailbox (`services.shelves`).

Apart from the mailbox, because nothing of it is kept here: closes the trap of deleted, sent or held
mail that counts, is found or is synced as if it were in the inbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.events import ShelfEvent, ShelfRequest
from services.models import MessageRow
from services.safe_text import EMPTY, SafeText
from services.shelves import Shelf

if TYPE_CHECKING:
    from services.shown_mail import RenderedMessage, TrustFacts


@dataclass(frozen=True, slots=True)
class ListShelf(ShelfRequest):
    """Ask the service what lies there; `ShelfListed`, `RequestFailed` where there is no such place."""

    shelf: Shelf


@dataclass(frozen=True, slots=True)
class ReadShelved(ShelfRequest):
    """Read a message that lies there; `ShelvedRead`."""

    shelf: Shelf
    message_id: str


@dataclass(frozen=True, slots=True)
class ReadShelvedRaw(ShelfRequest):
    """Show a message that lies there as it came; `ShelvedRaw`."""

    shelf: Shelf
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
class ShelvedRaw(ShelfEvent):
    """The answer to `ReadShelvedRaw`: lines of safe text."""

    request_id: int
    message_id: str
    lines: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class TrashRestored(ShelfEvent):
    """The answer to `RestoreTrashed`."""

    request_id: int
    message_id: str
    sentence: SafeText


@dataclass(frozen=True, slots=True)
class ShelvesCounted(ShelfEvent):
    """What lies beside a mailbox now; told without being asked, when it is another number."""

    held: int = 0
    more_held: bool = False
    """There are more than were counted."""
    sent: bool = False
    """Something was sent."""
    trashed: bool = False
    account: str = ""
