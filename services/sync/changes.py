"""Local changes: applied at once, journalled in the same commit, merged over what the service says.

Closes two traps. A page that was asked for before a change was confirmed arrives after it and tells
the old state: whoever reads from the service does it inside `reading()`, which remembers what was
confirmed meanwhile. And a refused change that rolls back over later ones: what is shown is always
the service's state with the open changes folded over it, never a remembered old row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Protocol

from services.sync import edits
from services.sync.edits import Edit, EditKind, Flags
from services.sync.journal import Journal, Row, RowState
from services.wire_values import InboxItem

if TYPE_CHECKING:
    from services.cache.store import MailStore

DELETE_GRACE: Final = 5.0
"""Seconds between a deletion and its sending, in which it can be taken back."""


@dataclass(slots=True, eq=False)
class Reading:
    """A request for messages under way, and what the service confirmed since it began."""

    confirmed: dict[str, list[Edit]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo did: the change's kind, messages set back, deletions that may have happened."""

    edit: Edit
    restored: int = 0
    uncertain: int = 0
    too_late: int = 0
    away: tuple[str, ...] = ()
    """Messages that the service has deleted, or may have: a trash would hold them."""


class SentRows(Protocol):
    """Who sends the rows, and so knows how far each has come."""

    def is_in_flight(self, row: Row) -> bool: ...

    def may_have_left(self, row: Row) -> bool: ...


