"""Which messages a filter lets through, answered from the columns.

Closes the trap of a test per message: all conditions on flags become one table of 256 answers, all
conditions on labels a set of label-set numbers, dates two bisections.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import compress
from typing import Final

from services.cache.columns import Columns
from services.cache.counts import LabelSet
from services.cache.segment import both
from services.models import Mailbox, MailFilter, RowFlag
from services.query import Field, Query, fold

_STATES: Final = {
    "unread": (RowFlag.UNREAD, True),
    "read": (RowFlag.UNREAD, False),
    "archived": (RowFlag.ARCHIVED, True),
    "inbox": (RowFlag.ARCHIVED, False),
    "verified": (RowFlag.VERIFIED, True),
    "unverified": (RowFlag.VERIFIED, False),
    "encrypted": (RowFlag.ENCRYPTED, True),
    "first": (RowFlag.FIRST_CONTACT, True),
    "pending": (RowFlag.PENDING, True),
}


def choose(
    columns: Columns,
    size: int,
    label_sets: list[LabelSet],
    wanted: MailFilter,
    query: Query,
    hits: bytearray | None,
) -> array[int]:
    """Return the passing slots among the first `size` of `order`, newest first.

    `hits` is a mask by slot of those whose text passes, None when no text is asked for.
    """
    order = columns.order[:size]
    mask = columns.flags.translate(_flag_answers(wanted, query))
    if hits is not None:
        mask = bytearray(both(mask[: len(hits)], hits))
    numbers = _label_numbers(label_sets, wanted, query)
    if numbers is not None:
        labels = columns.labels[: len(mask)]
        mask = bytearray(both(mask, bytes(map(numbers.__contains__, labels))))
    low, high = _dates(columns, order, query)
    if columns.straight:
        slots = array("I", compress(range(low, high), mask[low:high]))
    else:
        chosen = order[low:high]
        slots = array("I", compress(chosen, map(mask.__getitem__, chosen)))
    slots.reverse()
    return slots


def _dates(columns: Columns, order: array[int], query: Query) -> tuple[int, int]:
    """Return the part of `order` between the dates asked for."""
    after: list[int] = []
    before: list[int] = []
    for term in query.of(Field.AFTER, Field.BEFORE):
        (after if (term.field is Field.AFTER) != term.negated else before).append(term.moment)
    date = columns.dates.__getitem__
    low = bisect_left(order, max(after), key=date) if after else 0
    high = bisect_left(order, min(before), key=date) if before else len(order)
    return low, max(low, high)


def _flag_answers(wanted: MailFilter, query: Query) -> bytes:
    """Return for each of the 256 flag bytes whether it passes."""
    conditions: list[tuple[int, bool]] = []
    for term in query.of(Field.IS):
        flag, there = _STATES[term.value]
        conditions.append((int(flag), there != term.negated))
    attachments = int(RowFlag.ATTACHMENTS)
    conditions += [(attachments, not term.negated) for term in query.of(Field.HAS)]
    archive_named = any(flag == RowFlag.ARCHIVED for flag, _ in conditions)
    conditions += _mailbox_conditions(wanted.mailbox, archive_named)
    if wanted.unread is not None:
        conditions.append((int(RowFlag.UNREAD), wanted.unread))
    if wanted.verified is not None:
        conditions.append((int(RowFlag.VERIFIED), wanted.verified))
    return bytes(
        all(bool(flags & flag) == there for flag, there in conditions) for flags in range(256)
    )


def _mailbox_conditions(mailbox: Mailbox, archive_named: bool) -> list[tuple[int, bool]]:
    """Return what a mailbox asks of flags; a query that names the archive looks there as well."""
    archived = int(RowFlag.ARCHIVED)
    if mailbox is Mailbox.ALL:
        return []
    if mailbox is Mailbox.ARCHIVED:
        return [(archived, True)]
    conditions = [] if archive_named else [(archived, False)]
    if mailbox is Mailbox.UNREAD:
        conditions.append((int(RowFlag.UNREAD), True))
    if mailbox is Mailbox.UNVERIFIED:
        conditions.append((int(RowFlag.VERIFIED), False))
    return conditions


def _label_numbers(
    label_sets: list[LabelSet], wanted: MailFilter, query: Query
) -> frozenset[int] | None:
    """Return the numbers of the label sets that pass, None when labels do not matter."""
    terms = query.of(Field.LABEL)
    if wanted.label is None and not terms:
        return None
    known = {label: fold(label) for labels in label_sets for label in labels}
    passing = {n for n, s in enumerate(label_sets) if wanted.label is None or wanted.label in s}
    for term in terms:
        exact = {label for label, folded in known.items() if folded == term.value}
        named = exact or {label for label, f in known.items() if f.startswith(term.value)}
        passing = {n for n in passing if named.isdisjoint(label_sets[n]) == term.negated}
    return frozenset(passing)
