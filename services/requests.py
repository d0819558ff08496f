"""What the engine is asked, as plain values.

Apart from `services.events` because the first frame asks nothing: screens import it where they ask.
Every request gets an id from `Engine.request`; what answers it carries that id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from services.events import KeyRequest, OutboundRequest, ShelfRequest, TransferRequest


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
class FindConversation:
    """What belongs to a cached message, as the service names it: cached and sent; `SearchAnswered`.

    `RequestFailed` where the service names none.
    """

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


OwnRequest: TypeAlias = (
    OpenMessage
    | ReadRaw
    | FindConversation
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
    | OutboundRequest
    | ShelfRequest
)
"""What one mailbox is asked."""


@dataclass(frozen=True, slots=True)
class ForAccount:
    """A request to one of several accounts (`services.unified`), for what names no message.

    Without it such a request goes to all of them (`Refresh`, `SearchServer`), or to the default one
    (keys). `account` is its name in the configuration.
    """

    account: str
    request: OwnRequest


Request: TypeAlias = OwnRequest | ForAccount
