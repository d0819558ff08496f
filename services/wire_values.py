"""What the mail service says, with strings as it sent them: never for a widget.

Apart from `services.models` because the first frame needs none of it. An id (`message_id`) is chosen by
whoever sent the mail: it is opaque, compared, and sent back percent-encoded, but never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InboxItem:
    """One message as the inbox list tells it (api/assmbl.md §4.1)."""

    message_id: str
    """The only key that must be there."""
    sender_verified: bool = False
    """True only when the service sent JSON `true`."""
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    body_preview: str = ""
    received_at: int = 0
    """Seconds since the epoch, UTC; 0 when unknown."""
    labels: tuple[str, ...] = ()
    is_read: bool = False
    archived: bool = False
    encrypted: bool = False
    attachment_count: int = 0
    trust_tier: str = ""
    traffic_type: str = ""
    correlation_id: str = ""
    marketplace_request_id: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)
    """Keys that this client does not know, kept as they came."""


@dataclass(frozen=True, slots=True)
class InboxPage:
    """One page of the inbox, oldest first; `next_cursor` is None only at the end."""

    items: tuple[InboxItem, ...]
    next_cursor: str | None
    skipped: int = 0
    """Entries that could not be read (no id, wrong types)."""


@dataclass(frozen=True, slots=True)
class InboundAttachment:
    """One entry of the inbound manifest (api/assmbl.md §6.3)."""

    index: int
    file_name: str
    content_type: str = ""
    size: int | None = None
    """Bytes; None when the service did not say."""
    status: str = ""
    """`ready`, `pending`, `failed`; any other word is treated as pending."""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class FetchedMessage:
    """A whole message: its inbox fields, the raw MIME text and the manifest."""

    item: InboxItem
    raw_mime: str
    attachments: tuple[InboundAttachment, ...] = ()
