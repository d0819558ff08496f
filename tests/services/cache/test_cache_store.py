"""The store keeps what it is given, and its index says the same however it came about."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.cache.store import MailStore, PutOutcome
from services.errors import DiskFull
from services.models import LabelCount, Mailbox, MailboxCounts, MailFilter, RowFlag
from services.safe_text import ui
from services.wire_values import InboxItem
from tests.fakes.fake_file_ops import FakeFileOps
from tests.fakes.inbox_items import START, inbox_item, pages


@pytest.fixture
def store(disk: Path) -> Iterator[MailStore]:
    store = MailStore.open(disk)
    yield store
    store.close()


def _ids(store: MailStore, text: str = "") -> list[str]:
    view = store.snapshot().select(MailFilter(Mailbox.ALL, text=text))
    return [view.message_id(position) for position in range(len(view))]


# ── items ────────────────────────────────────────────────────────────────────────────────────────

FULL = InboxItem(
    message_id="<full@example.com>", sender_verified=True, sender='"Ada" <ada@example.com>',
    recipient="me@example.com", subject="S\ud800ubject", body_preview="p\0\n\t", received_at=7,
    labels=("b", "a", "b"), is_read=True, archived=True, encrypted=True, attachment_count=3,
    trust_tier="gold", traffic_type="marketplace", correlation_id="c", marketplace_request_id="m",
    extra={"Unknown": [1, {"x": None}], "i": "not the id"},
)  # fmt: skip


@pytest.mark.parametrize("item", [FULL, InboxItem(message_id="x"), InboxItem(message_id="../..")])
def test_an_item_comes_back_as_it_was(disk: Path, item: InboxItem) -> None:
    store = MailStore.open(disk)
    store.put_items([item])
    assert store.item(item.message_id) == item
    store.close()
    store = MailStore.open(disk)
    assert store.item(item.message_id) == item
    assert list(store.ids()) == [item.message_id]
    store.close()


def test_put_tells_what_is_new_and_what_changed_and_writes_nothing_else(
    disk: Path, store: MailStore
) -> None:
    a, b = inbox_item(1), inbox_item(2)
    assert store.put_items([a, a, b]) == PutOutcome((a.message_id, b.message_id), ())
    size = (disk / "mail.log").stat().st_size
    assert store.put_items([b, a]) == PutOutcome()
    assert (disk / "mail.log").stat().st_size == size
    read = replace(b, is_read=not b.is_read)
    assert store.put_items([a, read]) == PutOutcome((), (b.message_id,))
    assert store.item(b.message_id) == read
    assert len(_ids(store)) == 2


def test_removing_forgets_the_message_and_its_body(store: MailStore) -> None:
    item = inbox_item(1)
    store.put_items([item, inbox_item(2)])
    store.bodies.put(item.message_id, b"raw")
    store.remove([item.message_id, "<never seen>"])
    assert store.item(item.message_id) is None
    assert store.bodies.get(item.message_id) is None
    assert _ids(store) == [inbox_item(2).message_id]
    store.put_items([item])
    assert len(_ids(store)) == 2


def test_a_message_whose_text_and_date_change_stays_one_row(store: MailStore) -> None:
    store.put_items([inbox_item(n) for n in range(5)])
    store.replace_item(inbox_item(2, subject="As it was"))
    store.build_search_text()
    assert _ids(store, "was") == [inbox_item(2).message_id]
    moved = inbox_item(2, subject="Something else", received_at=START + 9_999)
    store.replace_item(moved)
    assert _ids(store)[0] == moved.message_id
    assert len(_ids(store)) == 5
    assert _ids(store, "something") == [moved.message_id]
    assert _ids(store, "was") == []


# ── transactions ─────────────────────────────────────────────────────────────────────────────────


def test_a_transaction_is_one_commit_and_reads_what_it_wrote(disk: Path) -> None:
    ops = FakeFileOps()
    store = MailStore.open(disk, ops=ops)
    before = len(ops.steps)
    with store.transaction():
        store.put_items(pages(1)[0])
        with store.transaction():
            store.set_state("cursor", "abc")
            number = store.journal_add({"kind": "read"})
        store.journal_update(number, {"tries": 1})
        assert store.item(inbox_item(5).message_id) == inbox_item(5)
        assert store.state("cursor") == "abc"
        assert store.journal() == [(number, {"kind": "read", "tries": 1})]
    assert ops.steps[before:] == ["write", "sync"]
    store.close()


def test_a_transaction_that_fails_leaves_nothing(store: MailStore) -> None:
    store.set_state("cursor", 1)

    def work() -> None:
        with store.transaction():
            store.put_items(pages(1)[0])
            store.set_state("cursor", 2)
            store.journal_add({"kind": "read"})
            raise KeyError("cursor")

    with pytest.raises(KeyError):
        work()
    assert (_ids(store), store.state("cursor"), store.journal()) == ([], 1, [])
    assert store.snapshot().counts == MailboxCounts()


def test_a_refused_page_leaves_counts_order_and_flags_as_they_were(disk: Path) -> None:
    ops = FakeFileOps()
    store = MailStore.open(disk, ops=ops)
    store.put_items(pages(1)[0])
    rows = _ids(store)
    counts = store.snapshot().counts
    ops.stop_at = len(ops.steps)
    with pytest.raises(DiskFull):
        store.put_items(pages(1, start=50)[0])
    assert (_ids(store), store.snapshot().counts) == (rows, counts)
    assert len(store.put_items(pages(1, start=50)[0]).new) == 50
    store.close()


# ── snapshots ────────────────────────────────────────────────────────────────────────────────────


def test_a_snapshot_stays_as_it_was_through_edits_removals_and_compaction(
    store: MailStore,
) -> None:
    store.put_items(pages(1)[0])
    old = store.snapshot()
    view = old.select(MailFilter(Mailbox.ALL))
    rows = [view.row(position) for position in range(len(view))]
    counts = old.counts
    store.put_items(replace(i, is_read=not i.is_read, labels=("new",)) for i in pages(1)[0][:50])
    store.put_items([inbox_item(-5), inbox_item(900)])
    store.remove([inbox_item(60).message_id])
    store.compact()
    store.put_items([inbox_item(901)])
    assert [view.row(position) for position in range(len(view))] == rows
    again = old.select(MailFilter(Mailbox.ALL))
    assert [again.row(position) for position in range(len(again))] == rows
    assert old.counts == counts
    assert len(store.snapshot().select(MailFilter(Mailbox.ALL))) == 102
    assert store.snapshot().version > old.version


def test_rows_are_found_by_id_and_stand_where_the_view_says(store: MailStore) -> None:
    store.put_items(inbox_item(n, received_at=START + n % 7) for n in range(300))
    store.remove([inbox_item(13).message_id])
    snapshot = store.snapshot()
    view = snapshot.select(MailFilter())
    for position in range(len(view)):
        assert view.position_of(view.message_id(position)) == position
    archived, gone = inbox_item(11), inbox_item(13)
    assert view.position_of(archived.message_id) is None
    row = snapshot.row_of(archived.message_id)
    assert row is not None
    assert (row.subject, row.attachments) == (archived.subject, archived.attachment_count)
    assert snapshot.row_of(gone.message_id) is None
    assert view.position_of("<never seen>") is None
    for outside in (-1, len(view)):
        with pytest.raises(IndexError):
            view.row(outside)


def test_hostile_fields_reach_a_row_as_safe_text(store: MailStore) -> None:
    store.put_items(
        [inbox_item(1, sender="\x1b[31mEve\u202e <e@x.example>", subject="a\nb", labels=("\x07",))]
    )
    row = store.snapshot().select(MailFilter()).row(0)
    assert (row.sender, row.address, row.subject) == ("␛[31mEve<RLO>", "e@x.example", "a b")
    assert row.labels == ("␇",)


def test_pending_is_a_flag_of_the_session(disk: Path, store: MailStore) -> None:
    item = inbox_item(1)
    store.put_items([item])
    before = store.snapshot()
    store.mark_pending([item.message_id, "<comes later>"], pending=True)
    late = replace(inbox_item(2), message_id="<comes later>")
    store.put_items([replace(item, is_read=not item.is_read), late])
    assert [row.flags & RowFlag.PENDING for row in _rows(store)] == [RowFlag.PENDING] * 2
    old = before.row_of(item.message_id)
    assert old is not None
    assert not old.flags & RowFlag.PENDING
    store.compact()
    assert all(row.flags & RowFlag.PENDING for row in _rows(store))
    store.mark_pending([item.message_id, "<comes later>"], pending=False)
    assert not any(row.flags & RowFlag.PENDING for row in _rows(store))
    store.mark_pending([item.message_id], pending=True)
    store.checkpoint()
    store.close()
    reader = MailStore.open(disk, read_only=True)
    assert not any(row.flags & RowFlag.PENDING for row in _rows(reader))


def _rows(store: MailStore) -> list[object]:
    view = store.snapshot().select(MailFilter(Mailbox.ALL))
    return [view.row(position) for position in range(len(view))]


def test_counts_leave_the_archive_out_and_labels_are_sorted(store: MailStore) -> None:
    base = InboxItem(message_id="", is_read=True, sender_verified=True)
    store.put_items(
        [
            replace(base, message_id="1", labels=("b", "a")),
            replace(base, message_id="2", labels=("a", "a"), is_read=False),
            replace(base, message_id="3", sender_verified=False),
            replace(base, message_id="4", archived=True, is_read=False, labels=("b", "z")),
        ]
    )
    labels = (LabelCount("a", ui("a"), 2), LabelCount("b", ui("b"), 1))
    assert store.snapshot().counts == MailboxCounts(3, 1, 1, 1, 4, labels)


# ── state and journal ────────────────────────────────────────────────────────────────────────────


def test_state_and_journal_survive_in_order(disk: Path) -> None:
    store = MailStore.open(disk)
    assert store.state("cursor") is None
    assert store.state("cursor", 5) == 5
    store.set_state("cursor", {"a": [1, None]})
    store.set_state("synced_at", 7)
    store.set_state("cursor", None)
    numbers = [store.journal_add({"n": n}) for n in range(4)]
    store.journal_remove(numbers[1])
    store.journal_update(numbers[2], {"sent": True})
    store.journal_update(99, {"sent": True})
    store.journal_remove(99)
    expected = [
        (numbers[0], {"n": 0}),
        (numbers[2], {"n": 2, "sent": True}),
        (numbers[3], {"n": 3}),
    ]
    for _ in range(3):
        assert store.journal() == expected
        assert (store.state("cursor", 5), store.state("synced_at")) == (None, 7)
        store.compact()
        store.close()
        store = MailStore.open(disk)
    store.close()


# ── the index against a plain model ──────────────────────────────────────────────────────────────

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
    assert _ids(store) == expected
    store.compact()
    assert _ids(store) == expected


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
    assert _ids(other) == _ids(store)
    store.close()


def test_a_log_of_mostly_garbage_is_compacted_at_the_end_of_a_sync(disk: Path) -> None:
    store = MailStore.open(disk)
    for turn in range(12):
        store.put_items(inbox_item(n, labels=(f"turn {turn}",)) for n in range(600))
    before = (disk / "mail.log").stat().st_size
    rows = _rows(store)
    store.checkpoint()
    assert (disk / "mail.log").stat().st_size < before / 6
    assert _rows(store) == rows
    size = (disk / "mail.log").stat().st_size
    store.checkpoint()
    assert (disk / "mail.log").stat().st_size == size
    store.close()
