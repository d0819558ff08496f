"""The outbox: which mail waits, leaves, has left, or may have left. States only, no network.

Closes the trap of mail that is lost or sent twice between two programs or two lives of one: every
step is one durable transaction, and what it says is true before the next step begins. A draft goes
away in the very transaction that queues its mail, and comes back in the one that settles it unsent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from services.outbound.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.outbound.store import OutboundStore

TABLE: Final = "outbox"


class Outbox:
    """The entries of one account; `clock` gives seconds since the epoch."""

    def __init__(self, store: OutboundStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def get(self, entry_id: str) -> OutboxEntry | None:
        """Return an entry as it is known now."""
        document = self._store.get(TABLE, entry_id)
        return None if document is None else OutboxEntry.of_document(entry_id, document)

    def entries(self) -> Iterator[OutboxEntry]:
        """All entries, in the order of queueing."""
        for entry_id, document in self._store.all(TABLE):
            yield OutboxEntry.of_document(entry_id, document)

    def of_draft(self, draft_id: str) -> tuple[OutboxEntry, ...]:
        """The entries that a draft became."""
        return tuple(entry for entry in self.entries() if entry.draft_id == draft_id)

    def put(self, entries: Iterable[OutboxEntry]) -> None:
        """Keep entries; to be called inside of a transaction."""
        for entry in entries:
            self._store.put(TABLE, entry.entry_id, entry.to_document())

    def left_since(self, moment: int) -> int:
        """How many mails have been queued since a moment and were not taken back; for caps."""
        gone = (OutboxState.CANCELLED, OutboxState.REFUSED, OutboxState.EXPIRED)
        return sum(e.queued_at >= moment and e.state not in gone for e in self.entries())

    def cancel(self, entry_ids: Sequence[str]) -> tuple[OutboxEntry, ...]:
        """Take back what is PENDING; return what was taken back."""
        raise NotImplementedError
