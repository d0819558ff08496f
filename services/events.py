"""What the engine tells, as plain values; what it is asked is in `services.requests`.

Every event that answers a request carries the id that `Engine.request` returned for it, so a screen
drops what came too late. Events arrive on the engine's thread: the bridge turns them into screen
messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from services.models import MailboxCounts, MessageRow, SyncState
from services.safe_text import EMPTY, SafeText

if TYPE_CHECKING:
    from services.shown_mail import RenderedMessage, TrustFacts


class KeyRequest:
    """What every request about keys and peers is (`services.key_events`)."""

    __slots__ = ()
    latest_only: ClassVar[bool] = False
    """A newer request of this kind takes the place of one under way."""


class KeyEvent:
    """What every event about keys and peers is (`services.key_events`)."""

    __slots__ = ()


class TransferRequest:
    """What every request to save files is (`services.transfer_events`)."""

    __slots__ = ()


class TransferEvent:
    """What every event about files on their way is (`services.transfer_events`)."""

    __slots__ = ()


class OutboundRequest:
    """What every request about writing and sending is (`services.outbound_events`)."""

    __slots__ = ()
    latest_only: ClassVar[bool] = False
    """A newer request of this kind takes the place of one under way."""
    is_vital: ClassVar[bool] = False
    """It is carried out even when the program is about to stop."""


class OutboundEvent:
    """What every event about writing and sending is (`services.outbound_events`)."""

    __slots__ = ()


class ShelfRequest:
    """What every request about what lies beside a mailbox is (`services.shelf_events`)."""

    __slots__ = ()


class ShelfEvent(OutboundEvent):
    """What every event about a shelf is: told to the screens beside the mail, as those about
    outgoing mail are (`services.shelf_events`)."""

    __slots__ = ()


class Severity(Enum):
    """How a notice is shown."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class MailboxChanged:
    """The cache has a new snapshot: take it from `Engine.snapshot` (rows, counts)."""

    counts: MailboxCounts


@dataclass(frozen=True, slots=True)
class SyncStateChanged:
    """The status line has something new to tell.

    With several accounts `state` is that of all of them together, and `accounts` has each one's.
    """

    state: SyncState
    accounts: tuple[tuple[str, SyncState], ...] = ()


@dataclass(frozen=True, slots=True)
class MessageOpened:
    """The answer to `OpenMessage`."""

    request_id: int
    message_id: str
    message: RenderedMessage
    trust: TrustFacts


@dataclass(frozen=True, slots=True)
class RawRead:
    """The answer to `ReadRaw`: lines of safe text."""

    request_id: int
    message_id: str
    lines: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class SearchAnswered:
    """The answer to `SearchServer`: ids in the order of the service; all of them are cached now."""

    request_id: int
    text: str
    message_ids: tuple[str, ...]
    sent: tuple[MessageRow, ...] = ()
    """Of a conversation also what was sent from this inbox; none of it is cached."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the status line: a success with its undo, a refused change, a failure."""

    sentence: SafeText
    severity: Severity = Severity.INFO
    request_id: int = 0
    next_step: SafeText = EMPTY
    undoable: bool = False
    """`Undo` takes back what the sentence tells; screens name their key for it."""
    account: str = ""
    """Which of several accounts it is about; the sentence names it already."""


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request could not be answered."""

    request_id: int
    sentence: SafeText
    next_step: SafeText = EMPTY
    message_id: str = ""
    account: str = ""
    """Which of several accounts could not; "" where there is only one."""


Event: TypeAlias = (
    MailboxChanged
    | SyncStateChanged
    | MessageOpened
    | RawRead
    | SearchAnswered
    | Notice
    | RequestFailed
    | KeyEvent
    | TransferEvent
    | OutboundEvent
)
