"""Where a key was pressed and what stands on the screen then: plain values that guards look at.

Closes the trap of a guard that asks the screen and gets an answer for another moment: the picture is
frozen, made once for a key, a hint bar or a palette.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from services.safe_text import EMPTY, SafeText


class Context(Enum):
    """Who owns the keys: the pane that has the focus."""

    LIST = "message list"
    READER = "reader"
    MAILBOXES = "mailbox list"
    KEYS = "Keys screen"
    COMPOSE = "draft"
    """Fields and text: no printable character is a command there."""
    DRAFTS = "list of drafts"
    REVIEW = "review"
    APPROVALS = "approvals"
    OUTBOX = "outbox"
    """Of the mail that has left too."""
    TRANSFERS = "list of transfers"
    AUDIT = "audit log"
    TRASH = "trash"
    SHELF = "mail beside the mailbox"
    """Sent mail and held mail, as the service lists it."""
    SHELVED = "message beside the mailbox"


@dataclass(frozen=True, slots=True)
class Situation:
    """What a guard may look at; counts are messages."""

    context: Context = Context.LIST
    rows: int = 0
    """Rows in the list as filtered now."""
    targets: int = 0
    """Messages that an action would touch: the selection, else the current one."""
    selected: int = 0
    archived: bool = False
    """The current message is archived."""
    unread: bool = False
    """The current message is unread."""
    open_message: bool = False
    links: int = 0
    files: int = 0
    """Attachments of the open message."""
    saving: bool = False
    """Files are being saved."""
    narrowed: bool = False
    """A search, a label or a server answer narrows the list."""
    search_text: bool = False
    sent: bool = False
    """What is meant was sent from here: it is not of the mailbox."""
    read_only: bool = False
    signed_out: bool = False
    can_change_account: bool = False
    accounts: int = 1
    """Accounts that can be shown or written from."""
    closed: bool = False
    """The open message waits for the passphrase."""
    has_key: bool = False
    unlocked: bool = False
    """Some own key is open."""
    locked: bool = False
    """Some own key waits for its passphrase."""
    published: bool = False
    """The directory has an entry of the operator's, as far as is known."""
    same_published: bool = False
    """The directory has the current key."""
    entry: str = ""
    """On a screen of its own, what the cursor stands on. Keys: peer, changed, key, domain, trusted;
    outbox and transfers: the state; approvals: waiting or what was decided; drafts: draft."""
    offers_trusted: bool = False
    sending: bool = False
    """A mail that was sent can still be taken back."""
    painted: bool = False
    """Everything that is decided on has been on screen, for long enough to be seen."""
    refused: SafeText = EMPTY
    """Why the mail that is reviewed cannot leave."""
