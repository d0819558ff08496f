"""Whatever stops the process or the disk: what was acknowledged is there, nothing is halved."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.cache.store import MailStore
from services.errors import CacheError, DiskFull
from tests.fakes.child_process import Child, Tell
from tests.fakes.fake_file_ops import FakeFileOps, kill_myself
from tests.fakes.inbox_items import inbox_item, pages

PAGE = 20


def _put_page(store: MailStore, page: int) -> None:
    with store.transaction():
        store.put_items(inbox_item(n) for n in range(page * PAGE, (page + 1) * PAGE))
        store.set_state("cursor", page)


def _whole_pages(store: MailStore) -> int:
    """Return how many pages are there; fails if one is there in part or the cursor lies."""
    found = set(store.ids())
    count = store.state("cursor", -1) + 1
    assert found == {inbox_item(n).message_id for n in range(count * PAGE)}
    assert len(found) == store.snapshot().counts.total
    return count


@pytest.mark.parametrize("batch", range(10))
def test_twenty_kills_lose_no_acknowledged_page_and_leave_none_in_part(
    disk: Path, batch: int
) -> None:
    """Ten batches: 200 kills."""
    chance = random.Random(batch)
    acknowledged = 0

    def write(tell: Tell) -> None:
        store = MailStore.open(disk)
        page = store.state("cursor", -1)
        while True:
            page += 1
            _put_page(store, page)
            tell(str(page))
            if page % 10 == 0:
                store.compact()

    for _ in range(20):
        child = Child(write)
        for _ in range(chance.randrange(1, 3)):
            acknowledged = int(child.lines.readline())
        for _ in range(chance.randrange(30_000)):
            pass
        acknowledged = max([acknowledged, *map(int, child.kill())])
        store = MailStore.open(disk)
        assert _whole_pages(store) > acknowledged
        assert store.repairs == ()
        store.close()
    assert acknowledged >= 20


# ── a stop at every durable step ─────────────────────────────────────────────────────────────────


STEPS: tuple[Callable[[MailStore], Any], ...] = (
    lambda store: _put_page(store, 0),
    lambda store: _put_page(store, 1),
    lambda store: store.put_items([replace(inbox_item(3), labels=("urgent", "late"))]),
    lambda store: store.remove([inbox_item(5).message_id, inbox_item(6).message_id]),
    lambda store: store.journal_add({"kind": "read", "ids": ["a"]}),
    lambda store: store.journal_update(1, {"sent": True}),
    lambda store: store.checkpoint(),
    lambda store: store.bodies.put(inbox_item(7).message_id, b"x" * 3_000),
    lambda store: store.compact(),
    lambda store: _put_page(store, 2),
    lambda store: store.journal_remove(1),
    lambda store: store.compact(),
    lambda store: store.close(),
)


def _state(store: MailStore) -> tuple[Any, ...]:
    """Everything durable that a store shows (bodies apart: they may be fetched again)."""
    items = [store.item(message_id) for message_id in sorted(store.ids())]
    view = store.snapshot().counts
    return items, store.state("cursor"), store.journal(), view


def _states(folder: Path) -> list[tuple[Any, ...]]:
    store = MailStore.open(folder)
    states = [_state(store)]
    for step in STEPS:
        step(store)
        states.append(_state(store))
    return states


def _stops(folder: Path, *, torn: bool) -> list[int]:
    """Return the numbers of all durable steps, or of those that can be torn: the writes."""
    ops = FakeFileOps()
    store = MailStore.open(folder, ops=ops)
    for step in STEPS:
        step(store)
    return [n for n, name in enumerate(ops.steps) if name == "write" or not torn]


@pytest.mark.parametrize("torn", [False, True])
def test_a_kill_at_any_durable_step_leaves_the_state_before_or_after_it(
    disk: Path, torn: bool
) -> None:
    states = _states(disk / "model")
    stops = _stops(disk / "steps", torn=torn)
    for stop_at in stops:
        folder = disk / f"stop-{stop_at}"

        def work(tell: Tell, folder: Path = folder, stop_at: int = stop_at) -> None:
            store = MailStore.open(folder, ops=FakeFileOps(stop_at, kill_myself, torn=torn))
            for step in STEPS:
                step(store)
                tell("done")

        done = Child(work).rest()
        assert len(done) < len(STEPS)
        store = MailStore.open(folder)
        assert _state(store) in states[len(done) : len(done) + 2], f"stopped at {stop_at}"
        assert store.repairs == ()
        assert store.bodies.get(inbox_item(7).message_id) in (None, b"x" * 3_000)
        store.put_items(pages(1)[0])
        store.close()
    assert len(stops) > 20


@pytest.mark.parametrize("torn", [False, True])
def test_a_disk_that_refuses_any_step_takes_nothing_back_and_leaves_nothing_half(
    disk: Path, torn: bool
) -> None:
    states = _states(disk / "model")
    refused = 0
    for stop_at in _stops(disk / "steps", torn=torn):
        folder = disk / f"stop-{stop_at}"
        try:
            store = MailStore.open(folder, ops=FakeFileOps(stop_at, torn=torn))
        except DiskFull:
            assert not (folder / "mail.log").exists() or len(list(folder.iterdir())) == 2
            continue
        for number, step in enumerate(STEPS):
            try:
                step(store)
            except CacheError:
                refused += 1
                assert _state(store) == states[number]
                break
        store.close()
        again = MailStore.open(folder)
        assert _state(again) in states
        assert again.repairs == ()
        again.close()
    assert refused > 9


def test_a_full_disk_keeps_what_was_saved_and_writing_goes_on_when_there_is_room(
    disk: Path,
) -> None:
    def work(tell: Tell) -> None:
        store = MailStore.open(disk)
        _put_page(store, 0)
        size = (disk / "mail.log").stat().st_size
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size * 3 // 2, hard))
        try:
            _put_page(store, 1)
        except DiskFull as error:
            tell(str(error))
        tell(f"{_whole_pages(store)} page, {(disk / 'mail.log').stat().st_size - size} more")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        _put_page(store, 1)
        tell(f"{_whole_pages(store)} pages")

    told = Child(work).rest()
    assert told[0].startswith("The disk is full: saving mail was not possible. Free some space")
    assert told[1:] == ["1 page, 0 more", "2 pages"]
    store = MailStore.open(disk)
    assert _whole_pages(store) == 2
    store.close()
