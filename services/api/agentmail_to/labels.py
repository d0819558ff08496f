"""What labels mean here: read, archived, trash, hidden mail, and which a person may set (§5).

Closes the trap of a state kept in two ways: AgentMail.to has no flags, so everything that is a flag
elsewhere is a label, written by exactly one command and never by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from services.errors import UsageError
from services.shelves import Shelf

UNREAD: Final = "unread"
READ: Final = "read"
"""Nobody's but a convention beside taking `unread` away; never asked about (§5.2)."""
ARCHIVED: Final = "archived"
"""Ours: the service knows no archive, and other clients show such mail in the inbox (§5.4)."""
TRASH: Final = "trash"
RECEIVED: Final = "received"
SENT: Final = "sent"
UNAUTHENTICATED: Final = "unauthenticated"
"""The sender proved nothing: neither SPF nor DKIM nor DMARC (§5.5)."""
SPAM: Final = "spam"
BLOCKED: Final = "blocked"

SYSTEM: Final = frozenset({
    RECEIVED, SENT, "delivered", "bounced", "complained", "delayed", "rejected", "opened",
    "scheduled", "agent-armor-held",
})  # fmt: skip
"""Set by the service alone; it answers 400 to whoever tries (§5.1)."""
STATES: Final = frozenset({UNREAD, READ, ARCHIVED, TRASH})
"""Set by the commands for reading, archiving and deleting."""
JUDGED: Final = frozenset({SPAM, BLOCKED, UNAUTHENTICATED})
"""Set by the service's own judgement; whether a client may change them is not told (§5.1)."""
RESERVED: Final = SYSTEM | STATES | JUDGED
"""What a person cannot set as a label."""
_PUT_AWAY: Final = frozenset({TRASH, SPAM, BLOCKED})


def is_in_mailbox(labels: Iterable[str]) -> bool:
    """Tell whether a message belongs to the mailbox: it came in, and is not put away (§5.5)."""
    found = frozenset(labels)
    return RECEIVED in found and not found & _PUT_AWAY


def lies_in(shelf: Shelf, labels: Iterable[str]) -> bool:
    """Tell whether a message lies in a place beside the mailbox, and in none of the others (§5.5).

    In the trash only what would be in the mailbox without that.
    """
    found = frozenset(labels)
    if shelf is Shelf.TRASH:
        return TRASH in found and is_in_mailbox(found - {TRASH})
    is_held = not found.isdisjoint((SPAM, BLOCKED))
    belongs = is_held if shelf is Shelf.HELD else SENT in found and not is_held
    return belongs and TRASH not in found


def place_of(labels: Iterable[str]) -> str:
    """Return where a message lies that is not in the mailbox, as a person calls it."""
    found = frozenset(labels)
    if is_in_mailbox(found):
        return "in the mailbox"
    if TRASH in found:
        return "in the trash"
    return "among spam and blocked mail" if found & _PUT_AWAY else "among sent mail"


def shown(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the labels that are shown as labels: without states and the service's bookkeeping."""
    return tuple(label for label in labels if label not in STATES and label not in SYSTEM)


def own(labels: Sequence[str]) -> list[str]:
    """Return labels as the service keeps them, lower-case; UsageError for what is not ours to set."""
    folded = list(dict.fromkeys(label.lower() for label in labels))
    for label in folded:
        if not label.strip():
            raise UsageError("A label is not blank.")
        if label in STATES:
            raise UsageError(
                f'"{label}" is not set as a label.',
                "There are commands for reading, archiving and deleting.",
            )
        if label in RESERVED:
            raise UsageError(
                f'"{label}" is a label that only AgentMail.to sets.', "Choose another word."
            )
    return folded
