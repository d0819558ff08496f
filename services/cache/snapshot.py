"""What the screens read: an immutable picture of the mailbox, rows decoded one by one.

Closes the trap of a list that holds every message: a view is an array of 4-byte slot numbers, a
document is read and cleaned when its row is drawn, and the last few hundred rows are kept.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from services.addresses import parse_mailbox
from services.cache.columns import Columns
from services.cache.counts import LabelSet
from services.cache.documents import Document, decode, to_item
from services.cache.files import ReadHandle
from services.cache.opened_text import OpenedText
from services.cache.search_text import SearchText
from services.cache.selection import choose
from services.cache.slot_table import SlotTable
from services.models import MailboxCounts, MailFilter, MessageRow, RowFlag
from services.query import TEXT_FIELDS, parse
from services.safe_text import clean_address, clean_line, ui

if TYPE_CHECKING:
    from services.wire_values import InboxItem

ROWS_KEPT: Final = 512
_DAMAGED: Final = ui("(this message is damaged in the local cache; refresh to fetch it again)")


class RowReader:
    """Reads rows from one log; shared by all snapshots of it.

    Its rows name `account`, and have `prefix` before their ids.
    """

    def __init__(self, handle: ReadHandle, account: str = "", prefix: str = "") -> None:
        self._handle = handle
        self.account = account
        self._prefix = prefix
        self._named: RowReader | None = None
        self.row = lru_cache(maxsize=ROWS_KEPT)(self._row)

    def document(self, offset: int, length: int) -> Document:
        """Return a document, an empty one if it cannot be read."""
        try:
            return decode(self._handle.read(offset, length))
        except (ValueError, OSError):
            return {}

    def named(self, account: str, prefix: str) -> RowReader:
        """Return the reader of the same log whose rows say whose they are; the last one is kept."""
        if self._named is None or self._named.account != account:
            self._named = RowReader(self._handle, account, prefix)
        return self._named

    def _row(self, offset: int, length: int, flags: int, date: int) -> MessageRow:
        document = self.document(offset, length)
        sender = parse_mailbox(str(document.get("s", "")))
        attachments = document.get("n", 0)
        return MessageRow(
            message_id=self._prefix + str(document.get("i", "")),
            flags=RowFlag(flags),
            received_at=date,
            sender=clean_line(sender.name or sender.address),
            address=clean_address(sender.address),
            subject=clean_line(str(document.get("j", ""))) if document else _DAMAGED,
            preview=clean_line(str(document.get("p", ""))),
            attachments=attachments if isinstance(attachments, int) else 0,
            labels=tuple(clean_line(str(label)) for label in document.get("l") or ()),
            account=self.account,
        )


class MailSnapshot:
    """The mailbox as of one commit; reading it from any thread is safe."""

    def __init__(
        self,
        *,
        version: int,
        counts: MailboxCounts,
        columns: Columns,
        label_sets: list[LabelSet],
        slots: SlotTable,
        doc_id: Callable[[str], int],
        reader: RowReader,
        search: SearchText,
        opened: OpenedText,
        release: Callable[[], None],
    ) -> None:
        self.version = version
        self.counts = counts
        self.columns = columns
        self._order_length = len(columns.order)
        self._label_sets = label_sets
        self._slots = slots
        self._doc_id = doc_id
        self.reader = reader
        self._search = search
        self._opened = opened
        self._release = release

    def counts_of(self, _account: str) -> MailboxCounts:
        """Return the counts: this is the mailbox of one account (`services.snapshots`)."""
        return self.counts

    @property
    def slots(self) -> array[int]:
        """The slots of its messages, oldest first; columns may be longer, and not equally so."""
        return self.columns.order[: self._order_length]

    @property
    def search_ready(self) -> bool:
        """False while `select` with a text searches only what is indexed so far (newest first)."""
        return self._search.ready

    def select(self, wanted: MailFilter) -> RowView:
        """Return the messages that a filter lets through, newest first."""
        query = parse(wanted.text)
        columns, size = self.columns, self._order_length
        hits = None
        if query.of(*TEXT_FIELDS):
            hits = self._search.find(query, len(columns.flags))
            self._opened.mark(hits, query, self.slot_of)
        elif self._search.forget():
            self._release()
        return RowView(self, choose(columns, size, self._label_sets, wanted, query, hits))

    def named(self, account: str, prefix: str) -> MailSnapshot:
        """Return the same picture with rows that name their account, `prefix` before their ids.

        Everything else speaks of the ids as they are.
        """
        found = copy(self)
        found.reader = self.reader.named(account, prefix)
        return found

    def row_of(self, message_id: str) -> MessageRow | None:
        """Return the row of one message, in whatever mailbox it is."""
        slot = self.slot_of(message_id)
        return None if slot is None else self.row_at(slot)

    def slot_of(self, message_id: str) -> int | None:
        """Return the slot of a message that this snapshot knows."""
        slot = self._slots.get(self._doc_id(message_id))
        if slot < 0:
            return None
        # The table knows newer slots than columns do that were edited behind this snapshot.
        order, columns = self.columns.order, self.columns
        at = bisect_left(order, columns.key(slot), hi=self._order_length, key=columns.key)
        return slot if at < self._order_length and order[at] == slot else None

    def row_at(self, slot: int) -> MessageRow:
        """Return the row of a slot."""
        columns = self.columns
        return self.reader.row(
            columns.offsets[slot], columns.lengths[slot], columns.flags[slot], columns.dates[slot]
        )

    def document_at(self, slot: int) -> Document:
        """Return the document of a slot, an empty one if it cannot be read."""
        return self.reader.document(self.columns.offsets[slot], self.columns.lengths[slot])


class RowView:
    """A RowSource over one selection: slots, newest first."""

    __slots__ = ("_slots", "_snapshot")

    def __init__(self, snapshot: MailSnapshot, slots: array[int]) -> None:
        self._snapshot = snapshot
        self._slots = slots

    def __len__(self) -> int:
        return len(self._slots)

    def row(self, position: int) -> MessageRow:
        """Decode one row; raises IndexError outside of the view."""
        return self._snapshot.row_at(self._slot(position))

    def message_id(self, position: int) -> str:
        """Return the id of a row; raises IndexError outside of the view."""
        return str(self._document(position).get("i", ""))

    def item(self, position: int) -> InboxItem | None:
        """Return the item of a row, None if its record is damaged; raises IndexError outside."""
        document = self._document(position)
        return to_item(document) if document else None

    def position_of(self, message_id: str) -> int | None:
        """Return where a message stands in this view, or None."""
        slot = self._snapshot.slot_of(message_id)
        if slot is None:
            return None
        date, number = self._snapshot.columns.key(slot)
        at = bisect_left(self._slots, (-date, -number), key=self._key)
        return at if at < len(self._slots) and self._slots[at] == slot else None

    def by_age(self) -> tuple[array[int], Callable[[int], int]]:
        """Return the slots, newest first, and what they rise by: their dates below zero."""
        dates = self._snapshot.columns.dates
        return self._slots, lambda slot: -dates[slot]

    def _document(self, position: int) -> Document:
        return self._snapshot.document_at(self._slot(position))

    def _slot(self, position: int) -> int:
        if position < 0:
            raise IndexError(position)
        return self._slots[position]

    def _key(self, slot: int) -> tuple[int, int]:
        date, number = self._snapshot.columns.key(slot)
        return -date, -number
