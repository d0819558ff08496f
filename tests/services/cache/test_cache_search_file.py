"""The search text on disk: used at once when it fits, built anew when it does not, never trusted."""

from __future__ import annotations

import random
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.models import Mailbox, MailFilter
from services.query import fold as real_fold
from services.wire_values import InboxItem
from tests.fakes.child_process import Child, Tell
from tests.fakes.fake_file_ops import FakeFileOps, kill_myself, refuse
from tests.fakes.inbox_items import inbox_item

SIZE = 4_300
NAME = "mail.search"
fold = cache(real_fold)
TEXTS = ("invoice rev", "ada 69", "zanzibar", "résumé", "\ud800", "<")


def _items(size: int = SIZE) -> list[InboxItem]:
    items = [inbox_item(n) for n in range(size)]
    items[7] = replace(items[7], subject="Résumé Zanzibar")
    items[2_001] = replace(items[2_001], subject="lone \ud800 surrogate", body_preview="zanzibar")
    return items


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mailbox written newest first, as a first sync does it."""
    folder = tmp_path_factory.mktemp("filled")
    store = MailStore.open(folder)
    items = _items()
    for start in range(0, SIZE, 100):
        store.put_items(items[::-1][start : start + 100])
        store.snapshot()
    store.checkpoint()
    store.close()
    return folder


@pytest.fixture
def items(filled: Path, disk: Path) -> list[InboxItem]:
    """What the mailbox in `disk` holds."""
    shutil.copytree(filled, disk, dirs_exist_ok=True)
    return _items()


def _found(store: MailStore, text: str) -> set[str]:
    view = store.snapshot().select(MailFilter(Mailbox.ALL, text=text))
    return {view.message_id(position) for position in range(len(view))}


def _agree(store: MailStore, items: list[InboxItem]) -> None:
    for text in TEXTS:
        words = fold(text).split()
        expected = {
            item.message_id
            for item in items
            if all(
                any(w in fold(t) for t in (item.sender, item.subject, item.body_preview))
                for w in words
            )
        }
        assert _found(store, text) == expected, text


def _is_mapped(store: MailStore) -> bool:
    return store.snapshot().search_ready and not store._search.held()


# ── fresh ────────────────────────────────────────────────────────────────────────────────────────


def test_a_fresh_file_is_searched_from_the_first_key_without_building(
    disk: Path, items: list[InboxItem]
) -> None:
    assert stat.S_IMODE((disk / NAME).stat().st_mode) == 0o600
    for read_only in (False, True):
        store = MailStore.open(disk, read_only=read_only)
        assert _is_mapped(store)
        _agree(store, items)
        store.close()


def test_a_first_sync_keeps_no_more_than_a_segment_of_text_in_memory(disk: Path) -> None:
    store = MailStore.open(disk)
    for start in range(0, SIZE, 100):
        store.put_items(inbox_item(n) for n in range(start, start + 100))
        snapshot = store.snapshot()
        assert snapshot.search_ready
        assert sum(len(segment.slots) for segment in store._search.held()) < 2_000
    store.close()


def test_messages_that_came_or_changed_afterwards_are_found_and_kept(
    disk: Path, items: list[InboxItem]
) -> None:
    before = (disk / NAME).read_bytes()
    store = MailStore.open(disk)
    items[3] = replace(items[3], subject="zanzibar as well")
    items.append(inbox_item(9_000, subject="from Zanzibar"))
    store.put_items([items[3], items[-1]])
    store.remove([items.pop(5).message_id])
    _agree(store, items)
    store.close()
    after = (disk / NAME).read_bytes()
    assert after.startswith(before)
    assert len(after) - len(before) < 2_000
    store = MailStore.open(disk)
    assert _is_mapped(store)
    _agree(store, items)
    store.close()


def test_what_was_not_saved_before_a_crash_is_found_again(
    disk: Path, items: list[InboxItem]
) -> None:

    def work(tell: Tell) -> None:
        store = MailStore.open(disk)
        store.put_items([inbox_item(9_000, subject="from Zanzibar")])
        tell("saved")
        kill_myself()

    assert Child(work).rest() == ["saved"]
    store = MailStore.open(disk)
    assert store.snapshot().search_ready
    _agree(store, [*items, inbox_item(9_000, subject="from Zanzibar")])
    store.close()


def test_compacting_writes_the_text_for_the_new_numbers_without_what_is_gone(
    disk: Path, items: list[InboxItem]
) -> None:
    store = MailStore.open(disk)
    store.remove([item.message_id for item in items[100:2_000]])
    del items[100:2_000]
    old = store.snapshot()
    size = (disk / NAME).stat().st_size
    store.compact()
    assert (disk / NAME).stat().st_size < size * 2 / 3
    assert _is_mapped(store)
    _agree(store, items)
    assert len(old.select(MailFilter(Mailbox.ALL, text="ada"))) == len(items)
    store.close()
    store = MailStore.open(disk)
    assert _is_mapped(store)
    _agree(store, items)
    store.close()


def test_many_short_runs_do_not_leave_many_small_frames(disk: Path) -> None:
    for number in range(80):
        store = MailStore.open(disk)
        store.put_items([inbox_item(number)])
        store.close()
    store = MailStore.open(disk)
    assert len(store._search.segments) == 80
    store.checkpoint()
    assert len(store._search.segments) == 1
    assert len(_found(store, "ada")) == 80
    store.close()


# ── stale or damaged ─────────────────────────────────────────────────────────────────────────────


def _spoil(content: bytes, at: int, other: bytes) -> bytes:
    return content[:at] + other + content[at + len(other) :]


SPOILT: dict[str, Callable[[bytes], bytes | None]] = {
    "missing": lambda content: None,
    "empty": lambda content: b"",
    "zeros": lambda content: bytes(len(content)),
    "noise": lambda content: random.Random(1).randbytes(len(content)),
    "another version": lambda content: _spoil(content, 17, b"2"),
    "another log": lambda content: _spoil(content, 20, b"\0"),
    "cut in the first line": lambda content: content[:30],
    "cut in a frame": lambda content: content[: len(content) // 2],
    "cut at the end": lambda content: content[:-1],
    "longer": lambda content: content + b"SEG\nmore",
    "a frame's head": lambda content: _spoil(content, 70, b"\xff"),
    "a frame's first slot": lambda content: _spoil(content, 64 + 24, b"\xff\xff"),
    "a frame's offsets": lambda content: _spoil(content, 64 + 36 + 4_000, b"\xff\xff"),
    "text": lambda content: _spoil(content, 100_000, b"zanzibar"),
    "zeroed text": lambda content: _spoil(content, 650_000, bytes(4_096)),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_file_that_does_not_fit_is_built_anew(
    disk: Path, how: str, items: list[InboxItem]
) -> None:
    content = SPOILT[how]((disk / NAME).read_bytes())
    (disk / NAME).unlink()
    if content is not None:
        (disk / NAME).write_bytes(content)
    reader = MailStore.open(disk, read_only=True)
    assert reader.build_search_text()
    _agree(reader, items)
    store = MailStore.open(disk)
    assert store.build_search_text()
    assert _is_mapped(store)
    _agree(store, items)
    store.close()
    store = MailStore.open(disk)
    assert _is_mapped(store)
    _agree(store, items)
    store.close()
    _agree(reader, items)


def test_damaged_text_is_never_searched_and_soon_mended(disk: Path, items: list[InboxItem]) -> None:
    content = (disk / NAME).read_bytes()
    (disk / NAME).write_bytes(_spoil(content, 100_000, b"zanzibar"))
    store = MailStore.open(disk)
    expected = {item.message_id for item in items if "zanzibar" in fold(item.subject)}
    assert _found(store, "zanzibar") <= expected | {items[2_001].message_id}
    assert not store.snapshot().search_ready
    assert store.build_search_text()
    assert store.snapshot().search_ready
    _agree(store, items)
    store.close()


def test_the_text_of_a_log_that_was_put_back_is_not_believed(
    disk: Path, items: list[InboxItem]
) -> None:
    old = (disk / "mail.log").read_bytes()
    store = MailStore.open(disk)
    store.put_items(inbox_item(n, subject="zanzibar") for n in range(9_000, 9_050))
    store.close()
    (disk / "mail.log").write_bytes(old)
    store = MailStore.open(disk)
    new = [inbox_item(n) for n in range(20_000, 20_060)]
    store.put_items(new)
    store.build_search_text()
    _agree(store, items + new)
    store.close()
    store = MailStore.open(disk)
    assert _is_mapped(store)
    _agree(store, items + new)
    store.close()


# ── while it is written ──────────────────────────────────────────────────────────────────────────


def _work(store: MailStore) -> None:
    """Every way of writing the file: begun, appended to, saved, packed by compacting."""
    items = _items(2_200)
    for start in range(0, 2_200, 550):
        store.put_items(items[start : start + 550])
        store.snapshot()
    store.checkpoint()
    store.put_items([inbox_item(5_000)])
    store.compact()
    store.close()


class FakeCountOfText(FakeFileOps):
    """Notes which steps write the search text or put it in place."""

    def __init__(self) -> None:
        super().__init__()
        self.of_text: list[int] = []

    def write(self, fd: int, data: bytes | bytearray, offset: int) -> int:
        if data.startswith((b"agentmail-search", b"SEG\n")):
            self.of_text.append(len(self.steps))
        return super().write(fd, data, offset)

    def replace(self, source: Path, target: Path) -> None:
        if target.name == NAME:
            self.of_text.append(len(self.steps))
        super().replace(source, target)


@pytest.mark.parametrize("torn", [False, True])
def test_a_kill_at_any_step_of_writing_leaves_a_cache_that_finds_everything(
    disk: Path, torn: bool
) -> None:
    counted = FakeCountOfText()
    _work(MailStore.open(disk / "steps", ops=counted))
    stops = [n for n in counted.of_text if counted.steps[n] == "write" or not torn]
    for stop_at in stops:
        folder = disk / f"stop-{stop_at}"

        def work(_tell: Tell, folder: Path = folder, stop_at: int = stop_at) -> None:
            _work(MailStore.open(folder, ops=FakeFileOps(stop_at, kill_myself, torn=torn)))

        Child(work).rest()
        store = MailStore.open(folder)
        assert store.repairs == ()
        items = [item for i in store.ids() if (item := store.item(i))]
        assert store.build_search_text()
        _agree(store, items)
        store.close()
        store = MailStore.open(folder)
        assert store.snapshot().search_ready
        _agree(store, items)
        store.close()
    assert len(stops) > 4


class FakeFullForText(FakeFileOps):
    """A disk with room for everything but the search text."""

    is_full = True

    def write(self, fd: int, data: bytes | bytearray, offset: int) -> int:
        if self.is_full and data.startswith((b"agentmail-search", b"SEG\n")):
            super().write(fd, data[: len(data) // 2], offset)
            refuse()
        return super().write(fd, data, offset)


@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_is_full_for_the_text_costs_nothing_but_the_file(
    disk: Path, begun: bool
) -> None:
    ops = FakeFullForText()
    ops.is_full = not begun
    store = MailStore.open(disk, ops=ops)
    items = _items()
    for start in range(0, SIZE, 430):
        store.put_items(items[start : start + 430])
        assert store.snapshot().search_ready
        ops.is_full = start > 2_500 or not begun
    store.checkpoint()
    _agree(store, items)
    assert not _is_mapped(store)
    assert not (disk / f"{NAME}.new").exists()
    ops.is_full = False
    store.checkpoint()
    assert _is_mapped(store)
    _agree(store, items)
    store.close()


def test_a_reader_beside_a_writer_never_writes_and_keeps_what_it_mapped(
    disk: Path, items: list[InboxItem]
) -> None:
    reader = MailStore.open(disk, read_only=True)
    _agree(reader, items)
    writer = MailStore.open(disk)
    writer.put_items(inbox_item(n) for n in range(9_000, 11_500))
    writer.snapshot()
    writer.compact()
    _agree(reader, items)
    late = MailStore.open(disk, read_only=True)
    content = (disk / NAME).read_bytes()
    (disk / NAME).unlink()
    (disk / NAME).write_bytes(content[:64])
    for store in (reader, late):
        store.checkpoint()
        store.close()
    assert (disk / NAME).read_bytes() == content[:64]
    writer.close()
