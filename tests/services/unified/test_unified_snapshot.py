"""Merged lists against the same lists sorted by hand; ids that name their account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from services.cache.store import MailStore
from services.models import Mailbox, MailFilter, SyncPhase, SyncState
from services.safe_text import ui
from services.unified.ids import by_account, join_id, split_id
from services.unified.snapshot import BLOCK, UnifiedSnapshot
from services.unified.states import joined
from services.wire_values import InboxItem
from tests.fakes.no_wait_disk import FakeDisk

ALL = MailFilter(Mailbox.ALL)
Stores = Callable[[dict[str, list[int]]], dict[str, MailStore]]


@pytest.fixture
def stores(disk: Path) -> Iterator[Stores]:
    """Stores by account, with messages of these dates."""
    made: list[MailStore] = []

    def fill(dates: dict[str, list[int]]) -> dict[str, MailStore]:
        found = {}
        for name, times in dates.items():
            store = found[name] = MailStore.open(disk / name, ops=FakeDisk())
            made.append(store)
            store.put_items(
                InboxItem(f"m{n}", sender="a@b.example", subject=f"{name} {n}", received_at=time)
                for n, time in enumerate(times)
            )
        return found

    yield fill
    for store in made:
        store.close()


def together(stores: dict[str, MailStore]) -> UnifiedSnapshot:
    return UnifiedSnapshot({name: store.snapshot() for name, store in stores.items()})


def by_hand(stores: dict[str, MailStore]) -> list[str]:
    """All rows, newest first; equal dates by account, then as the account has them."""
    found = []
    for rank, (name, store) in enumerate(stores.items()):
        rows = store.snapshot().select(ALL)
        for place in range(len(rows)):
            row = rows.row(place)
            found.append((-row.received_at, rank, place, join_id(name, row.message_id)))
    return [message_id for *_, message_id in sorted(found)]


KINDS = {
    "spread": (lambda random: random.randrange(10**9), (700, 700, 700, 700)),
    "many equal dates": (lambda random: random.randrange(40), (500, 300, 800)),
    "all at one moment": (lambda _: 7, (200, 0, 300)),
    "one after the other": (lambda random: random.randrange(10), (90, 90)),
    "very unequal": (lambda random: random.randrange(10**6), (1_500, 1, 0, 3)),
    "before the epoch": (lambda random: random.randrange(-(10**6), 10**6), (300, 300)),
}


@pytest.mark.parametrize(("date", "sizes"), KINDS.values(), ids=KINDS.keys())
def test_every_place_is_where_sorting_puts_it(stores, date, sizes):
    random = Random(3)
    dates = {f"a{n}": [date(random) for _ in range(size)] for n, size in enumerate(sizes)}
    made = stores(dates)
    expected, rows = by_hand(made), together(made).select(ALL)
    assert len(rows) == len(expected) == sum(sizes)
    # Jumps first, then all in order: both ways to find a place.
    for place in random.sample(range(len(expected)), min(300, len(expected))):
        assert rows.message_id(place) == expected[place]
    fresh = together(made).select(ALL)
    assert [fresh.message_id(place) for place in range(len(fresh))] == expected
    for place in random.sample(range(len(expected)), min(300, len(expected))):
        assert fresh.position_of(expected[place]) == place
        assert fresh.row(place).message_id == expected[place]


def test_places_outside_are_refused(stores):
    rows = together(stores({"a": [1, 2], "b": [3]})).select(ALL)
    for place in (-1, 3, 10**9):
        with pytest.raises(IndexError):
            rows.row(place)
    assert rows.position_of("a\x1funknown") is None
    assert rows.position_of("unknown\x1fm0") is None
    assert rows.position_of("m0") is None
    assert together(stores({"c": [], "d": []})).select(ALL).position_of("c\x1fm0") is None


def test_nothing_is_read_of_rows_that_nobody_looks_at(stores):
    made = stores({name: list(range(0, 4_000, 2)) for name in ("a", "b", "c")})
    snapshot = together(made)
    rows = snapshot.select(ALL)
    rows.row(3_000)
    read = [part.reader.row.cache_info().currsize for part in snapshot._named.values()]
    assert sum(read) == 1
    assert len(rows._blocks) == 1
    assert len(rows._blocks[3_000 // BLOCK]) == BLOCK


def test_a_picture_stays_as_it_was_taken(stores):
    made = stores({"a": [1, 3], "b": [2]})
    before = together(made)
    made["b"].put_items([InboxItem("new", received_at=9, subject="later")])
    made["a"].remove(["m0"])
    assert before.counts.total == 3
    assert len(before.select(ALL)) == 3
    after = together(made)
    assert after.select(ALL).message_id(0) == join_id("b", "new")
    assert after.counts.total == 3


@pytest.mark.parametrize(
    "own_id", ["", "plain", "\x1f", "a\x1fb", "work\x1f\x1f", "\udcff", "x" * 1_000],
    ids=["empty", "plain", "separator", "inside", "imitation", "no text", "long"],
)  # fmt: skip
def test_an_id_keeps_its_account_whatever_it_holds(own_id):
    assert split_id(join_id("work", own_id)) == ("work", own_id)
    assert by_account((join_id("a", own_id), join_id("b", own_id))) == {
        "a": (own_id,),
        "b": (own_id,),
    }


def state(phase: SyncPhase, **fields: int) -> SyncState:
    return SyncState(phase, sentence=ui("told"), **fields)


STATES = {
    "all well": (["SYNCED", "SYNCED"], "SYNCED", ""),
    "one still walks": (["SYNCED", "SYNCING"], "SYNCING", ""),
    "one begins": (["SYNCED", "OFFLINE_START"], "OFFLINE_START", ""),
    "one is signed out": (["SYNCED", "SIGNED_OUT"], "PARTLY", "b signed out"),
    "two in different trouble": (["OFFLINE", "FAILED"], "PARTLY", "a offline · b cannot sync"),
    "all offline": (["OFFLINE", "OFFLINE"], "OFFLINE", "told"),
    "all read only": (["READ_ONLY", "READ_ONLY"], "READ_ONLY", "told"),
    "one is read only": (["READ_ONLY", "SYNCING"], "PARTLY", "a read only"),
}


@pytest.mark.parametrize(("phases", "phase", "sentence"), STATES.values(), ids=STATES.keys())
def test_no_state_of_one_account_hides_anothers(phases, phase, sentence):
    states = {
        name: state(SyncPhase[one], waiting=2, fetched=5, synced_at=at, since=at)
        for name, one, at in zip("ab", phases, (100, 200), strict=True)
    }
    told = joined(states)
    assert told.phase is SyncPhase[phase]
    if told.phase is not SyncPhase.SYNCED:
        assert told.sentence == sentence
    assert told.waiting == 4
    assert told.synced_at == 100


def test_a_look_at_one_account_is_a_look_at_all_of_them():
    well, looking = SyncState(SyncPhase.SYNCED), SyncState(SyncPhase.SYNCED, looking=True)
    assert not joined({"a": well, "b": well}).looking
    assert joined({"a": well, "b": looking}).looking
