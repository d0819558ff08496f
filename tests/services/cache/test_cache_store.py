"""The store keeps what it is given: items, transactions, snapshots, state and journal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from services.cache.store import MailStore, PutOutcome
from services.errors import DiskFull
from services.models import LabelCount, Mailbox, MailboxCounts, MailFilter, RowFlag
from services.safe_text import ui
from services.wire_values import InboxItem
from tests.fakes.fake_file_ops import FakeFileOps
from tests.fakes.inbox_items import START, inbox_item, pages
from tests.services.cache.conftest import ids_of

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
    assert len(ids_of(store)) == 2


def test_removing_forgets_the_message_and_its_body(store: MailStore) -> None:
    item = inbox_item(1)
    store.put_items([item, inbox_item(2)])
    store.bodies.put(item.message_id, b"raw")
    store.remove([item.message_id, "<never seen>"])
    assert store.item(item.message_id) is None
    assert store.bodies.get(item.message_id) is None
    assert ids_of(store) == [inbox_item(2).message_id]
    store.put_items([item])
    assert len(ids_of(store)) == 2


def test_a_message_whose_text_and_date_change_stays_one_row(store: MailStore) -> None:
    store.put_items([inbox_item(n) for n in range(5)])
    store.replace_item(inbox_item(2, subject="As it was"))
    store.build_search_text()
    assert ids_of(store, "was") == [inbox_item(2).message_id]
    moved = inbox_item(2, subject="Something else", received_at=START + 9_999)
    store.replace_item(moved)
    assert ids_of(store)[0] == moved.message_id
    assert len(ids_of(store)) == 5
    assert ids_of(store, "something") == [moved.message_id]
    assert ids_of(store, "was") == []


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
    assert (ids_of(store), store.state("cursor"), store.journal()) == ([], 1, [])
    assert store.snapshot().counts == MailboxCounts()


def test_a_refused_page_leaves_counts_order_and_flags_as_they_were(disk: Path) -> None:
    ops = FakeFileOps()
    store = MailStore.open(disk, ops=ops)
    store.put_items(pages(1)[0])
    rows = ids_of(store)
    counts = store.snapshot().counts
    ops.stop_at = len(ops.steps)
    with pytest.raises(DiskFull):
        store.put_items(pages(1, start=50)[0])
    assert (ids_of(store), store.snapshot().counts) == (rows, counts)
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
