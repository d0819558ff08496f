"""The journal of local changes: one row for each message of a change, kept in the cache's log.

A row lives as WAITING (the service does not know yet), SENT (a deletion whose answer is not known;
it may have happened), or DONE (kept only so that it can be taken back). Closes two traps: a bulk
change rewritten as a whole for each message that is confirmed, and a rollback to a state that the
service has left long ago. For the latter the oldest open row of a message carries `base`, the
message's flags as the service last told them; what is shown is `base` with the open rows folded over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from services.cache import documents
from services.sync import edits
from services.sync.edits import Edit, Flags
from services.wire_values import InboxItem

if TYPE_CHECKING:
    from services.cache.store import MailStore

HISTORY_LIMIT: Final = 50
"""Changes that can be taken back."""


class RowState(Enum):
    """How far a row has come."""

    WAITING = "waiting"
    SENT = "sent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Row:
    """One message's part of a change."""

    number: int
    change: int
    message_id: str
    edit: Edit
    inverse: Edit | None = None
    state: RowState = RowState.WAITING
    undoable: bool = True
    """It counts as history; False for what an undo did and for what was taken back."""
    due: float = 0.0
    """Seconds since the epoch before which it must not be sent; 0 for at once."""
    base: Flags | None = None
    item: InboxItem | None = None
    """The whole message, kept by a deletion so that it can come back."""
    at: float = 0.0
    """When the change was made; its parts in several accounts carry the same time."""

    @property
    def is_open(self) -> bool:
        """The service has not confirmed it."""
        return self.state is not RowState.DONE


class Journal:
    """The rows in memory, by message and by change, written through to the store.

    Every method that changes something belongs inside the caller's store transaction.
    """

    def __init__(self, store: MailStore) -> None:
        self._store = store
        self._open: dict[str, dict[int, Row]] = {}
        self._changes: dict[int, dict[int, Row]] = {}
        self._waiting = 0
        for number, document in sorted(store.journal(), key=lambda entry: entry[0]):
            self._keep(_row(number, document))
        self._next_change = max(self._changes, default=0) + 1

    @property
    def waiting(self) -> int:
        """How many rows the service has not confirmed."""
        return self._waiting

    def open_ids(self) -> tuple[str, ...]:
        """Return the messages that have open rows."""
        return tuple(self._open)

    def open_rows(self, message_id: str) -> tuple[Row, ...]:
        """Return the open rows of a message, oldest first."""
        return tuple(self._open.get(message_id, {}).values())

    def latest(self, row: Row) -> Row:
        """Return the row as it is now; raises KeyError when it is gone."""
        return self._changes[row.change][row.number]

    def has_open(self, row: Row) -> bool:
        """Say whether the row is there and still waits."""
        return row.number in self._open.get(row.message_id, {})

    def new_change(self) -> int:
        """Return the number of a new change."""
        number, self._next_change = self._next_change, self._next_change + 1
        return number

    def add(self, row: Row) -> Row:
        """Write a new row; its number is given here."""
        row = replace(row, number=self._store.journal_add(_document(row)))
        self._keep(row)
        return row

    def change(self, row: Row, **fields: Any) -> Row:
        """Write other values into a row."""
        changed = replace(row, **fields)
        self._changes[row.change][row.number] = changed
        if changed.is_open:
            self._open[row.message_id][row.number] = changed
        elif row.is_open:
            self._close(row)
        document = _document(changed)
        self._store.journal_update(row.number, {name: document[name] for name in fields})
        return changed

    def remove(self, row: Row) -> None:
        """Take a row out for good."""
        self._drop(row)
        self._store.journal_remove(row.number)

    def confirm(self, row: Row) -> None:
        """The service has it: keep the row as history, or take it out when it is none."""
        if row.undoable:
            self.change(row, state=RowState.DONE, base=None, item=None)
        else:
            self.remove(row)

    def last_change(self) -> tuple[Row, ...]:
        """Return the rows of the latest change that is history; empty when there is none."""
        for change in sorted(self._changes, reverse=True):
            rows = tuple(row for row in self._changes[change].values() if row.undoable)
            if rows:
                return rows
        return ()

    def forget_old(self) -> None:
        """Keep the latest changes as history and let go of the others."""
        known = sorted(
            change
            for change, rows in self._changes.items()
            if any(row.undoable for row in rows.values())
        )
        for change in known[:-HISTORY_LIMIT]:
            for row in tuple(self._changes[change].values()):
                self.forget(row)

    def forget(self, row: Row) -> None:
        """Take a row out of the history; an open one is still sent."""
        if row.is_open:
            self.change(row, undoable=False)
        else:
            self.remove(row)

    def _keep(self, row: Row) -> None:
        self._changes.setdefault(row.change, {})[row.number] = row
        if row.is_open:
            self._open.setdefault(row.message_id, {})[row.number] = row
            self._waiting += 1

    def _drop(self, row: Row) -> None:
        rows = self._changes[row.change]
        del rows[row.number]
        if not rows:
            del self._changes[row.change]
        if row.is_open:
            self._close(row)

    def _close(self, row: Row) -> None:
        rows = self._open[row.message_id]
        del rows[row.number]
        if not rows:
            del self._open[row.message_id]
        self._waiting -= 1


def _document(row: Row) -> dict[str, Any]:
    return {
        "change": row.change,
        "message_id": row.message_id,
        "edit": edits.edit_document(row.edit),
        "inverse": edits.edit_document(row.inverse) if row.inverse else None,
        "state": row.state.value,
        "undoable": row.undoable,
        "due": row.due,
        "base": edits.flags_document(row.base) if row.base else None,
        "item": documents.from_item(row.item) if row.item else None,
        "at": row.at,
    }


def _row(number: int, document: Mapping[str, Any]) -> Row:
    inverse, base, item = document["inverse"], document["base"], document["item"]
    return Row(
        number,
        document["change"],
        document["message_id"],
        edits.edit_from_document(document["edit"]),
        edits.edit_from_document(inverse) if inverse else None,
        RowState(document["state"]),
        document["undoable"],
        document["due"],
        edits.flags_from_document(base) if base else None,
        documents.to_item(item) if item else None,
        document.get("at", 0.0),
    )
