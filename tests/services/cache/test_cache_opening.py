"""Opening whatever is there: locks, loose modes, garbage, damage in the tail and in the middle."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.errors import CacheDamaged, CacheError, CacheLocked
from services.models import MailFilter
from tests.fakes.child_process import Child, Tell
from tests.fakes.inbox_items import inbox_item, pages

SECTOR = 512


def _fill(folder: Path, count: int = 30, size: int = 4) -> list[int]:
    """Write small pages, each with its cursor; return where each commit ended."""
    store = MailStore.open(folder)
    ends = []
    for number, page in enumerate(pages(count, size)):
        with store.transaction():
            store.put_items(page)
            store.set_state("cursor", number)
        ends.append((folder / "mail.log").stat().st_size)
    store.close()
    return ends


def _log_only(folder: Path, content: bytes) -> Path:
    """Make a folder that holds nothing but a log."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("mail.*"):
        path.unlink()
    (folder / "mail.log").write_bytes(content)
    return folder


# ── the tail ─────────────────────────────────────────────────────────────────────────────────────


def test_a_log_cut_at_any_byte_opens_at_the_commit_before(disk: Path) -> None:
    ends = _fill(disk / "whole", 12, 2)
    content = (disk / "whole" / "mail.log").read_bytes()
    offsets = [*range(ends[-2], len(content)), *range(ends[0], len(content), 19)]
    assert len(offsets) > 1_000
    for offset in offsets:
        folder = _log_only(disk / "cut", content[:offset])
        store = MailStore.open(folder)
        kept = sum(end <= offset for end in ends)
        assert store.state("cursor") == kept - 1
        assert len(store.db.table("messages")) == 2 * kept
        assert store.repairs == ()
        store.close()
        assert (folder / "mail.log").stat().st_size == ends[kept - 1]


def test_a_saved_index_of_a_longer_log_is_not_believed(disk: Path) -> None:
    ends = _fill(disk)
    log = disk / "mail.log"
    log.write_bytes(log.read_bytes()[: ends[10]])
    store = MailStore.open(disk)
    assert store.snapshot().counts.total == 44
    assert len(list(store.ids())) == 44
    store.close()


@pytest.mark.parametrize("spoil", [0, 20, 300, -3])
def test_a_damaged_index_is_rebuilt_from_the_documents(disk: Path, spoil: int) -> None:
    _fill(disk)
    store = MailStore.open(disk)
    rows = _rows(store)
    counts = store.snapshot().counts
    store.close()
    index = bytearray((disk / "mail.index").read_bytes())
    index[spoil] ^= 0xFF
    (disk / "mail.index").write_bytes(index)
    store = MailStore.open(disk)
    assert _rows(store) == rows
    assert store.snapshot().counts == counts
    store.close()


def _rows(store: MailStore) -> list[object]:
    view = store.snapshot().select(MailFilter())
    return [view.row(position) for position in range(len(view))]


# ── the middle ───────────────────────────────────────────────────────────────────────────────────


def _zeros(length: int, _: random.Random) -> bytes:
    return bytes(length)


def _garbage(length: int, chance: random.Random) -> bytes:
    return chance.randbytes(length)


@pytest.mark.parametrize("spoil", [_zeros, _garbage])
def test_a_spoilt_sector_costs_its_commits_alone_and_is_told(
    disk: Path, spoil: Callable[[int, random.Random], bytes]
) -> None:
    ends = _fill(disk / "whole", 60)
    content = (disk / "whole" / "mail.log").read_bytes()
    chance = random.Random(5)
    for start in range(SECTOR, len(content) - SECTOR, 3 * SECTOR):
        bad = bytearray(content)
        bad[start : start + SECTOR] = spoil(SECTOR, chance)
        folder = _log_only(disk / "bad", bytes(bad))
        store = MailStore.open(folder)
        begins = [128, *ends]
        spared = [
            n for n, end in enumerate(ends) if end <= start or begins[n] >= start + SECTOR
        ]  # fmt: skip
        expected = {item.message_id for n in spared for item in pages(1, 4, 4 * n)[0]}
        assert set(store.ids()) == expected
        assert store.repairs
        assert "kept as mail.log.damaged-1" in store.repairs[0]
        assert (folder / "mail.log.damaged-1").read_bytes() == bytes(bad)
        if spared[-1] == 59:
            # Later commits were kept over a gap: a cursor among them would hide what is missing.
            assert store.state("cursor") is None
        else:
            assert store.state("cursor") == spared[-1]
        store.put_items(item for page in pages(60, 4) for item in page)
        assert store.snapshot().counts.total == 240
        store.close()
        store = MailStore.open(folder)
        assert store.repairs == ()
        assert len(list(store.ids())) == 240
        store.close()


def test_damage_behind_a_good_index_is_found_at_the_end_of_a_sync(disk: Path) -> None:
    _fill(disk)
    log = disk / "mail.log"
    content = bytearray(log.read_bytes())
    content[3_000:3_512] = bytes(512)
    log.write_bytes(content)
    store = MailStore.open(disk)
    assert store.repairs == ()
    view = store.snapshot().select(MailFilter())
    assert len([view.row(position) for position in range(len(view))]) == len(view)
    table = store.db.table("state")
    assert table.all()
    store.checkpoint()
    assert len(store.repairs) == 1
    assert table.all() == []
    assert 100 < len(list(store.ids())) < 120
    store.put_items(item for page in pages(30, 4) for item in page)
    assert len(list(store.ids())) == store.snapshot().counts.total == 120
    store.close()


