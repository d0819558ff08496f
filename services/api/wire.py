"""What travels in the JSON bodies of the Assmbl API, under its wire names.

One struct per body, checked by msgspec on decoding; the OpenAPI document is built from the same
structs (services/api/openapi.py), so that a limit is written once. Closes the trap of a client and
a sandbox that drift apart. Sources: api/assmbl.md §4–§10; what is marked assumed in
services/api/routes.py is assumed here too.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from services.api.wire_trust import (
    CapabilityRequest,
    CapabilitySecret,
    EmailChannel,
    KeyReceipt,
    KeyRegistration,
    KeyRevoked,
    NotificationRule,
    NotificationRules,
    PublicAgent,
    RuleChannels,
    RuleFilters,
    TrustedPeer,
    TrustedPeerState,
    WebhookChannel,
    WebhookPut,
    WebhookState,
)
from services.api.wire_types import (
    DEFAULT_PAGE,
    MAX_PAGE,
    MAX_UPLOAD_BYTES,
    Address,
    AttachmentState,
    ContentType,
    Count,
    FileName,
    HeaderName,
    Key,
    Label,
    Line,
    Price,
)

# The bodies of services/api/wire_trust.py are offered here too, so that callers know one module.
__all__ = [
    "CapabilityRequest",
    "CapabilitySecret",
    "EmailChannel",
    "KeyReceipt",
    "KeyRegistration",
    "KeyRevoked",
    "NotificationRule",
    "NotificationRules",
    "PublicAgent",
    "RuleChannels",
    "RuleFilters",
    "TrustedPeer",
    "TrustedPeerState",
    "WebhookChannel",
    "WebhookPut",
    "WebhookState",
]

# ── inbox and messages (§4) ──────────────────────────────────────────────────────────────────────


class InboxQuery(Struct, forbid_unknown_fields=False):
    """The query of `GET /inbox` (§4.1); `q` must not be blank."""

    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = DEFAULT_PAGE
    cursor: str | None = None
    verified_only: bool = False
    q: Annotated[str, Meta(min_length=1, pattern=r"\S")] | None = None
    label: str | None = None
    is_read: bool | None = None
    include_archived: bool = False


class InboxItem(Struct, kw_only=True):
    """One message of the inbox list; only the first two names are documented (§4.1)."""

    message_id: str = field(name="MessageID")
    sender_verified: bool = field(name="SenderVerified")
    sender: str = field(name="Sender", default="")
    recipient: str = field(name="Recipient", default="")
    subject: str = field(name="Subject", default="")
    body_preview: str = field(name="BodyPreview", default="")
    received_at: str = field(name="ReceivedAt", default="")
    labels: list[str] = field(name="Labels", default_factory=list)
    is_read: bool = field(name="IsRead", default=False)
    archived: bool = field(name="Archived", default=False)
    encrypted_item: bool = field(name="Encrypted", default=False)
    attachment_count: int = field(name="AttachmentCount", default=0)
    trust_tier: str = field(name="TrustTier", default="")
    traffic_type: str = field(name="TrafficType", default="")
    correlation_id: str = field(name="CorrelationID", default="")
    marketplace_request_id: str = field(name="MarketplaceRequestID", default="")


class InboxPage(Struct, kw_only=True):
    """A page, oldest first; `next_cursor` is null only at the end (§4.1)."""

    items: list[InboxItem]
    next_cursor: str | None


class Encryption(Struct, kw_only=True):
    """How a file was encrypted (§6.2)."""

    algorithm: Literal["openpgp"] = "openpgp"
    format: Literal["armored"] = "armored"


class ManifestEntry(Struct, kw_only=True):
    """One inbound attachment; also the answer to its status call (§4.2, §6.3)."""

    index: int
    file_name: str
    content_type: str
    size: int
    status: AttachmentState
    encrypted: bool = False
    encryption: Encryption | None = None


class Message(InboxItem, kw_only=True):
    """A whole message: raw MIME, the manifest and the inbox fields again (§4.2)."""

    raw_mime: str
    encrypted: bool
    attachments: list[ManifestEntry]


class Deleted(Struct, kw_only=True):
    """The answer to a deletion (§4.3)."""

    message_id: str
    deleted: bool = True


class LabelsPatch(Struct, kw_only=True):
    """Labels to add and remove, atomically (§4.4)."""

    add: list[Label] | None = None
    remove: list[Label] | None = None


class Labels(Struct, kw_only=True):
    """The labels that a message has now (§4.4)."""

    message_id: str
    labels: list[str]


class ReadPatch(Struct, kw_only=True):
    """The wanted read state (§4.5)."""

    is_read: bool


class ReadState(Struct, kw_only=True):
    """The read state that a message has now (§4.5)."""

    message_id: str
    is_read: bool


class ArchivePatch(Struct, kw_only=True):
    """The wanted archive state (§4.6)."""

    archived: bool


class ArchiveState(Struct, kw_only=True):
    """The archive state that a message has now (§4.6)."""

    message_id: str
    archived: bool


class UnreadCount(Struct, kw_only=True):
    """Unread messages that are not archived (§4.7)."""

    unread_count: int


# ── sending (§5) ─────────────────────────────────────────────────────────────────────────────────


class Usage(Struct, kw_only=True):
    """Metering of the work that a mail answers for (§5.1)."""

    outcomes_returned: Count | None = None
    tokens_input: Count | None = None
    tokens_output: Count | None = None
    compute_ms: Count | None = None
    custom_units: dict[str, float] | None = None


class AttachmentRef(Struct, kw_only=True):
    """A reference to an uploaded file (§6.2)."""

    object_key: Annotated[str, Meta(min_length=1, max_length=1024)]
    name: FileName | None = None
    content_type: ContentType | None = None
    size: Count | None = None
    encrypted: bool = False
    encryption: Encryption | None = None


class SendRequest(Struct, kw_only=True):
    """A mail to send, plain text, one recipient (§5.1)."""

    to: Address
    subject: Line
    body: str
    usage: Usage | None = None
    correlation_id: Key | None = None
    idempotency_key: Key | None = None
    marketplace_request_id: Key | None = None
    headers: dict[HeaderName, Line] | None = None
    attachments: Annotated[list[AttachmentRef], Meta(max_length=100)] | None = None


class Sent(Struct, kw_only=True):
    """The tracking keys of an accepted mail (§5.2)."""

    message_id: str
    correlation_id: str
    idempotency_key: str | None
    reservation_key: str | None
    marketplace_request_id: str | UnsetType = UNSET


# ── attachments (§6) ─────────────────────────────────────────────────────────────────────────────


class UploadRequest(Struct, kw_only=True):
    """A file that is about to be uploaded (§6.1); `max_bytes` is enforced by the form."""

    file_name: FileName
    content_type: ContentType
    max_bytes: Annotated[int, Meta(ge=1, le=MAX_UPLOAD_BYTES)]


class UploadGrant(Struct, kw_only=True):
    """Where to post the file: `upload` is flat, `url` beside the form fields (§6.1)."""

    object_key: str
    upload: dict[str, str]


class DownloadRequest(Struct, kw_only=True):
    """An own upload to fetch back (§6.1)."""

    object_key: Annotated[str, Meta(min_length=1, max_length=1024)]


class DownloadGrant(Struct, kw_only=True):
    """A presigned address, valid for a short time (§6.1, §6.3)."""

    url: str


# ── billing (§10) ────────────────────────────────────────────────────────────────────────────────


class BillingPricing(Struct, kw_only=True, omit_defaults=True):
    """What an agent charges; every field is optional (§10)."""

    pricing_model: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}(?![\s\S])")] | None = None
    enabled: bool | None = None
    base_price: Price | None = None
    token_price_input: Price | None = None
    token_price_output: Price | None = None
    free_quota: Count | None = None
    minimum_charge: Price | None = None
    listing_summary: Annotated[str, Meta(max_length=10_000)] | None = None
    request_payload_docs: Annotated[str, Meta(max_length=100_000)] | None = None
    support_url: Annotated[str, Meta(max_length=2048)] | None = None


class PublicPricing(BillingPricing, kw_only=True):
    """The public price list of one agent (§10)."""

    agent_id: str


class BillingBalance(Struct, kw_only=True):
    """The wallet (§10, shape assumed)."""

    currency: str
    balance: float
    reserved: float


class UsageRow(Struct, kw_only=True):
    """One metered mail (§10, shape assumed)."""

    correlation_id: str
    recipient: str
    sent_at: str
    usage: Usage
    marketplace_request_id: str | None = None


class BillingUsage(Struct, kw_only=True):
    """The usage history, newest last (§10, shape assumed)."""

    items: list[UsageRow]


class Error(Struct, kw_only=True):
    """Every error body; `message` is for people (§2)."""

    error: str
    message: str | UnsetType = UNSET


def encode(value: object) -> bytes:
    """Return the JSON of a struct (or of plain values) as bytes."""
    return msgspec.json.encode(value)
