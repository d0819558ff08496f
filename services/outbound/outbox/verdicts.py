"""What is owed and told about sent mail: a look at what the service has made of it, and its outcome.

Closes two traps. Oversight that is only believed: a mail that left without it cannot be called back,
so it must be read about, by whoever looks at the sent mail and by whoever reads the log later. And a
look that nobody takes because the program died after the sending: it is a debt that is stored in the
step that makes the mail SENT, and stays until it is paid or given up, which is written down as well.
Everything here waits for the disk.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import msgspec

from services.errors import CacheDamaged
from services.outbound.gate.transport import SentMail
from services.outbound.outbox.outbox import PROGRAM, SETTLED_TABLE
from services.outbound.outbox.outbox_documents import OutboxEntry

if TYPE_CHECKING:
    from services.outbound.log.store import OutboundStore
    from services.outbound.outbox.outbox import Chronicle, Outbox

LOOKS_TABLE: Final = "looks"
"""By entry: the look that is owed."""
OWED: Final = "not looked at yet"
AS_APPROVED: Final = "verified"
LEFT_WRONG: Final = "left wrong"
NOT_LOOKED_AT: Final = "could not be verified"


@dataclass(frozen=True, slots=True)
class Look:
    """A look that is owed; times are seconds since the epoch."""

    entry_id: str
    sent: SentMail
    since: int
    tries: int = 0
    next_try: int = 0


class Verdicts:
    """Debts and verdicts on sent mail of one account."""

    def __init__(self, store: OutboundStore, chronicle: Chronicle) -> None:
        self._store = store
        self._chronicle = chronicle

    def sent(
        self, outbox: Outbox, entry_id: str, answer: str, mail: SentMail, now: int
    ) -> OutboxEntry:
        """Settle a mail as SENT and owe a look at it, in one step; raises as `Outbox.sent`."""
        with self._store.transaction():
            entry = replace(outbox.sent(entry_id, mail.message_id, answer), verdict=OWED)
            self._keep(Look(entry_id, mail, now))
            self._put(entry)
        return entry

    def owed(self) -> tuple[Look, ...]:
        """Return all looks that are owed."""
        return tuple(_look(document) for _, document in self._store.all(LOOKS_TABLE))

    def owed_for(self, entry_id: str) -> Look | None:
        """Return the look that is owed for an entry, as every process knows it."""
        self._store.refresh()
        document = self._store.get(LOOKS_TABLE, entry_id)
        return None if document is None else _look(document)

    def put_off(self, look: Look, reason: str) -> OutboxEntry | None:
        """The service did not tell; `look` says when it is asked again."""
        with self._store.transaction():
            entry = self._entry(look.entry_id)
            self._keep(look)
            return None if entry is None else self._put(replace(entry, reason=reason))

    def right(self, entry_id: str) -> OutboxEntry | None:
        """Oversight has it, and nobody else; a log without this line says that nobody looked."""
        return self._note(entry_id, AS_APPROVED, "")

    def wrong(self, entry_id: str, fault: str) -> OutboxEntry | None:
        """It left otherwise than it was approved; return the entry that says so from now on."""
        return self._note(entry_id, LEFT_WRONG, fault)

    def unknown(self, entry_id: str, reason: str) -> OutboxEntry | None:
        """The service could not be asked how it left, and is asked no more."""
        return self._note(entry_id, NOT_LOOKED_AT, reason)

    def _note(self, entry_id: str, verdict: str, reason: str) -> OutboxEntry | None:
        with self._store.transaction():
            entry = self._entry(entry_id)
            self._store.remove(LOOKS_TABLE, entry_id)
            if entry is None:
                return None
            noted = self._put(replace(entry, reason=reason, verdict=verdict))
            self._chronicle.told(noted, verdict, actor=PROGRAM)
            return noted

    def _entry(self, entry_id: str) -> OutboxEntry | None:
        document = self._store.get(SETTLED_TABLE, entry_id)
        return None if document is None else OutboxEntry.of_document(document)

    def _put(self, entry: OutboxEntry) -> OutboxEntry:
        self._store.put(SETTLED_TABLE, entry.entry_id, entry.to_document())
        return entry

    def _keep(self, look: Look) -> None:
        self._store.put(LOOKS_TABLE, look.entry_id, msgspec.to_builtins(look))


def _look(document: object) -> Look:
    try:
        return msgspec.convert(document, Look)
    except msgspec.ValidationError:
        pass
    raise CacheDamaged("What is known of a sent mail cannot be read any more.")
