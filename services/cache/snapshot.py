"""What the screens read: an immutable picture of the mailbox, rows decoded one by one.

Closes the trap of a list that holds every message: a view is an array of 4-byte numbers.
"""

from __future__ import annotations

from services.errors import CacheError
from services.models import MailboxCounts, MailFilter, MessageRow


class MailSnapshot:
    """The mailbox as of one commit."""

    version: int
    counts: MailboxCounts

    @property
    def search_ready(self) -> bool:
        """False while `select` with a text searches only what is indexed so far (newest first)."""
        raise CacheError("Not built yet.")

    def select(self, wanted: MailFilter) -> RowView:
        """Return the messages that a filter lets through, newest first."""
        raise CacheError(f"Not built yet: {wanted}")

    def row_of(self, message_id: str) -> MessageRow | None:
        """Return the row of one message, in whatever mailbox it is."""
        raise CacheError(f"Not built yet: {message_id}")


class RowView:
    """A RowSource over one selection."""

    def __len__(self) -> int:
        raise CacheError("Not built yet.")

    def row(self, position: int) -> MessageRow:
        """Decode one row; raises IndexError outside of the view."""
        raise CacheError(f"Not built yet: {position}")

    def message_id(self, position: int) -> str:
        """Return the id of a row; raises IndexError outside of the view."""
        raise CacheError(f"Not built yet: {position}")

    def position_of(self, message_id: str) -> int | None:
        """Return where a message stands in this view, or None."""
        raise CacheError(f"Not built yet: {message_id}")
