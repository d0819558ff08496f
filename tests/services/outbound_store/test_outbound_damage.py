"""Damage on the disk: told, kept aside, and never met as if nothing had been there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.errors import CacheDamaged, CacheError, DiskFull
from services.outbound.log.store import DAMAGED, DRAFTS, STATE, OutboundStore
from tests.fakes.fake_file_ops import FakeFileOps


@pytest.fixture
def store(disk: Path) -> Iterator[OutboundStore]:
    made = OutboundStore.open(disk)
    yield made
    made.close()


def _log(disk: Path) -> Path:
    return disk / "outbound" / "outbound.log"


def test_a_write_that_was_cut_short_is_dropped_in_silence(disk: Path, store: OutboundStore) -> None:
    store.put(DRAFTS, "a", {"n": 1})
    with _log(disk).open("ab") as file:
        file.write(b'drafts\t5\t{"k":"b","d"')
    again = OutboundStore.open(disk)
    assert again.repairs == ()
    again.put(DRAFTS, "c", {"n": 3})
    store.refresh()
    assert [key for key, _ in store.all(DRAFTS)] == ["a", "c"]
    again.close()


def test_damage_is_kept_aside_and_told_and_noted_for_the_outbox(
    disk: Path, store: OutboundStore
) -> None:
    for key in ("first", "second", "third"):
        store.put(DRAFTS, key, {"text": key})
    data = bytearray(_log(disk).read_bytes())
    data[data.index(b'"second"') + 3] ^= 0x10
    _log(disk).write_bytes(data)
    again = OutboundStore.open(disk)
    assert [key for key, _ in again.all(DRAFTS)] == ["first", "third"]
    assert again.get(STATE, DAMAGED) == {}
    assert "kept as outbound.log.damaged-1" in again.repairs[0]
    again.put(DRAFTS, "fourth", {})
    again.close()
    once_more = OutboundStore.open(disk)
    assert once_more.repairs == ()
    assert once_more.count(DRAFTS) == 3
    assert len(list((disk / "outbound").glob("*.damaged-*"))) == 1
    once_more.close()


def test_a_file_that_is_no_log_is_kept_aside_and_a_newer_one_is_left_alone(disk: Path) -> None:
    (disk / "outbound").mkdir()
    _log(disk).write_bytes(b"something else" * 20)
    store = OutboundStore.open(disk)
    assert "kept as outbound.log.damaged-1" in store.repairs[0]
    store.close()
    newer = _log(disk).read_bytes().replace(b"agentmail-log 1", b"agentmail-log 2")
    _log(disk).write_bytes(newer)
    with pytest.raises(CacheError, match="newer version"):
        OutboundStore.open(disk)
    assert _log(disk).read_bytes() == newer


@pytest.mark.parametrize("seed", range(20))
def test_no_damage_of_any_bytes_stops_the_store_or_shows_what_was_never_saved(
    disk: Path, seed: int
) -> None:
    store = OutboundStore.open(disk)
    saved = {f"key {n}": {"text": "words " * n} for n in range(30)}
    for key, document in saved.items():
        store.put(DRAFTS, key, document)
    store.close()
    chance = random.Random(seed)
    data = bytearray(_log(disk).read_bytes())
    for _ in range(chance.randrange(1, 8)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    _log(disk).write_bytes(data[: chance.randrange(len(data) // 2, len(data) + 1)])
    again = OutboundStore.open(disk)
    found = dict(again.all(DRAFTS))
    assert all(saved[key] == document for key, document in found.items())
    again.put(DRAFTS, "new", {})
    again.close()


def test_a_record_that_cannot_be_read_is_an_error_and_not_a_missing_one(
    disk: Path, store: OutboundStore
) -> None:
    store.put(DRAFTS, "a", {"text": "words"})
    data = _log(disk).read_bytes()
    with _log(disk).open("r+b") as file:
        file.seek(data.index(b'{"k"'))
        file.write(b"xxxx")
    with pytest.raises(CacheDamaged):
        store.get(DRAFTS, "a")


def test_a_log_that_cannot_be_opened_is_an_error_for_a_person(disk: Path) -> None:
    (disk / "outbound" / "outbound.log").mkdir(parents=True)
    with pytest.raises(CacheError, match="The local cache failed"):
        OutboundStore.open(disk)
    (disk / "file").write_text("")
    with pytest.raises(CacheError, match="cannot be used"):
        OutboundStore.open(disk / "file")


def test_a_log_that_is_removed_or_spoilt_under_an_open_store_is_told(
    disk: Path, store: OutboundStore
) -> None:
    store.put(DRAFTS, "a", {"n": 1})
    aside = disk / "aside"
    _log(disk).rename(aside)
    with pytest.raises(CacheError, match="cannot be read"):
        store.put(DRAFTS, "a", {"n": 2})
    assert store.get(DRAFTS, "a") == {"n": 1}
    _log(disk).write_bytes(b"spoilt")
    with pytest.raises(CacheDamaged, match="Start the program again"):
        store.refresh()
    aside.replace(_log(disk))
    store.put(DRAFTS, "a", {"n": 3})
    assert store.get(DRAFTS, "a") == {"n": 3}


def test_a_full_disk_is_told_and_takes_nothing_back(disk: Path) -> None:
    OutboundStore.open(disk).close()
    ops = FakeFileOps()
    store = OutboundStore.open(disk, ops)
    store.put(DRAFTS, "a", {"n": 1})
    ops.stop_at = len(ops.steps)
    with pytest.raises(DiskFull, match="disk is full"):
        store.put(DRAFTS, "a", {"n": 2})
    assert store.get(DRAFTS, "a") == {"n": 1}
    store.put(DRAFTS, "a", {"n": 3})
    assert store.get(DRAFTS, "a") == {"n": 3}
    store.close()
