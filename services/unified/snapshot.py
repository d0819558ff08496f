"""One picture of several mailboxes: their selections merged as far as somebody looks at them.

Closes the trap of merging forty thousand rows to show thirty. Each account's selection is sorted
already, so the place of any row is found by bisection over dates, and only the block around it is
put in order; a row is decoded when it is drawn, by its own account. Equal dates stand in the order
of the accounts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from services.models import LabelCount, MailboxCounts, MailFilter, MessageRow
from services.unified.ids import join_id, split_id

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot, RowView

BLOCK: Final = 64
"""Rows that are put in order together."""
_BLOCKS_KEPT: Final = 64


class UnifiedSnapshot:
    """The mailboxes of several accounts as of one moment; reading it from any thread is safe."""

    def __init__(self, parts: Mapping[str, MailSnapshot], version: int = 0) -> None:
        self.parts = dict(parts)
        """Each account's own picture, in the order of the accounts."""
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
        chosen = [name for name in self.parts if wanted.account in ("", name)]
        return UnifiedView([(name, self.parts[name].select(wanted)) for name in chosen])

    def row_of(self, message_id: str) -> MessageRow | None:
        """Return the row of one message, in whatever mailbox it is; the id is qualified."""
        account, own_id = split_id(message_id)
        part = self.parts.get(account)
        return None if part is None else part.row_of(own_id, account, join_id(account, ""))


class UnifiedView:
    """A RowSource over the selections of several accounts."""

    __slots__ = ("_blocks", "_cuts", "_length", "_named", "_names", "_views")

    def __init__(self, parts: Sequence[tuple[str, RowView]]) -> None:
        self._names = [name for name, _ in parts]
        self._named = [(name, join_id(name, "")) for name in self._names]
        self._views = [view for _, view in parts]
        self._length = sum(map(len, self._views))
        self._blocks: dict[int, list[tuple[int, int]]] = {}
        self._cuts: dict[int, list[int]] = {0: [0] * len(parts)}

    def __len__(self) -> int:
        return self._length

    def row(self, position: int) -> MessageRow:
        """Decode one row; raises IndexError outside of the view."""
        part, at = self._place(position)
        return self._views[part].row(at, *self._named[part])

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
        date = self._views[own].dates(at, at + 1)[0]
        return at + sum(
            view.newer(date, or_equal=part < own)
            for part, view in enumerate(self._views)
            if part != own
        )

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
            (-date, part, at)
            for part, view in enumerate(self._views)
            for at, date in enumerate(view.dates(cut[part], cut[part] + BLOCK), cut[part])
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
        date = self._date_at(position)
        cut = [view.newer(date) for view in self._views]
        left = position - sum(cut)
        for part, view in enumerate(self._views):
            equal = min(left, view.newer(date, or_equal=True) - cut[part])
            cut[part] += equal
            left -= equal
        return cut

    def _date_at(self, position: int) -> int:
        """Return the date of the row at a position: at most so many rows are newer."""
        views = [view for view in self._views if len(view)]
        low = min(view.dates(len(view) - 1, len(view))[0] for view in views)
        high = max(view.dates(0, 1)[0] for view in views)
        # The bounds of each answer close in with the dates: the last steps look at a row or two.
        lowest, highest = [0] * len(views), list(map(len, views))
        while low < high:
            middle = (low + high) // 2
            bounds = zip(views, lowest, highest, strict=True)
            newer = [view.newer(middle, first, last) for view, first, last in bounds]
            if sum(newer) <= position:
                high, lowest = middle, newer
            else:
                low, highest = middle + 1, newer
        return low


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
