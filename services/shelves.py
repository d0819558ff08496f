"""The places at a mail service beside the mailbox.

Closes the trap of mail that counts, is found or is synced as if it had come into the inbox: what lies
in these places is asked for when somebody looks, and nothing of it is kept here.
"""

from __future__ import annotations

from enum import Enum


class Shelf(Enum):
    """A place beside the mailbox."""

    TRASH = "trash"
    """What came in and was deleted."""
    SENT = "sent"
    """What was sent from this inbox, by whatever program: the agent's own mail."""
    HELD = "held"
    """What the service keeps out of the inbox: spam, and mail of blocked senders."""
