"""What a look at a mail told, after the service had taken it: in the audit log and on the entry.

Closes the trap of oversight that is only believed: a mail that left without it cannot be called back,
so it must be read about, by whoever looks at the sent mail and by whoever reads the log later. A look that
could not be taken is written down as well, and so is one that found all as it should be. Everything
here waits for the disk.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from services.outbound.outbox.outbox import PROGRAM, SETTLED_TABLE
from services.outbound.outbox.outbox_documents import OutboxEntry

if TYPE_CHECKING:
    from services.outbound.log.store import OutboundStore
    from services.outbound.outbox.outbox import Chronicle

AS_APPROVED: Final = "verified"
LEFT_WRONG: Final = "left wrong"
NOT_LOOKED_AT: Final = "not verified"


class Verdicts:
    """Writes verdicts on sent mail of one account."""

    def __init__(self, store: OutboundStore, chronicle: Chronicle) -> None:
        self._store = store
        self._chronicle = chronicle

    def right(self, entry: OutboxEntry) -> OutboxEntry:
        """Oversight has it, and nobody else; a log without this line says that nobody looked."""
        return self._note(entry, AS_APPROVED, entry.reason)

    def wrong(self, entry: OutboxEntry, fault: str) -> OutboxEntry:
        """It left otherwise than it was approved; return the entry that says so from now on."""
        return self._note(entry, LEFT_WRONG, fault)

    def unknown(self, entry: OutboxEntry, reason: str) -> OutboxEntry:
        """The service could not be asked how it left."""
        return self._note(entry, NOT_LOOKED_AT, reason)

    def _note(self, entry: OutboxEntry, action: str, reason: str) -> OutboxEntry:
        noted = replace(entry, reason=reason)
        with self._store.transaction():
            if self._store.get(SETTLED_TABLE, entry.entry_id) is not None:
                self._store.put(SETTLED_TABLE, entry.entry_id, noted.to_document())
            self._chronicle.told(noted, action, actor=PROGRAM)
        return noted
