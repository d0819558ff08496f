"""Four accounts as one against one account with as much mail: opening, filtering, scrolling.

CPU time, as ratios measured in one run, the two taking turns; no row is decoded beforehand. Run with
`pytest tests/bench/test_unified_cost.py -s -o addopts=""`.
"""

from __future__ import annotations

import queue
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from services.cache.snapshot import MailSnapshot
from services.cache.store import MailStore
from services.engine import Engine
from services.events import Event
from services.models import Mailbox, MailFilter
from services.snapshots import Snapshot
from services.unified.engine import AccountEngine, UnifiedEngine
from services.unified.snapshot import UnifiedSnapshot
from services.wire_values import InboxItem
from tests.fakes.fake_provider import FakeRenderer
from tui.first_picture import draw
from widgets.glyphs import glyphs

ACCOUNTS = 4
EACH = 10_000
PAGES, PAGE = 50, 30
ROUNDS = 25
LIMIT = 1.5
NOW = 1_710_000_000.0
NAMES = tuple(f"account{number}" for number in range(ACCOUNTS))


def mail(count: int, seed: int) -> list[InboxItem]:
    """Messages whose dates interleave with those of other seeds, oldest first."""
    random = Random(seed)
    return [
        InboxItem(
            f"m{seed}-{number}",
            sender=f"Sender {number % 97} <s{number % 97}@example.com>",
            subject=f"Subject {number} of {seed}",
            body_preview="a preview of the usual length, as most messages have one or two lines",
            received_at=1_700_000_000 + number * 600 + random.randrange(600),
            labels=("inbox", f"label{number % 5}"),
            is_read=number % 3 > 0,
        )
        for number in range(count)
    ]


def filled(folder: Path, items: list[InboxItem]) -> Path:
    store = MailStore.open(folder)
    for start in range(0, len(items), 5_000):
        store.put_items(items[start : start + 5_000])
    store.compact()
    store.build_search_text()
    store.close()
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Path]]:
    """One account with everything, and four with a quarter each."""
    base = tmp_path_factory.mktemp("unified")
    parts = [mail(EACH, seed) for seed in range(ACCOUNTS)]
    together = sorted((item for part in parts for item in part), key=lambda item: item.received_at)
    one = filled(base / "one", together)
    return one, {name: filled(base / name, part) for name, part in zip(NAMES, parts, strict=True)}


def opened(folders: dict[str, Path]) -> tuple[list[MailStore], Snapshot]:
    stores = {name: MailStore.open(folder) for name, folder in folders.items()}
    parts: dict[str, MailSnapshot] = {name: store.snapshot() for name, store in stores.items()}
    snapshot = UnifiedSnapshot(parts) if len(parts) > 1 else next(iter(parts.values()))
    return list(stores.values()), snapshot


def ratio_of(what: str, one: Callable[[], float], many: Callable[[], float]) -> float:
    """The cost of many over that of one: the median over rounds, in each of which both are next to
    each other, so that a machine that is slower for a while is slower for both.
    """
    rounds = [(one(), many()) for _ in range(ROUNDS)]
    ratio = statistics.median(second / first for first, second in rounds)
    medians = [statistics.median(costs) * 1_000 for costs in zip(*rounds, strict=True)]
    print(f"\n{what}: one {medians[0]:.2f} ms, many {medians[1]:.2f} ms, ratio {ratio:.2f}")
    return ratio


def page_of(snapshot: Snapshot) -> None:
    """Draw the first page, as at the start."""
    drawn = draw(snapshot.select(MailFilter()), (80, PAGE + 2), glyphs(unicode=True), "", NOW)
    assert "Subject" in drawn


def forget_rows(snapshot: Snapshot) -> None:
    """Let no row be known from the round before."""
    parts = snapshot._named.values() if isinstance(snapshot, UnifiedSnapshot) else (snapshot,)
    for part in parts:
        part.reader.row.cache_clear()  # type: ignore[attr-defined]