class Changes:
    """The local changes of one mailbox, over its store and journal.

    Nothing here waits or talks to the service: `Sender` does. `on_open` is told of each message
    that has something to send and when (seconds since the epoch).
    """

    def __init__(
        self, store: MailStore, clock: Callable[[], float], *, grace: float = DELETE_GRACE
    ) -> None:
        self._store = store
        self._clock = clock
        self._grace = grace
        self._readings: list[Reading] = []
        self.journal = Journal(store)
        self.on_open: Callable[[str], None] = _ignore
        self._take_up()

    def _take_up(self) -> None:
        """Show what was left open, and give deletions of a former run their whole time again."""
        store = self._store
        store.mark_pending(self.journal.open_ids(), pending=True)
        if store.read_only:
            return
        due = self._clock() + self._grace
        with store.transaction():
            for message_id in self.journal.open_ids():
                for row in self.journal.open_rows(message_id):
                    if row.edit.kind is EditKind.DELETE and row.state is RowState.WAITING:
                        self.journal.change(row, due=due)

    @contextmanager
    def commit(self) -> Iterator[None]:
        """Join all writes into one commit; if it fails, the journal in memory follows the store."""
        with ExitStack() as undo:
            undo.callback(self._follow_store)
            with self._store.transaction():
                yield
            undo.pop_all()

    def _follow_store(self) -> None:
        self.journal = Journal(self._store)
        self._store.mark_pending(self.journal.open_ids(), pending=True)

    # ── the operator's side ──────────────────────────────────────────────────────────────────────

    def make(self, message_ids: Iterable[str], edit: Edit, *, at: float | None = None) -> int:
        """Apply a change to messages in one commit and return how many it made a difference to.

        `at` is when it was made, for what is a part of a change in several accounts.
        """
        with self.commit():
            rows = self._write(message_ids, lambda _: edit, self.journal.new_change(), at=at)
            self.journal.forget_old()
        self._announce(rows)
        return len(rows)

    def undo(self, sent: SentRows) -> Undone | None:
        """Take back the latest change, in one commit; None when there is none left.

        What never left is not sent any more. A deletion that is being sent right now or was
        confirmed stays.
        """
        rows = self.journal.last_change()
        if not rows:
            return None
        with self.commit():
            if rows[0].edit.kind is EditKind.DELETE:
                return self._take_back_deletion(rows, sent)
            unsent = [row for row in rows if row.is_open and not sent.may_have_left(row)]
            for row in unsent:
                self._without(row)
            inverses = {row.message_id: row.inverse for row in rows}
            for row in unsent:
                del inverses[row.message_id]
            for row in rows:
                if row.message_id in inverses:
                    self.journal.forget(row)
            new = self._write(inverses, inverses.get, self.journal.new_change(), undoable=False)
        self._announce(new)
        return Undone(rows[0].edit, restored=len(unsent) + len(new))

    def _write(
        self,
        message_ids: Iterable[str],
        edit_for: Callable[[str], Edit | None],
        change: int,
        *,
        undoable: bool = True,
        at: float | None = None,
    ) -> list[Row]:
        rows = []
        deleted = []
        for message_id in dict.fromkeys(message_ids):
            item, edit = self._store.item(message_id), edit_for(message_id)
            if item is None or edit is None or not edits.changes_something(edit, item):
                continue
            row = self._row(item, edit, change, undoable=undoable)
            rows.append(self.journal.add(replace(row, at=self._clock() if at is None else at)))
            shown = edits.apply(edit, item)
            if shown is None:
                deleted.append(message_id)
            else:
                self._store.replace_item(shown)
        self._store.remove(deleted)
        return rows

    def _row(self, item: InboxItem, edit: Edit, change: int, *, undoable: bool) -> Row:
        is_first = not self.journal.open_rows(item.message_id)
        deletes = edit.kind is EditKind.DELETE
        return Row(
            0,
            change,
            item.message_id,
            edit,
            edits.inverse(edit, item),
            undoable=undoable,
            due=self._clock() + self._grace if deletes else 0.0,
            base=edits.flags_of(item) if is_first else None,
            item=item if deletes else None,
        )

    def _take_back_deletion(self, rows: Sequence[Row], sent: SentRows) -> Undone:
        restored = uncertain = too_late = 0
        away = []
        for row in rows:
            is_under_way = row.is_open and sent.is_in_flight(row)
            if not is_under_way and (not row.is_open or row.state is RowState.SENT):
                away.append(row.message_id)
            if not row.is_open or is_under_way:
                self.journal.forget(row)
                too_late += 1
                continue
            restored += 1
            uncertain += row.state is RowState.SENT
            self._without(row)
        return Undone(rows[0].edit, restored, uncertain, too_late, tuple(away))

    def _announce(self, rows: Sequence[Row]) -> None:
        self._store.mark_pending((row.message_id for row in rows), pending=True)
        for row in rows:
            self.on_open(row.message_id)

    # ── the sender's side ────────────────────────────────────────────────────────────────────────

    def next_row(self, message_id: str) -> Row | None:
        """Return the oldest open row of a message."""
        return next(iter(self.journal.open_rows(message_id)), None)

    def still_open(self, rows: Iterable[Row]) -> tuple[Row, ...]:
        """Return those of the rows that still wait: a message may vanish while it is sent about."""
        return tuple(row for row in rows if self.journal.has_open(row))

    def mark_sent(self, row: Row) -> None:
        """Note, before the request leaves, that a deletion may have happened from now on."""
        self._set_state(row, RowState.SENT)

    def mark_unsent(self, row: Row) -> None:
        """The request certainly did not arrive: the deletion can be taken back again."""
        self._set_state(row, RowState.WAITING)

    def _set_state(self, row: Row, state: RowState) -> None:
        with self.commit():
            self.journal.change(self.journal.latest(row), state=state)

    def confirmed(self, row: Row, labels: tuple[str, ...] = ()) -> None:
        """The service did it; `labels` are those that it says the message has now (empty: unsaid)."""
        for reading in self._readings:
            reading.confirmed.setdefault(row.message_id, []).append(row.edit)
        with self.commit():
            row = self.journal.latest(row)
            base = self._base_after(row, labels)
            self.journal.confirm(row)
            self._show_again(row.message_id, base)

    def refused(self, row: Row) -> None:
        """The service will not do it: show the message without this change."""
        with self.commit():
            self._without(row)

    def vanished(self, message_id: str) -> None:
        """The service does not have the message any more: it and its open changes go."""
        with self.commit():
            for row in self.journal.open_rows(message_id):
                self.journal.remove(row)
            self._store.remove([message_id])

    # ── the reader's side ────────────────────────────────────────────────────────────────────────

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Hold a request for messages; pass the value to `merge` with what came."""
        reading = Reading()
        self._readings.append(reading)
        try:
            yield reading
        finally:
            self._readings.remove(reading)

    def merge(self, items: Iterable[InboxItem], reading: Reading) -> list[InboxItem]:
        """Return what to keep of items from the service: local changes folded over, deletions out.

        Belongs inside the caller's `commit()`.
        """
        kept = []
        for item in items:
            told = edits.fold(reading.confirmed.get(item.message_id, ()), item)
            shown = self._over(told) if told else None
            if shown is not None:
                kept.append(shown)
        return kept

    def _over(self, told: InboxItem) -> InboxItem | None:
        rows = self.journal.open_rows(told.message_id)
        if not rows:
            return told
        base = edits.flags_of(told)
        if rows[0].base != base:
            self.journal.change(rows[0], base=base)
        for row in rows:
            if row.item is not None and row.item != told:
                self.journal.change(self.journal.latest(row), item=told)
        return edits.fold((row.edit for row in rows), told)

    # ── folding ──────────────────────────────────────────────────────────────────────────────────

    def _base_after(self, row: Row, labels: tuple[str, ...]) -> Flags | None:
        item = self._store.item(row.message_id) or row.item or self._kept(row.message_id)
        if item is None or row.base is None:
            return row.base
        after = edits.apply(row.edit, edits.with_flags(item, row.base))
        if after is None:
            return None
        flags = edits.flags_of(after)
        return Flags(flags.is_read, flags.archived, labels) if labels else flags

    def _kept(self, message_id: str) -> InboxItem | None:
        rows = self.journal.open_rows(message_id)
        return next((row.item for row in rows if row.item is not None), None)

    def _without(self, row: Row) -> None:
        """Take an open row out and show what remains."""
        rows = self.journal.open_rows(row.message_id)
        kept = self._kept(row.message_id)
        base = rows[0].base
        self.journal.remove(row)
        if row.item is not None and kept is not None and base is not None:
            self._store.put_items([edits.with_flags(kept, base)])
        self._show_again(row.message_id, base)

    def _show_again(self, message_id: str, base: Flags | None) -> None:
        """Fold the remaining open rows over the service's state; the oldest row takes over `base`."""
        rows = self.journal.open_rows(message_id)
        if not rows:
            self._store.mark_pending([message_id], pending=False)
        elif base is not None and rows[0].base != base:
            self.journal.change(rows[0], base=base)
        item = self._store.item(message_id)
        if item is None or base is None:
            return
        shown = edits.fold((row.edit for row in rows), edits.with_flags(item, base))
        if shown is not None and shown != item:
            self._store.replace_item(shown)


def _ignore(_: str) -> None:
    """Nobody listens."""
