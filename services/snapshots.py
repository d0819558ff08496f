"""What screens need of a picture of mail: of one mailbox, or of several shown as one.

A leaf for type checkers only; nothing imports it when the program runs.
"""

from __future__ import annotations

from typing import Protocol

from services.models import MailboxCounts, MailFilter, MessageRow, RowSource


class Snapshot(Protocol):
    """Mail as of one moment; reading it from any thread is safe.

    `services.cache.snapshot.MailSnapshot` and `services.unified.snapshot.UnifiedSnapshot` are.
    """

    @property
    def counts(self) -> MailboxCounts:
        """Exact counts; of all accounts together where there are several."""
        ...

    @property
    def search_ready(self) -> bool:
        """False while a search finds only what is indexed so far."""
        ...

    def counts_of(self, account: str) -> MailboxCounts:
        """The counts of one of several accounts; where there is only one, its counts."""
        ...

    def select(self, wanted: MailFilter) -> RowSource:
        """Return the messages that a filter lets through, newest first."""
        ...

    def row_of(self, message_id: str) -> MessageRow | None:
        """Return the row of one message, in whatever mailbox it is."""
        ...
