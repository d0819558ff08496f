"""What the cache knows about every message without reading it.

Owns the columns, the way from an id to a slot, the counts, and FIRST_CONTACT. Closes two traps: ids
and addresses come from senders, so what is hashed is hashed with the cache's own key; and a commit
must cost the same in a mailbox of any size, so nothing here walks the mailbox per message.
"""

from __future__ import annotations

import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from services.cache.columns import DEAD, Columns, SharedColumns
from services.cache.counts import LabelSet, RunningCounts
from services.cache.documents import correspondent, flags_of, texts_of
from services.cache.log_storage import Place
from services.cache.slot_table import SlotTable
from services.models import RowFlag

_FIRST: Final = int(RowFlag.FIRST_CONTACT)
_PENDING: Final = int(RowFlag.PENDING)
Texts = tuple[str, str, str]
"""Sender, subject and preview."""
_FEW: Final = 400
"""Up to so many arrivals are put in place one by one; more are sorted together."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the columns keep of a document."""

    date: int
    flags: int
    labels: LabelSet
    sender: int
    text: int
    texts: Texts


class MessageIndex:
    """The document map of the table `messages`; `settle` brings a commit's changes in order."""

    def __init__(self, key: bytes, columns: Columns, label_sets: Iterable[LabelSet] = ()) -> None:
        self.live_bytes = 0
        self.counts = RunningCounts()
        self.label_sets: list[LabelSet] = list(label_sets)
        self.shared = SharedColumns(columns)
        self.slots = SlotTable(columns.doc_ids)
        self.contacts = SlotTable(columns.senders)
        self.on_text: Callable[[int, Texts], None] | None = None
        """Called with every new slot and its text while the document is at hand."""
        self._key = key
        self._label_numbers = {labels: n for n, labels in enumerate(self.label_sets)}
        self._arrived: list[int] = []
        self._gone: list[int] = []
        self._orphans: set[int] = set()
        self._pending: set[int] = set()

    # ── as a document map ────────────────────────────────────────────────────────────────────────

    def doc_id(self, message_id: str) -> int:
        """Return the TinyDB id of a message: 63 bits that its sender cannot choose."""
        return self._hash(message_id) >> 1

    def slot(self, doc_id: int) -> int | None:
        """Return the living slot of a document."""
        slot = self.slots.get(doc_id)
        return slot if slot >= 0 and self.shared.now.alive(slot) else None

    def find(self, doc_id: int) -> Place | None:
        """Return where a document stands in the log."""
        slot = self.slot(doc_id)
        now = self.shared.now
        return None if slot is None else (now.offsets[slot], now.lengths[slot])

    def put(self, doc_id: int, place: Place, load: Callable[[], Mapping[str, Any]], /) -> None:
        """Take in a document that was committed; an id that no column holds is passed over."""
        if not 0 <= doc_id < 1 << 64:
            return
        facts = self._facts(load())
        slot = self.slot(doc_id)
        now = self.shared.now
        if slot is not None:
            same = now.dates[slot], now.senders[slot], now.texts[slot]
            if same == (facts.date, facts.sender, facts.text):
                self._edit(slot, facts, place)
                return
            self._kill(slot)
        self._add(doc_id, facts, place)

    def drop(self, doc_id: int) -> None:
        """Forget a document."""
        slot = self.slot(doc_id)
        if slot is not None:
            self._kill(slot)
            self._pending.discard(doc_id)

    def __len__(self) -> int:
        return len(self.shared.now.order)

    def __iter__(self) -> Iterator[int]:
        now = self.shared.now
        return map(now.doc_ids.__getitem__, now.order[:])

    # ── changing ─────────────────────────────────────────────────────────────────────────────────

    def mark_pending(self, doc_ids: Iterable[int], pending: bool) -> None:
        """Set or clear PENDING; documents that come later get it as well."""
        for doc_id in doc_ids:
            (self._pending.add if pending else self._pending.discard)(doc_id)
            slot = self.slot(doc_id)
            if slot is not None:
                flags = self.shared.now.flags[slot] & ~_PENDING
                self._set_flags(slot, flags | (_PENDING if pending else 0))

    def settle(self) -> None:
        """Bring `order` and FIRST_CONTACT up to date after a commit."""
        self._order_gone()
        self._order_arrived()
        if self._orphans:
            self._adopt()
        self._arrived = []
        self._gone = []

    def _facts(self, document: Mapping[str, Any]) -> Facts:
        date = document.get("d")
        labels = document.get("l")
        texts = texts_of(document)
        return Facts(
            date=date if isinstance(date, int) and abs(date) < 1 << 62 else 0,
            flags=flags_of(document),
            labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
            sender=self._hash(correspondent(texts[0])),
            text=zlib.crc32("\n".join(texts).encode("utf-8", "surrogatepass")),
            texts=texts,
        )

    def _hash(self, text: str) -> int:
        data = text.encode("utf-8", "surrogatepass")
        return int.from_bytes(blake2b(data, digest_size=8, key=self._key).digest(), "little")

    def _label_number(self, labels: LabelSet) -> int:
        number = self._label_numbers.get(labels)
        if number is None:
            number = self._label_numbers[labels] = len(self.label_sets)
            self.label_sets.append(labels)
        return number

    def _add(self, doc_id: int, facts: Facts, place: Place) -> None:
        flags = facts.flags | (_PENDING if doc_id in self._pending else 0)
        slot = self.shared.append(
            date=facts.date, doc_id=doc_id, sender=facts.sender, text=facts.text,
            labels=self._label_number(facts.labels), flags=flags, place=place,
        )  # fmt: skip
        self.slots.set(doc_id, slot)
        self._arrived.append(slot)
        self.live_bytes += place[1]
        self.counts.add(flags, facts.labels)
        self._meet(slot, facts.sender)
        if self.on_text:
            self.on_text(slot, facts.texts)

    def _edit(self, slot: int, facts: Facts, place: Place) -> None:
        now = self.shared.own("labels", "offsets", "lengths")
        flags = facts.flags | now.flags[slot] & (_FIRST | _PENDING)
        labels = self.label_sets[now.labels[slot]]
        self.live_bytes += place[1] - now.lengths[slot]
        now.offsets[slot], now.lengths[slot] = place
        if (flags, facts.labels) != (now.flags[slot], labels):
            self.counts.change(now.flags[slot], labels, flags, facts.labels)
            now.labels[slot] = self._label_number(facts.labels)
            self._set_flags(slot, flags)

    def _kill(self, slot: int) -> None:
        now = self.shared.own("labels")
        self.counts.add(now.flags[slot], self.label_sets[now.labels[slot]], -1)
        self.live_bytes -= now.lengths[slot]
        now.labels[slot] = DEAD
        now.straight = False
        self._gone.append(slot)
        if now.flags[slot] & _FIRST:
            self._orphans.add(now.senders[slot])

    def _set_flags(self, slot: int, flags: int) -> None:
        if self.shared.now.flags[slot] != flags:
            self.shared.own("flags").flags[slot] = flags

    # ── first contact ────────────────────────────────────────────────────────────────────────────

    def _meet(self, slot: int, sender: int) -> None:
        now = self.shared.now
        known = self.contacts.get(sender)
        if sender in self._orphans:
            return
        if known >= 0 and now.alive(known):
            if now.key(known) < now.key(slot):
                return
            self._set_flags(known, now.flags[known] & ~_FIRST)
        self.contacts.set(sender, slot)
        self._set_flags(slot, now.flags[slot] | _FIRST)

    def _adopt(self) -> None:
        """Find who is the first contact now where the first one has gone: one pass for all."""
        now = self.shared.now
        for slot in now.order:
            if now.senders[slot] in self._orphans:
                self._orphans.discard(now.senders[slot])
                self.contacts.set(now.senders[slot], slot)
                self._set_flags(slot, now.flags[slot] | _FIRST)
                if not self._orphans:
                    break
        self._orphans.clear()

    # ── order ────────────────────────────────────────────────────────────────────────────────────

    def _order_gone(self) -> None:
        now = self.shared.now
        present = set(self._arrived)
        gone = [slot for slot in self._gone if slot not in present]
        self._arrived = [slot for slot in self._arrived if now.alive(slot)]
        if len(gone) > _FEW:
            self.shared.own("order").order = array("I", filter(now.alive, now.order))
            return
        for slot in gone:
            order = self.shared.own("order").order
            at = now.position(slot)
            if at < len(order) and order[at] == slot:
                del order[at]

    def _order_arrived(self) -> None:
        now = self.shared.now
        arrived = sorted(self._arrived, key=now.key)
        if not arrived:
            return
        if not now.order or now.key(now.order[-1]) < now.key(arrived[0]):
            now.straight = now.straight and arrived == self._arrived
            now.order.extend(arrived)
        elif len(arrived) > _FEW:
            now.straight = False
            self.shared.own("order").order = array("I", sorted([*now.order, *arrived], key=now.key))
        else:
            now.straight = False
            order = self.shared.own("order").order
            for slot in arrived:
                order.insert(now.position(slot), slot)

    # ── as a whole ───────────────────────────────────────────────────────────────────────────────

    def tallies(self) -> list[tuple[int, int, int]]:
        """Return how many living messages have which flags (PENDING left out) and label set."""
        now = self.shared.now
        found = Counter(zip(now.flags, now.labels, strict=True))
        merged: Counter[tuple[int, int]] = Counter()
        for (flags, labels), times in found.items():
            if labels != DEAD:
                merged[flags & ~_PENDING, labels] += times
        return [(flags, labels, times) for (flags, labels), times in merged.items()]

    def compacted(self, offsets: array[int]) -> MessageIndex:
        """Return an index of the living alone, in date order, for the log that holds them so."""
        now = self.shared.now
        columns = now.copy_of(now.order)
        columns.offsets = offsets
        used = list(dict.fromkeys(columns.labels))
        numbers = {old: new for new, old in enumerate(used)}
        columns.labels = array("I", map(numbers.__getitem__, columns.labels))
        other = MessageIndex(self._key, columns, (self.label_sets[n] for n in used))
        other.live_bytes = self.live_bytes
        other.mark_pending(self._pending, pending=True)
        for slot in columns.order:
            other.slots.set(columns.doc_ids[slot], slot)
            if columns.flags[slot] & _FIRST:
                other.contacts.set(columns.senders[slot], slot)
        other.load_tallies(other.tallies())
        return other

    def load_tallies(self, tallies: Iterable[tuple[int, int, int]]) -> None:
        """Count what `tallies` of the same columns returned."""
        for flags, labels, times in tallies:
            self.counts.add(flags, self.label_sets[labels], times)
