"""One picture of several mailboxes: their selections merged as far as somebody looks at them.

Closes the trap of merging forty thousand rows to show thirty. Each account's selection is sorted
already, so the place of any row is found by bisection over their dates, and only the block around it is
put in order; a row is decoded when it is drawn, by its own account. Equal dates stand in the order
of the accounts.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from services.models import LabelCount, MailboxCounts, MailFilter, MessageRow
from services.unified.ids import join_id, split_id

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot, RowView

BLOCK: Final = 32
"""Rows that are put in order together."""
_BLOCKS_KEPT: Final = 256


class UnifiedSnapshot:
    """The mailboxes of several accounts as of one moment; reading it from any thread is safe."""

    def __init__(self, parts: Mapping[str, MailSnapshot], version: int = 0) -> None:
        self.parts = dict(parts)
        """Each account's own picture, in the order of the accounts."""
        self._named = {name: part.named(name, join_id(name, "")) for name, part in parts.items()}
        self.version = version
        self.counts = sum_of([part.counts for part in self.parts.values()])

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts whose mail is in it, in their order."""
        return tuple(self.parts)

    def counts_of(self, account: str) -> MailboxCounts:
        """The counts of one account; none for one that is not in it."""
        part = self.parts.get(account)
        return MailboxCounts() if part is None else part.counts

    @property
    def search_ready(self) -> bool:
        """False while `select` with a text searches only what is indexed so far in some account."""
        return all(part.search_ready for part in self.parts.values())

    def select(self, wanted: MailFilter) -> UnifiedView:
        """Return the messages that a filter lets through, newest first, with qualified ids."""
        chosen = [name for name in self._named if wanted.account in ("", name)]
        return UnifiedView([(name, self._named[name].select(wanted)) for name in chosen])

    def row_of(self, message_id: str) -> MessageRow | None:
        """Return the row of one message, in whatever mailbox it is; the id is qualified."""
        account, own_id = split_id(message_id)
        part = self._named.get(account)
        return None if part is None else part.row_of(own_id)


class UnifiedView:
    """A RowSource over the selections of several accounts.

    An age is a date below zero, by which every selection rises.
    """

    __slots__ = ("_blocks", "_cuts", "_length", "_names", "_sorted", "_views")

    def __init__(self, parts: Sequence[tuple[str, RowView]]) -> None:
        self._names = [name for name, _ in parts]
        self._views = [view for _, view in parts]
        self._sorted = [view.by_age() for view in self._views]
        self._length = sum(map(len, self._views))
        self._blocks: dict[int, list[tuple[int, int]]] = {}
        self._cuts: dict[int, list[int]] = {0: [0] * len(parts)}

    def __len__(self) -> int:
        return self._length

    def row(self, position: int) -> MessageRow:
        """Decode one row; raises IndexError outside of the view."""
        part, at = self._place(position)
        return self._views[part].row(at)

    def message_id(self, position: int) -> str:
        """Return the qualified id of a row; raises IndexError outside of the view."""
        part, at = self._place(position)
        return join_id(self._names[part], self._views[part].message_id(at))

    def position_of(self, message_id: str) -> int | None:
        """Return where a message stands in this view, or None; the id is qualified."""
        account, own_id = split_id(message_id)
        if account not in self._names:
            return None
        own = self._names.index(account)
        at = self._views[own].position_of(own_id)
        if at is None:
            return None
        slots, age_of = self._sorted[own]
        age, before = age_of(slots[at]), at
        for part, (slots, age_of) in enumerate(self._sorted):
            if part != own:
                bisect = bisect_right if part < own else bisect_left
                before += bisect(slots, age, key=age_of)
        return before

    def _place(self, position: int) -> tuple[int, int]:
        """Return the part that has a row, and where it stands there."""
        if not 0 <= position < self._length:
            raise IndexError(position)
        block, at = divmod(position, BLOCK)
        places = self._blocks.get(block)
        if places is None:
            places = self._ordered(block)
        return places[at]

    def _ordered(self, block: int) -> list[tuple[int, int]]:
        cut = self._cuts.get(block) or self._cut(block * BLOCK)
        heads = [
            (age_of(slot), part, at)
            for part, (slots, age_of) in enumerate(self._sorted)
            for at, slot in enumerate(slots[cut[part] : cut[part] + BLOCK], cut[part])
        ]
        heads.sort()
        places = [(part, at) for _, part, at in heads[:BLOCK]]
        following = cut.copy()
        for part, _ in places:
            following[part] += 1
        self._cuts[block + 1] = following
        if len(self._blocks) >= _BLOCKS_KEPT:
            self._blocks.clear()
        self._blocks[block] = places
        return places

    def _cut(self, position: int) -> list[int]:
        """Return how many rows of each part stand before a position."""
        age, cut = self._age_at(position)
        left = position - sum(cut)
        for part, (slots, age_of) in enumerate(self._sorted):
            if not left:
                break
            end = min(len(slots), cut[part] + left)
            equal = bisect_right(slots, age, cut[part], end, key=age_of) - cut[part]
            cut[part] += equal
            left -= equal
        return cut

    def _age_at(self, position: int) -> tuple[int, list[int]]:
        """Return the age of the row at a position, and how many rows of each part are newer."""
        # In each part as far down as in the whole: the age lies between the least and the greatest
        # of these rows, because too few are as new as the one, and too many newer than the other.
        ages = [
            age_of(slots[position * len(slots) // self._length])
            for slots, age_of in self._sorted
            if slots
        ]
        low, high = min(ages), max(ages)
        # The bounds of each answer close in with the ages: the last steps look at a row or two.
        firsts, lasts = [0] * len(self._sorted), [len(slots) for slots, _ in self._sorted]
        while low < high:
            middle = (low + high + 1) // 2
            newer = self._newer(middle, firsts, lasts)
            if sum(newer) <= position:
                low, firsts = middle, newer
            else:
                high, lasts = middle - 1, newer
        return low, self._newer(low, firsts, lasts)

    def _newer(self, age: int, firsts: list[int], lasts: list[int]) -> list[int]:
        """Return how many rows of each part are newer, between bounds that are known."""
        return [
            bisect_left(slots, age, first, last, key=age_of)
            for (slots, age_of), first, last in zip(self._sorted, firsts, lasts, strict=True)
        ]


def sum_of(counts: Sequence[MailboxCounts]) -> MailboxCounts:
    """Return the counts of several mailboxes together; a label of several is one."""
    labels: dict[str, LabelCount] = {}
    for one in counts:
        for label in one.labels:
            known = labels.get(label.label)
            more = known.count if known else 0
            labels[label.label] = LabelCount(label.label, label.shown, label.count + more)
    return MailboxCounts(
        inbox=sum(one.inbox for one in counts),
        unread=sum(one.unread for one in counts),
        unverified=sum(one.unverified for one in counts),
        archived=sum(one.archived for one in counts),
        total=sum(one.total for one in counts),
        labels=tuple(labels[label] for label in sorted(labels)),
    )
