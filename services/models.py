"""The data that travels between the layers: plain, frozen, without behaviour.

Two families, kept apart on purpose. *Wire values* (`InboxItem`, `FetchedMessage`, …) hold strings as
the service sent them and never reach a widget. *Shown values* (`MessageRow`, `RenderedMessage`, …)
hold `SafeText`. An id (`message_id`) is chosen by whoever sent the mail: it is opaque, compared, and
sent back percent-encoded, but never shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntFlag
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from services.safe_text import EMPTY, SafeText

if TYPE_CHECKING:
    from services.seal_models import SealFacts

# ── wire values ──────────────────────────────────────────────────────────────────────────────────


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


# ── shown values ─────────────────────────────────────────────────────────────────────────────────


class RowFlag(IntFlag):
    """What a list row shows as glyphs; also the flag column of the cache index."""

    UNREAD = 1
    ARCHIVED = 2
    VERIFIED = 4
    ENCRYPTED = 8
    ATTACHMENTS = 16
    MARKETPLACE = 32
    PENDING = 64
    """A local change has not been confirmed by the service yet."""
    FIRST_CONTACT = 128
    """No earlier message from this address is known."""


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One line of the message list."""

    message_id: str
    flags: RowFlag
    received_at: int
    """Seconds since the epoch, UTC; 0 when unknown."""
    sender: SafeText
    """Display name, or the address when there is none."""
    address: SafeText
    subject: SafeText
    preview: SafeText = EMPTY
    attachments: int = 0
    labels: tuple[SafeText, ...] = ()


class RowSource(Protocol):
    """What the message list draws from: rows by position, newest first, decoded when asked."""

    def __len__(self) -> int: ...

    def row(self, position: int) -> MessageRow: ...

    def message_id(self, position: int) -> str: ...

    def position_of(self, message_id: str) -> int | None: ...


@runtime_checkable
class FlagFinder(Protocol):
    """What a row source may offer besides: finding a flag in its index without decoding rows."""

    def find_flag(self, flag: RowFlag, start: int, step: int) -> int | None:
        """The first position from `start`, going by `step` (1 or -1), that has the flag."""
        ...


class Mailbox(Enum):
    """The built-in mailboxes; each is a filter over one store."""

    INBOX = "inbox"
    UNREAD = "unread"
    UNVERIFIED = "unverified"
    ARCHIVED = "archived"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class MailFilter:
    """Which messages a list shows: a mailbox, an optional label, an optional search text.

    `label` is the raw label; `verified` and `unread` narrow further when not None.
    """

    mailbox: Mailbox = Mailbox.INBOX
    label: str | None = None
    text: str = ""
    unread: bool | None = None
    verified: bool | None = None


@dataclass(frozen=True, slots=True)
class LabelCount:
    """One label in use: the raw label, how it is shown, how many messages in the inbox carry it."""

    label: str
    shown: SafeText
    count: int


@dataclass(frozen=True, slots=True)
class MailboxCounts:
    """Exact counts; archived messages are left out of all but `archived` and `total`."""

    inbox: int = 0
    unread: int = 0
    unverified: int = 0
    archived: int = 0
    total: int = 0
    labels: tuple[LabelCount, ...] = ()


class LineKind(Enum):
    """What a body line is, so that the reader can shade and fold it."""

    TEXT = "text"
    QUOTE = "quote"
    NOTICE = "notice"
    """Our own words about the message ("cut at 2 MB"), never the sender's."""
    RULE = "rule"
    """A boundary between parts."""


@dataclass(frozen=True, slots=True)
class BodyLine:
    """One paragraph line of a body, not wrapped yet; `quote` is the quote depth (0 = own text)."""

    text: SafeText
    kind: LineKind = LineKind.TEXT
    quote: int = 0
    outside: bool = False
    """It stands outside of the encrypted block of its message: anybody may have written it."""


@dataclass(frozen=True, slots=True)
class Link:
    """A numbered link: what the text says and where it really goes."""

    number: int
    text: SafeText
    url: SafeText
    host: SafeText
    warning: SafeText = EMPTY
    """Set when the text names another host, the scheme is odd, or the host is look-alike."""
    outside: bool = False
    """It stands outside of the encrypted block of its message."""


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """An attachment as the reader lists it; `size` in bytes, None when unknown."""

    index: int
    file_name: SafeText
    content_type: SafeText
    size: int | None
    state: SafeText = EMPTY
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One header field as shown."""

    name: SafeText
    value: SafeText


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message ready to be read. Everything in it is safe to show."""

    from_name: SafeText
    from_address: SafeText
    to: SafeText
    subject: SafeText
    date: int
    """Seconds since the epoch from the Date header; 0 when absent or unreadable."""
    body: tuple[BodyLine, ...]
    headers: tuple[HeaderLine, ...] = ()
    """All fields in the order of the mail."""
    cc: SafeText = EMPTY
    reply_to: SafeText = EMPTY
    """Set only when it differs from the sender's address."""
    links: tuple[Link, ...] = ()
    attachments: tuple[AttachmentView, ...] = ()
    notes: tuple[SafeText, ...] = ()
    """Facts for the trust panel: hidden text, look-alike sender, cut parts."""
    hidden_characters: int = 0
    encrypted: bool = False
    """The body holds an OpenPGP message; what headers say of it is a hint only."""
    seal: SealFacts | None = None
    """Whether the encrypted body is open and who signed it; None for a message in clear."""


@dataclass(frozen=True, slots=True)
class TrustFacts:
    """What the trust panel tells about a message, all of it from outside the mail text."""

    verified: bool
    first_contact: bool
    encrypted: bool
    hidden_characters: int = 0
    notes: tuple[SafeText, ...] = ()
    seal: SealFacts | None = None
    """As in `RenderedMessage`."""


class SyncPhase(Enum):
    """Where the mailbox stands against the service."""

    STARTING = "starting"
    OFFLINE_START = "offline start"
    SYNCING = "syncing"
    SYNCED = "synced"
    OFFLINE = "offline"
    BUSY = "busy"
    SIGNED_OUT = "signed out"
    FAILED = "failed"
    READ_ONLY = "read only"


@dataclass(frozen=True, slots=True)
class SyncState:
    """What the status line tells; times are seconds since the epoch."""

    phase: SyncPhase = SyncPhase.STARTING
    fetched: int = 0
    """Messages fetched by the walk under way."""
    synced_at: int = 0
    since: int = 0
    """Since when the phase holds."""
    next_try: int = 0
    waiting: int = 0
    """Local changes that the service has not confirmed."""
    sentence: SafeText = EMPTY
    """For FAILED, OFFLINE and SIGNED_OUT: what happened and what to do."""
