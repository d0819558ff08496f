"""What the engine is asked and what it tells, as plain values.

Requests go down with an id that `Engine.request` returns; every event that answers a request carries
that id, so a screen drops what came too late. Events arrive on the engine's thread: the bridge turns
them into screen messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from services.models import MailboxCounts, RenderedMessage, SyncState, TrustFacts
from services.safe_text import EMPTY, SafeText


class KeyRequest:
    """What every request about keys and peers is (`services.key_events`)."""

    __slots__ = ()


class KeyEvent:
    """What every event about keys and peers is (`services.key_events`)."""

    __slots__ = ()


class TransferRequest:
    """What every request to save files is (`services.transfer_events`)."""

    __slots__ = ()


class TransferEvent:
    """What every event about files on their way is (`services.transfer_events`)."""

    __slots__ = ()


# ── requests ─────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """Read one message: from the cache, else from the service; `reveal` shows hidden characters."""

    message_id: str
    reveal: bool = False


@dataclass(frozen=True, slots=True)
class ReadRaw:
    """The raw MIME of one message, as safe text."""

    message_id: str


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Mark messages read or unread."""

    message_ids: tuple[str, ...]
    is_read: bool


@dataclass(frozen=True, slots=True)
class ChangeLabels:
    """Add and remove labels, atomically per message."""

    message_ids: tuple[str, ...]
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Archive:
    """Archive messages, or bring them back."""

    message_ids: tuple[str, ...]
    archived: bool = True


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete messages on the service, for good. The screen has asked before."""

    message_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undo:
    """Take back the last change that can be taken back."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Look for new mail now; `full` walks the whole mailbox and reconciles it."""

    full: bool = False


@dataclass(frozen=True, slots=True)
class SearchServer:
    """Ask the service's own search; `text` must not be blank."""

    text: str


@dataclass(frozen=True, slots=True)
class PrepareSearch:
    """Build the search text now, in slices; `MailSnapshot.search_ready` tells when it is there."""


Request: TypeAlias = (
    OpenMessage
    | ReadRaw
    | MarkRead
    | ChangeLabels
    | Archive
    | Delete
    | Undo
    | Refresh
    | SearchServer
    | PrepareSearch
    | KeyRequest
    | TransferRequest
)

# ── events ───────────────────────────────────────────────────────────────────────────────────────


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
    """The status line has something new to tell."""

    state: SyncState


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


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the status line: a success with its undo, a refused change, a failure."""

    sentence: SafeText
    severity: Severity = Severity.INFO
    request_id: int = 0
    next_step: SafeText = EMPTY
    undoable: bool = False
    """`Undo` takes back what the sentence tells; screens name their key for it."""


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """A request could not be answered."""

    request_id: int
    sentence: SafeText
    next_step: SafeText = EMPTY
    message_id: str = ""


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
)