def test_a_row_whose_record_is_damaged_says_so_and_its_item_is_unknown(disk: Path) -> None:
    _fill(disk, 3)
    log = disk / "mail.log"
    content = log.read_bytes()
    at = content.index(inbox_item(1).message_id.encode())
    log.write_bytes(content[: at - 20] + bytes(40) + content[at + 20 :])
    store = MailStore.open(disk)
    view = store.snapshot().select(MailFilter())
    subjects = [view.row(position).subject for position in range(len(view))]
    assert sum("damaged in the local cache" in subject for subject in subjects) == 1
    assert store.item(inbox_item(1).message_id) is None
    store.close()


# ── not a log at all ─────────────────────────────────────────────────────────────────────────────

NEWER = b"agentmail-log 2 something else entirely".ljust(127) + b"\n"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not a mail cache"),
        (b"{}", "is not a mail cache"),
        (bytes(4_096), "is not a mail cache"),
        (random.Random(3).randbytes(9_000), "is not a mail cache"),
        (b"agentmail-log 1 cut", "has a damaged header"),
        (NEWER, "was written by a newer version"),
    ],
    ids=["empty", "json", "zeros", "noise", "cut", "newer"],
)
def test_what_is_no_log_is_kept_aside_and_a_fresh_one_begun(
    disk: Path, content: bytes, reason: str
) -> None:
    _fill(disk)
    (disk / "mail.log").write_bytes(content)
    with pytest.raises(CacheDamaged, match=reason):
        MailStore.open(disk, read_only=True)
    store = MailStore.open(disk)
    assert reason in store.repairs[0]
    assert (disk / "mail.log.damaged-1").read_bytes() == content
    assert list(store.ids()) == []
    store.put_items(pages(1)[0])
    store.close()
    store = MailStore.open(disk)
    assert store.repairs == ()
    assert len(list(store.ids())) == 100
    store.close()


# ── two instances ────────────────────────────────────────────────────────────────────────────────


def test_a_second_writer_is_refused_and_may_read(disk: Path) -> None:
    first = MailStore.open(disk)
    first.put_items(pages(1)[0])
    with pytest.raises(CacheLocked, match="Another agentmail-tui"):
        MailStore.open(disk)
    reader = MailStore.open(disk, read_only=True)
    before = (disk / "mail.log").read_bytes()
    assert reader.read_only
    assert reader.snapshot().counts.total == 100
    for write in (
        lambda: reader.put_items([inbox_item(500)]),
        lambda: reader.set_state("cursor", 1),
        lambda: reader.journal_add({}),
    ):
        with pytest.raises(CacheError, match="reading only"):
            write()
    reader.bodies.put("a", b"b")
    reader.checkpoint()
    reader.close()
    assert reader.snapshot().counts.total == 100
    assert (disk / "mail.log").read_bytes() == before
    assert not (disk / "mail.index").exists()
    assert not (disk / "bodies").exists()
    first.put_items([inbox_item(500)])
    first.close()
    MailStore.open(disk).close()


def test_a_thousand_writes_of_two_instances_lose_no_update(disk: Path) -> None:
    def contend(name: str) -> Callable[[Tell], None]:
        def work(tell: Tell) -> None:
            done = 0
            while done < 50:
                try:
                    store = MailStore.open(disk)
                except CacheLocked:
                    continue
                for _ in range(10):
                    store.set_state(name, store.state(name, 0) + 1)
                    store.set_state("both", store.state("both", 0) + 1)
                store.close()
                done += 1
            tell("done")

        return work

    children = [Child(contend("one")), Child(contend("two"))]
    assert [child.rest() for child in children] == [["done"], ["done"]]
    store = MailStore.open(disk)
    assert (store.state("one"), store.state("two"), store.state("both")) == (500, 500, 1_000)
    store.close()


def test_the_lock_of_a_dead_process_is_taken_over(disk: Path) -> None:
    def hold(tell: Tell) -> None:
        MailStore.open(disk)
        tell("open")
        os.read(os.pipe()[0], 1)

    child = Child(hold)
    assert child.lines.readline() == "open\n"
    with pytest.raises(CacheLocked):
        MailStore.open(disk)
    child.kill()
    MailStore.open(disk).close()


def test_reading_an_account_that_was_never_opened_says_so(disk: Path) -> None:
    with pytest.raises(CacheError, match="no local mailbox here yet"):
        MailStore.open(disk / "nobody", read_only=True)
    assert not (disk / "nobody").exists()


# ── modes ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_are_for_their_owner_alone_whatever_the_umask(disk: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        store = MailStore.open(disk / "data" / "account")
        store.put_items(pages(1)[0])
        store.bodies.put("<a@b>", b"raw")
        store.checkpoint()
        store.compact()
        store.close()
    finally:
        os.umask(before)
    modes = {
        (path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (disk / "data").rglob("*")
    }
    assert modes == {(True, 0o700), (False, 0o600)}


def test_loose_modes_are_repaired_on_opening(disk: Path) -> None:
    _fill(disk)
    disk.chmod(0o755)
    for path in disk.iterdir():
        path.chmod(0o644)
    store = MailStore.open(disk)
    assert stat.S_IMODE(disk.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in disk.iterdir()} == {0o600}
    store.close()


@pytest.mark.parametrize("name", ["mail.log", "mail.index", "mail.search", "mail.lock"])
def test_a_link_planted_in_the_folder_leaves_its_target_alone(disk: Path, name: str) -> None:
    folder = disk / "account"
    _fill(folder)
    target = disk / "precious"
    target.write_bytes(b"precious")
    target.chmod(0o644)
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    try:
        MailStore.open(folder).close()
    except CacheError:
        assert name in ("mail.log", "mail.lock")
    assert target.read_bytes() == b"precious"
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