def test_opening_until_the_first_picture_is_drawn(folders):
    one, many = folders

    def cost(where: dict[str, Path]) -> float:
        started = time.thread_time()
        stores, snapshot = opened(where)
        page_of(snapshot)
        taken = time.thread_time() - started
        for store in stores:
            store.close()
        return taken

    ratio = ratio_of("opening", lambda: cost({"one": one}), lambda: cost(many))
    assert ratio <= LIMIT


def test_an_engine_until_it_has_told_the_cached_mail(folders):
    one, many = folders

    def cost(make: Callable[[Callable[[Event], None]], Engine | UnifiedEngine]) -> float:
        told: queue.SimpleQueue[Event] = queue.SimpleQueue()
        engine = make(told.put)
        started = time.process_time()
        engine.start()
        assert told.get(timeout=30).counts.total == ACCOUNTS * EACH  # type: ignore[union-attr]
        assert engine.snapshot is not None
        page_of(engine.snapshot)
        taken = time.process_time() - started
        engine.stop(30)
        return taken

    def alone(on_event: Callable[[Event], None]) -> Engine:
        return engine_over(one, on_event)

    def together(on_event: Callable[[Event], None]) -> UnifiedEngine:
        engines = [
            AccountEngine(name, folder, partial(engine_over, folder))
            for name, folder in many.items()
        ]
        return UnifiedEngine(engines, on_event)

    ratio = ratio_of("engine", lambda: cost(alone), lambda: cost(together))
    assert ratio <= LIMIT


def engine_over(folder: Path, on_event: Callable[[Event], None], on_session: Any = None) -> Engine:
    return Engine(
        store_folder=folder, provider=None, renderer=FakeRenderer, on_event=on_event,
        on_session=on_session,
    )  # fmt: skip


WANTED = {
    "the inbox": MailFilter(),
    "unread": MailFilter(Mailbox.UNREAD),
    "a label": MailFilter(label="label3"),
    "words": MailFilter(text="subject 77"),
    "words and flags": MailFilter(Mailbox.ALL, text="subject is:unread -label:label2"),
}


@pytest.mark.parametrize("wanted", WANTED.values(), ids=WANTED.keys())
def test_a_filter_and_its_first_page(folders, wanted):
    one, many = folders
    stores_one, snapshot_one = opened({"one": one})
    stores_many, snapshot_many = opened(many)
    for store in (*stores_one, *stores_many):
        store.build_search_text()

    def cost(snapshot: Snapshot) -> float:
        snapshot.select(MailFilter())  # what a search has left behind is dropped
        forget_rows(snapshot)
        started = time.thread_time()
        rows = snapshot.select(wanted)
        for place in range(min(PAGE, len(rows))):
            rows.row(place)
        return time.thread_time() - started

    ratio = ratio_of(str(wanted), lambda: cost(snapshot_one), lambda: cost(snapshot_many))
    assert len(snapshot_one.select(wanted)) == len(snapshot_many.select(wanted))
    for store in (*stores_one, *stores_many):
        store.close()
    assert ratio <= LIMIT


@pytest.mark.parametrize("way", ["page by page", "anywhere"])
def test_scrolling_fifty_pages(folders, way):
    one, many = folders
    stores_one, snapshot_one = opened({"one": one})
    stores_many, snapshot_many = opened(many)
    random = Random(5)
    total = ACCOUNTS * EACH
    starts = [
        number * PAGE if way == "page by page" else random.randrange(total - PAGE)
        for number in range(PAGES)
    ]

    def cost(snapshot: Snapshot) -> float:
        rows = snapshot.select(MailFilter(Mailbox.ALL))
        forget_rows(snapshot)
        started = time.thread_time()
        for start in starts:
            for place in range(start, start + PAGE):
                rows.row(place)
        return time.thread_time() - started

    ratio = ratio_of(f"scrolling {way}", lambda: cost(snapshot_one), lambda: cost(snapshot_many))
    for store in (*stores_one, *stores_many):
        store.close()
    assert ratio <= LIMIT
