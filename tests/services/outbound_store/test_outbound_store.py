"""Several processes on one log: nobody's change is lost, nothing that was sealed stays readable."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tinydb import where

from services.cache.tables import LogDatabase
from services.errors import CacheLocked
from services.outbound.log.shared_log import FolderLock
from services.outbound.log.store import DRAFTS, OUTBOX, STATE, OutboundStore
from tests.fakes.child_process import Child, Tell
from tests.fakes.fake_file_ops import FakeFileOps

CANARY = "canary-7f3a in the clear"


@pytest.fixture
def store(disk: Path) -> Iterator[OutboundStore]:
    made = OutboundStore.open(disk)
    yield made
    made.close()


@pytest.fixture
def other(disk: Path, store: OutboundStore) -> Iterator[OutboundStore]:
    """The same files as another process has them open."""
    made = OutboundStore.open(disk)
    yield made
    made.close()


def _log(disk: Path) -> Path:
    return disk / "outbound" / "outbound.log"


def test_what_one_saves_the_other_sees_after_looking(
    store: OutboundStore, other: OutboundStore
) -> None:
    store.put(OUTBOX, "a", {"n": 1})
    assert other.get(OUTBOX, "a") is None
    before = other.version
    assert other.refresh()
    assert (other.get(OUTBOX, "a"), other.version > before) == ({"n": 1}, True)
    assert not other.refresh()
    other.remove(OUTBOX, "a")
    assert store.refresh()
    assert store.get(OUTBOX, "a") is None
    assert list(store.all(OUTBOX)) == []


def test_a_transaction_reads_what_others_saved_while_it_waited_for_its_turn(
    store: OutboundStore, other: OutboundStore
) -> None:
    for one in (store, other, store, other):
        with one.transaction():
            found = one.get(STATE, "count") or {"n": 0}
            one.put(STATE, "count", {"n": found["n"] + 1})
    assert other.get(STATE, "count") == {"n": 4}


def test_a_transaction_happens_as_a_whole_or_not_at_all(
    store: OutboundStore, other: OutboundStore
) -> None:
    store.put(DRAFTS, "kept", {"n": 1})

    def fail() -> None:
        with store.transaction():
            store.put(DRAFTS, "new", {"n": 2})
            store.remove(DRAFTS, "kept")
            with store.transaction():
                store.put(OUTBOX, "new", {"n": 3})
            assert store.get(DRAFTS, "kept") is None
            assert store.get(OUTBOX, "new") == {"n": 3}
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    other.refresh()
    for one in (store, other):
        assert list(one.all(DRAFTS)) == [("kept", {"n": 1})]
        assert one.count(OUTBOX) == 0


def test_documents_come_in_the_order_in_which_they_first_came(store: OutboundStore) -> None:
    for key in ("b", "a", "c", "a"):
        store.put(OUTBOX, key, {"key": key})
    assert [key for key, _ in store.all(OUTBOX)] == ["b", "a", "c"]


@pytest.mark.parametrize("key", ["", "a\tb", "a\nb", "=\t5\tx", "ключ", "\ud800", "x" * 5_000])
def test_any_text_is_a_key_and_any_text_is_kept(
    store: OutboundStore, other: OutboundStore, key: str
) -> None:
    store.put(DRAFTS, key, {"text": key, "nested": {"list": [key]}})
    other.refresh()
    assert other.get(DRAFTS, key) == {"text": key, "nested": {"list": [key]}}


def test_what_was_read_can_be_changed_without_changing_the_store(store: OutboundStore) -> None:
    store.put(DRAFTS, "a", {"list": [1]})
    found = store.get(DRAFTS, "a")
    assert found is not None
    found["list"].append(2)
    assert store.get(DRAFTS, "a") == {"list": [1]}


def test_the_tables_are_tables_of_tinydb(store: OutboundStore) -> None:
    for n in range(5):
        store.put(OUTBOX, str(n), {"state": "sent" if n % 2 else "pending"})
    table = LogDatabase(store._log.storage).table(OUTBOX)
    assert len(table.search(where("d")["state"] == "sent")) == 2


def test_folders_and_files_belong_to_their_owner_whatever_the_umask(disk: Path) -> None:
    before = os.umask(0)
    try:
        OutboundStore.open(disk / "account").close()
    finally:
        os.umask(before)
    folder = disk / "account" / "outbound"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    _log(disk / "account").chmod(0o644)
    OutboundStore.open(disk / "account").close()
    assert stat.S_IMODE(_log(disk / "account").stat().st_mode) == 0o600


def test_threads_of_one_process_take_turns(store: OutboundStore) -> None:
    def count() -> None:
        for _ in range(50):
            with store.transaction():
                found = store.get(STATE, "count") or {"n": 0}
                store.put(STATE, "count", {"n": found["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(STATE, "count") == {"n": 200}


def test_a_process_that_does_not_let_go_is_named_instead_of_waited_for_without_end(
    disk: Path,
) -> None:
    first, second = FolderLock(disk / "lock"), FolderLock(disk / "lock", wait=0)
    with first.held(shared=True), second.held(shared=True):
        pass
    with first.held(), pytest.raises(CacheLocked, match="Another agentmail-tui"), second.held():
        pass
    with second.held():
        pass


def test_a_lock_file_that_was_removed_does_not_let_two_in(disk: Path) -> None:
    first, second = FolderLock(disk / "lock"), FolderLock(disk / "lock", wait=0)
    with first.held():
        pass
    (disk / "lock").unlink()
    with second.held():
        first._wait = 0
        with pytest.raises(CacheLocked), first.held():
            pass


# ── compaction ───────────────────────────────────────────────────────────────────────────────────


def test_the_log_is_written_anew_when_most_of_it_is_garbage_while_others_have_it_open(
    disk: Path, store: OutboundStore, other: OutboundStore
) -> None:
    other.put(OUTBOX, "old", {"n": 1})
    other.refresh()
    inode = _log(disk).stat().st_ino
    for n in range(40):
        store.put(DRAFTS, "long", {"n": n, "text": "x" * 40_000})
    assert _log(disk).stat().st_ino != inode
    assert _log(disk).stat().st_size < 600_000
    assert other.get(OUTBOX, "old") == {"n": 1}
    other.put(OUTBOX, "new", {"n": 2})
    store.refresh()
    assert store.get(OUTBOX, "new") == {"n": 2}
    assert (other.get(DRAFTS, "long") or {})["n"] == 39
    assert [path.name for path in sorted((disk / "outbound").iterdir())] == [
        "outbound.lock",
        "outbound.log",
    ]


def test_a_compaction_that_fails_costs_nothing_but_room(disk: Path) -> None:
    class FullForNewFiles(FakeFileOps):
        def replace(self, source: Path, target: Path) -> None:
            raise OSError(28, "No space left on device")

    OutboundStore.open(disk).close()
    store = OutboundStore.open(disk, FullForNewFiles())
    for n in range(20):
        store.put(DRAFTS, "long", {"n": n, "text": "x" * 40_000})
    store.close()
    again = OutboundStore.open(disk)
    assert (again.get(DRAFTS, "long") or {})["n"] == 19
    assert not list((disk / "outbound").glob("*.new"))
    again.close()


# ── what must not stay ───────────────────────────────────────────────────────────────────────────


def _holds_canary(folder: Path) -> list[str]:
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]


def test_scrubbed_text_is_nowhere_on_the_disk_not_even_in_the_file_that_another_has_open(
    disk: Path, store: OutboundStore, other: OutboundStore
) -> None:
    store.put(DRAFTS, "a", {"text": CANARY})
    other.put(OUTBOX, "b", {"n": 1})
    assert _holds_canary(disk) == ["outbound.log"]
    still_open = os.open(_log(disk), os.O_RDONLY)
    with store.transaction():
        store.put(DRAFTS, "a", {"text": "sealed"})
        store.scrub()
    assert _holds_canary(disk) == []
    assert CANARY.encode() not in os.pread(still_open, 1 << 20, 0)
    os.close(still_open)
    assert not store.owes_scrub
    # The other one finds its file wiped, and the new one in its place.
    assert other.get(OUTBOX, "b") == {"n": 1}
    assert other.get(DRAFTS, "a") == {"text": "sealed"}
    assert [document for _, document in other.all(DRAFTS)] == [{"text": "sealed"}]


def test_a_program_that_dies_before_the_wiping_leaves_it_to_the_next_one(disk: Path) -> None:
    store = OutboundStore.open(disk)
    store.put(DRAFTS, "a", {"text": CANARY})
    store.close()

    def work(tell: Tell) -> None:
        ops = FakeFileOps(stop_at=3, stop=lambda: os._exit(0))
        dying = OutboundStore.open(disk, ops)
        with dying.transaction():
            dying.put(DRAFTS, "a", {"text": "sealed"})
            dying.scrub()
        tell("done")

    assert Child(work).rest() == []
    assert "outbound.log" in _holds_canary(disk)
    again = OutboundStore.open(disk)
    assert again.get(DRAFTS, "a") == {"text": "sealed"}
    assert (_holds_canary(disk), again.owes_scrub) == ([], False)
    again.close()


def test_a_wiping_that_does_not_fit_on_the_disk_is_owed_and_made_up_for(disk: Path) -> None:
    class FullForAWhile(FakeFileOps):
        full = False

        def replace(self, source: Path, target: Path) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super().replace(source, target)

    ops = FullForAWhile()
    store = OutboundStore.open(disk, ops)
    store.put(DRAFTS, "a", {"text": CANARY})
    ops.full = True
    with store.transaction():
        store.put(DRAFTS, "a", {"text": "sealed"})
        store.scrub()
    assert (store.get(DRAFTS, "a"), store.owes_scrub) == ({"text": "sealed"}, True)
    ops.full = False
    store.put(OUTBOX, "b", {})
    assert (_holds_canary(disk), store.owes_scrub) == ([], False)
    store.close()
