"""Allow and block lists: who may be written to, and what is done with what comes in (§4.5).

Closes the trap of lists that contradict each other: the narrower scope decides before the wider
one, and within a scope block beats allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from services.sandbox.agentmail_to.mime import bare
from services.sandbox.agentmail_to.records import Inbox
from services.sandbox.store import Store

DIRECTIONS: Final = ("send", "receive", "reply")
TYPES: Final = ("allow", "block")


def scopes(inbox: Inbox) -> tuple[str, str, str]:
    """Return the scopes that an inbox lies in, the narrowest first."""
    return f"inbox {inbox.number}", f"pod {inbox.pod_id}", f"org {inbox.organization_id}"


class Rules:
    """The lists of all scopes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def labels(self, inbox: Inbox, sender: str, is_answer: bool) -> Sequence[str]:
        """Return what a received mail is labelled with besides the usual."""
        allowed = self.allows(inbox, "reply" if is_answer else "receive", sender)
        return () if allowed else ("blocked",)

    def allows(self, inbox: Inbox, direction: str, address: str) -> bool:
        """Tell whether mail from or to an address may pass."""
        if self._db.execute("SELECT 1 FROM v0_lists LIMIT 1").fetchone() is None:
            return True
        plain = next(iter(bare([address])), address).lower()
        fitting = (plain, plain.rpartition("@")[2])
        for scope in scopes(inbox):
            if self._holds(scope, direction, "block", fitting):
                return False
            if self._holds(scope, direction, "allow", fitting):
                return True
        return not any(self._count(scope, direction) for scope in scopes(inbox))

    def entries(self, scope: str, direction: str, kind: str) -> list[tuple[str, str | None, float]]:
        """Return entry, reason and age of one list, in the order of the entries."""
        rows = self._db.execute(
            "SELECT entry, reason, created_at FROM v0_lists "
            "WHERE scope = ? AND direction = ? AND list_type = ? ORDER BY entry",
            (scope, direction, kind),
        )
        return [(entry, reason, at) for entry, reason, at in rows]

    def add(self, scope: str, direction: str, kind: str, entry: str, reason: str | None) -> None:
        """Put an entry into a list; one that is there stays as it is."""
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO v0_lists VALUES (?, ?, ?, ?, ?, ?)",
                (scope, direction, kind, entry.lower(), reason, self._store.clock()),
            )

    def remove(self, scope: str, direction: str, kind: str, entry: str) -> bool:
        """Take an entry out; tells whether there was one."""
        with self._store.transaction() as db:
            gone = db.execute(
                "DELETE FROM v0_lists WHERE scope = ? AND direction = ? AND list_type = ? "
                "AND entry = ?",
                (scope, direction, kind, entry.lower()),
            )
            return bool(gone.rowcount)

    def _holds(self, scope: str, direction: str, kind: str, fitting: tuple[str, str]) -> bool:
        row = self._db.execute(
            "SELECT 1 FROM v0_lists WHERE scope = ? AND direction = ? AND list_type = ? "
            "AND entry IN (?, ?)",
            (scope, direction, kind, *fitting),
        ).fetchone()
        return row is not None

    def _count(self, scope: str, direction: str) -> int:
        row = self._db.execute(
            "SELECT count(*) FROM v0_lists WHERE scope = ? AND direction = ? "
            "AND list_type = 'allow'",
            (scope, direction),
        ).fetchone()
        return int(row[0])

    @property
    def _db(self) -> Any:
        return self._store.database.connection
