"""What the list shows: rows, mailboxes, counts and the state of the sync; plain, frozen, safe to show.

What the first frame needs and nothing else, because each class costs start-up time: a message to be
read is in `services.shown_mail`, what the service says in `services.wire_values`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntFlag
from typing import Protocol, runtime_checkable

from services.safe_text import EMPTY, SafeText


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
    account: str = ""
    """Whose mailbox it lies in where several are shown as one; "" where there is only one."""


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

    `label` is the raw label; `verified` and `unread` narrow further when not None; `account` is the
    one account to show where there are several, "" for all of them.
    """

    mailbox: Mailbox = Mailbox.INBOX
    label: str | None = None
    text: str = ""
    unread: bool | None = None
    verified: bool | None = None
    account: str = ""


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
    PARTLY = "partly"
    """Some of several accounts cannot sync; the sentence names them."""


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
    looking: bool = False
    """The operator asked for a look that is not answered yet; the phase is that of the one before."""
    sentence: SafeText = EMPTY
    """For FAILED, OFFLINE, SIGNED_OUT and PARTLY: what happened and what to do."""
