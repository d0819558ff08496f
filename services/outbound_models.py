"""What screens show of mail that is written, waits or has left: plain, frozen, safe to show.

Loaded with the first draft, review or list of them, never for the first frame. Closes the trap of a
screen that shows something else than what will be sent: a `ReviewView` is made from the same plan
whose digest the decision carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.safe_text import EMPTY, SafeText, ui


class OutboxState(Enum):
    """Where a mail in the outbox stands. Only PENDING can be cancelled."""

    PENDING = "pending"
    CLAIMED = "claimed"
    """It is being sent now; written down before the first byte leaves."""
    SENT = "sent"
    REFUSED = "refused"
    """It did not leave; its draft is there again."""
    UNCERTAIN = "uncertain"
    """It may have left: a person decides, or the service is asked."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"

    @property
    def words(self) -> SafeText:
        """What people call it, wherever they meet it; scripts get the value."""
        return _STATE_WORDS[self]


_STATE_WORDS: Final = {
    OutboxState.PENDING: ui("queued"),
    OutboxState.CLAIMED: ui("sending"),
    OutboxState.SENT: ui("sent"),
    OutboxState.REFUSED: ui("refused"),
    OutboxState.UNCERTAIN: ui("may have left"),
    OutboxState.CANCELLED: ui("taken back"),
    OutboxState.EXPIRED: ui("expired"),
}


class CheckLevel(Enum):
    """How much a pre-send check says."""

    FINE = "fine"
    CAUTION = "caution"
    DANGER = "danger"
    REFUSED = "refused"
    """It cannot leave like this."""


@dataclass(frozen=True, slots=True)
class CheckView:
    """One pre-send check: `name` is stable (`missing_attachment`), `sentence` is for a person."""

    name: str
    level: CheckLevel
    sentence: SafeText


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One draft in the list of drafts. A sealed one whose key is locked tells no subject."""

    draft_id: str
    changed_at: int
    recipients: SafeText = EMPTY
    subject: SafeText = EMPTY
    encrypted: bool = False
    locked: bool = False
    files: int = 0
    remark: SafeText = EMPTY
    """Why it came back ("refused: …"), or EMPTY."""
    account: str = ""
    """Whose it is where several accounts are shown as one; "" where there is only one."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One mail to one recipient in the outbox or among the sent."""

    entry_id: str
    state: OutboxState
    to: SafeText
    subject: SafeText
    changed_at: int
    send_at: int = 0
    """When it leaves at the earliest; seconds since the epoch."""
    tries: int = 0
    sentence: SafeText = EMPTY
    """What the state means here: the refusal, the next try, the question to decide."""
    encrypted: bool = False
    files: int = 0
    is_copy: bool = False
    """It is the oversight copy of another one."""
    server_id: SafeText = EMPTY
    progress: SafeText = EMPTY
    """`sealing 40 %`, `uploading 12 %`; EMPTY when nothing moves."""
    account: str = ""
    """Whose it is where several accounts are shown as one; "" where there is only one."""


@dataclass(frozen=True, slots=True)
class ReviewFile:
    """A file in the review; `sha256` in hex of the file as it lies on the disk now."""

    name: SafeText
    content_type: SafeText
    size: int
    sha256: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class ReviewRecipient:
    """One recipient: an Assmbl send each."""

    address: SafeText
    role: SafeText
    """`to`, `cc`, `bcc`, `oversight copy`."""
    is_external: bool = True
    is_first_contact: bool = False
    fingerprint: SafeText = EMPTY
    """In groups of four; EMPTY when the mail goes in clear."""
    pinned: SafeText = EMPTY
    """`pinned 12 Oct 2026, verified by voice`."""
    warning: SafeText = EMPTY
    """Look-alike, unverified, key changed …"""


@dataclass(frozen=True, slots=True)
class ReviewView:
    """Exactly what will be sent, and what speaks against it."""

    account: SafeText
    account_name: str
    draft_id: str
    revision: int
    digest: str
    """SHA-256 in hex over everything below; a decision names it."""
    sender: SafeText
    recipients: tuple[ReviewRecipient, ...]
    subject: SafeText
    body: tuple[SafeText, ...]
    """The text part."""
    service: SafeText = EMPTY
    """`Amazon SES as bot@host.example, eu-west-1`; EMPTY for the account's own service."""
    html: tuple[SafeText, ...] = ()
    """The source of the HTML part; most mails have none."""
    is_html_made: bool = False
    """The HTML is made of the text, which is Markdown; else the text is made of the HTML."""
    headers: tuple[tuple[SafeText, SafeText], ...] = ()
    files: tuple[ReviewFile, ...] = ()
    encrypted: bool = False
    in_clear: SafeText = EMPTY
    """What stays readable on the way: `Subject, addresses, file names`."""
    usage: tuple[SafeText, ...] = ()
    pricing: tuple[SafeText, ...] = ()
    """With a marketplace request: what the seller charges, as the service says."""
    send_at: int = 0
    undo_seconds: int = 0
    checks: tuple[CheckView, ...] = ()
    refusal: SafeText = EMPTY
    """Why it cannot be sent; EMPTY when it can."""
    next_step: SafeText = EMPTY
    approval: SafeText = EMPTY
    """`approval not needed: internal`, or why a person has to decide."""
    agent: SafeText = EMPTY
    """Who proposed it; EMPTY for the operator's own."""
    agent_says: SafeText = EMPTY
    expires_at: int = 0

    @property
    def texts(self) -> tuple[SafeText, ...]:
        """The lines of all parts, as they stand under each other."""
        return (*self.body, *self.html)

    @property
    def short_digest(self) -> str:
        """The first 12 digits in groups of four, as the screen shows it."""
        return "-".join(self.digest[at : at + 4] for at in (0, 4, 8))


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a comparison: `sign` is `+`, `-`, `@` (what changed besides text) or a blank."""

    sign: str
    text: SafeText


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """One mail that an agent wants to send, or wanted."""

    account: str
    draft_id: str
    agent: SafeText
    to: SafeText
    subject: SafeText
    made_at: int
    revision: int
    state: SafeText
    """`waiting`, `rejected`, `expired`, or what the outbox says."""
    is_waiting: bool
    marks: tuple[SafeText, ...] = ()
    """`external`, `cold`, `first contact`, `look-alike` …"""
    is_paused: bool = False
    expires_at: int = 0
    unseen: bool = True


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent that proposes mail."""

    account: str
    name: str
    shown: SafeText
    paused: bool = False
    waiting: int = 0
    sent_today: int = 0


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of the audit log; `number` from 1."""

    number: int
    at: int
    actor: SafeText
    action: SafeText
    subject: SafeText = EMPTY
    """What it was about: recipient and subject of the mail, an agent …"""
    digest: SafeText = EMPTY
    reason: SafeText = EMPTY
    answer: SafeText = EMPTY
    account: str = ""
    """Whose log it stands in where several are shown as one; "" where there is only one."""


@dataclass(frozen=True, slots=True)
class RecipientSuggestion:
    """A completion: `address` is what goes into the field, raw."""

    address: str
    shown: SafeText
    source: SafeText
    """`peer`, `directory`, `wrote to you`, `you wrote`."""
    has_key: bool = False


@dataclass(frozen=True, slots=True)
class OutboundCounts:
    """What the mailbox list tells about mail that is not in the inbox."""

    drafts: int = 0
    waiting: int = 0
    """Proposals that a person has to decide, over all accounts."""
    outbox: int = 0
    """Pending, scheduled or being sent."""
    uncertain: int = 0
