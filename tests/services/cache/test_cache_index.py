"""The index says the same as a plain model, however the store came to its contents."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cache.store import MailStore
from services.models import LabelCount, Mailbox, MailboxCounts, MailFilter, RowFlag
from services.safe_text import ui
from services.wire_values import InboxItem
from tests.fakes.inbox_items import inbox_item, pages
from tests.services.cache.conftest import ids_of

_NUMBERS = st.integers(0, 25)
_ITEMS = st.builds(
    lambda n, date, sender, subject, read, archived, labels: inbox_item(
        n, received_at=date, sender=f"x <{sender}@example.com>", subject=subject, is_read=read,
        archived=archived, labels=labels,
    ),
    _NUMBERS, st.integers(0, 6), st.sampled_from("abc"), st.sampled_from(["one", "two"]),
    st.booleans(), st.booleans(), st.sampled_from([(), ("l",), ("l", "m")]),
)  # fmt: skip
_OPERATIONS = st.one_of(
    st.lists(_ITEMS, max_size=8),
    st.lists(_NUMBERS, max_size=4),
    st.sampled_from(["compact", "checkpoint", "reopen", "rebuild", "publish", "search"]),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(_OPERATIONS, max_size=12))
def test_the_index_agrees_with_a_plain_model_however_it_came_about(
    operations: list[list[InboxItem] | list[int] | str],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = MailStore.open(Path(folder))
        model: dict[str, InboxItem] = {}
        for operation in operations:
            store = _apply(store, Path(folder), model, operation)
            _agree(store, model)
        store.close()
        (Path(folder) / "mail.index").unlink(missing_ok=True)
        store = MailStore.open(Path(folder))
        _agree(store, model)
        store.close()


def _apply(
    store: MailStore, folder: Path, model: dict[str, InboxItem], operation: list[object] | str
) -> MailStore:
    if operation == "compact":
        store.compact()
    elif operation == "checkpoint":
        store.checkpoint()
    elif operation == "publish":
        store.snapshot()
    elif operation == "search":
        store.build_search_text()
    elif isinstance(operation, str):
        store.close()
        if operation == "rebuild":
            (folder / "mail.index").unlink(missing_ok=True)
        return MailStore.open(folder)
    elif operation and isinstance(operation[0], int):
        gone = [inbox_item(n).message_id for n in operation if isinstance(n, int)]
        store.remove(gone)
        for message_id in gone:
            model.pop(message_id, None)
    else:
        items = [item for item in operation if isinstance(item, InboxItem)]
        store.put_items(items)
        model.update({item.message_id: item for item in items})
    return store


def _agree(store: MailStore, model: dict[str, InboxItem]) -> None:
    snapshot = store.snapshot()
    assert snapshot.counts == _counted(model)
    view = snapshot.select(MailFilter(Mailbox.ALL))
    rows = [view.row(position) for position in range(len(view))]
    assert {row.message_id for row in rows} == set(model)
    assert len(rows) == len(model)
    dates = [row.received_at for row in rows]
    assert dates == sorted(dates, reverse=True)
    firsts: dict[str, list[int]] = {}
    for position, row in enumerate(rows):
        item = model[row.message_id]
        assert (row.received_at, row.subject, row.labels) == (
            item.received_at, item.subject, item.labels,
        )  # fmt: skip
        assert bool(row.flags & RowFlag.UNREAD) != item.is_read
        assert bool(row.flags & RowFlag.ARCHIVED) == item.archived
        assert view.position_of(row.message_id) == position
        firsts.setdefault(row.address, []).append(bool(row.flags & RowFlag.FIRST_CONTACT))
    # The oldest of each sender, and no other, is the first contact.
    assert all(flags == [False] * (len(flags) - 1) + [True] for flags in firsts.values())
    if snapshot.search_ready:
        found = snapshot.select(MailFilter(Mailbox.ALL, text="subject:two"))
        expected = sum(item.subject == "two" for item in model.values())
        assert len(found) == expected


def _counted(model: dict[str, InboxItem]) -> MailboxCounts:
    inbox = [item for item in model.values() if not item.archived]
    labels = sorted({label for item in inbox for label in item.labels})
    return MailboxCounts(
        inbox=len(inbox),
        unread=sum(not item.is_read for item in inbox),
        unverified=sum(not item.sender_verified for item in inbox),
        archived=len(model) - len(inbox),
        total=len(model),
        labels=tuple(
            LabelCount(label, ui(label), sum(label in item.labels for item in inbox))
            for label in labels
        ),
    )


def test_three_thousand_messages_in_any_order_stand_in_the_order_of_their_dates(
    store: MailStore,
) -> None:
    items = [inbox_item(n) for n in range(3_000)]
    shuffled = random.Random(2).sample(items, len(items))
    for start in range(0, 3_000, 750):
        store.put_items(shuffled[start : start + 750])
    store.remove(item.message_id for item in items[::2])
    expected = [item.message_id for item in reversed(items[1::2])]
    assert ids_of(store) == expected
    store.compact()
    assert ids_of(store) == expected


def test_a_long_tail_is_indexed_without_being_asked(
    disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.cache.store.TAIL", 100_000)
    store = MailStore.open(disk)
    for page in pages(8):
        store.put_items(page)
    assert (disk / "mail.index").stat().st_size > 10_000
    # As after kill -9: nothing is closed, another process opens what is there.
    other = MailStore.open(disk, read_only=True)
    assert other._log.tail < 100_000
    assert ids_of(other) == ids_of(store)
    store.close()
