"""What the cache costs at 100,000 messages against 1,000: ratios and sizes, measured in one run.

Run it alone: `pytest tests/bench/test_cache_growth.py -s` prints what was measured.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest

from services.cache.store import MailStore
from services.models import Mailbox, MailFilter
from tests.fakes.inbox_items import inbox_item

SMALL, LARGE = 1_000, 100_000
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folders = {}
    for size in (SMALL, LARGE):
        folders[size] = tmp_path_factory.mktemp(str(size))
        store = MailStore.open(folders[size])
        for start in range(0, size, 5_000):
            store.put_items(inbox_item(n) for n in range(start, min(start + 5_000, size)))
        store.compact()
        store.close()
    return folders


@pytest.fixture
def stores(folders: dict[int, Path]) -> Iterator[dict[int, MailStore]]:
    stores = {size: MailStore.open(folder) for size, folder in folders.items()}
    yield stores
    for store in stores.values():
        store.close()


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1_000


def _report(what: str, **values: float) -> None:
    print(f"\n{what}: " + ", ".join(f"{name} {value:.2f}" for name, value in values.items()))


def test_a_page_costs_the_same_in_a_mailbox_of_any_size(stores: dict[int, MailStore]) -> None:
    costs: dict[int, list[float]] = {SMALL: [], LARGE: []}
    gc.disable()
    for page in range(60):
        for size, store in stores.items():
            first = 1_000_000 + 100 * page
            items = [inbox_item(n) for n in range(first, first + 100)]

            def put(store: MailStore = store, items: list = items, page: int = page) -> None:
                with store.transaction():
                    store.put_items(items)
                    store.set_state("cursor", page)
                store.snapshot()

            start = time.perf_counter()
            put()
            costs[size].append((time.perf_counter() - start) * 1_000)
    gc.enable()
    small, large = median(costs[SMALL]), median(costs[LARGE])
    _report("page of 100 with cursor and snapshot, ms", small=small, large=large)
    assert large / small <= 1.3


def test_opening_reads_no_documents(folders: dict[int, Path]) -> None:
    costs: dict[int, list[float]] = {SMALL: [], LARGE: []}
    for _ in range(7):
        for size, folder in folders.items():

            def open_and_show(folder: Path = folder) -> None:
                store = MailStore.open(folder, read_only=True)
                view = store.snapshot().select(MailFilter())
                for position in range(24):
                    view.row(position)

            costs[size].append(_cpu(open_and_show))
    small, large = median(costs[SMALL]), median(costs[LARGE])
    documents = (folders[LARGE] / "mail.log").stat().st_size / 1e6
    _report("open and first 24 rows, CPU ms", small=small, large=large, log_mb=documents)
    # A hundred times the messages, and still less than 150 µs of work for a thousand of them.
    assert large - small < 100
    assert large / small < 15


def test_a_key_of_the_filter_costs_less_than_a_frame_of_work(
    stores: dict[int, MailStore],
) -> None:
    store = stores[LARGE]
    prove = _cpu(store.build_search_text)
    snapshot = store.snapshot()
    assert snapshot.search_ready
    costs = {}
    for typed in ("invoice", "zanzibar", "from:ada.69", "meeting rev", "is:unread"):
        for length in range(1, len(typed) + 1):
            wanted = MailFilter(Mailbox.ALL, text=typed[:length])
            costs[typed[:length]] = _cpu(lambda wanted=wanted: snapshot.select(wanted))
    # The same work as one plain look for a word that is nowhere, as a yardstick of the machine.
    text = "".join(segment.text for segment in snapshot._search.segments)
    plain = median(_cpu(lambda: text.find("qqq")) for _ in range(5))
    worst = max(costs, key=lambda typed: costs[typed])
    _report(
        f"filter, CPU ms (worst: {worst})", prove=prove, median=median(costs.values()),
        worst=costs[worst], plain_find=plain, mb=len(text) / 1e6,
    )  # fmt: skip
    assert median(costs.values()) / plain < 6


def _reader(folders: dict[int, Path]) -> MailStore:
    return MailStore.open(folders[LARGE], read_only=True)


def test_the_first_key_after_opening_costs_a_look_and_no_building(
    folders: dict[int, Path],
) -> None:
    costs: dict[str, list[float]] = {"open": [], "first": [], "plain": []}
    for _ in range(5):
        stores: list[MailStore] = []
        costs["open"].append(_cpu(lambda kept=stores: kept.append(_reader(folders))))
        snapshot = stores[0].snapshot()
        assert snapshot.search_ready
        costs["first"].append(
            _cpu(lambda seen=snapshot: seen.select(MailFilter(Mailbox.ALL, text="i")))
        )
        text = "".join(segment.text for segment in snapshot._search.segments)
        costs["plain"].append(_cpu(lambda text=text: text.find("qqq")))
    middle = {name: median(values) for name, values in costs.items()}
    _report("reopened, CPU ms", **middle)
    # Folding 100,000 messages again costs some sixty plain looks.
    assert middle["first"] / middle["plain"] < 12


def test_keeping_the_search_text_is_a_small_part_of_writing_a_page(tmp_path: Path) -> None:
    items = [inbox_item(n) for n in range(20_000)]
    costs: dict[str, list[float]] = {"kept": [], "not kept": []}
    for round_ in range(3):
        for name, values in costs.items():
            store = MailStore.open(tmp_path / f"{name} {round_}")
            if name == "not kept":
                store._log.index.on_text = None

            def write(store: MailStore = store) -> None:
                for start in range(0, len(items), 100):
                    with store.transaction():
                        store.put_items(items[start : start + 100])
                        store.set_state("cursor", start)

            values.append(_cpu(write) + _cpu(store.snapshot))
            store.close()
    kept, without = min(costs["kept"]), min(costs["not kept"])
    _report("20,000 messages, CPU ms", kept=kept, without=without, ratio=kept / without)
    assert kept / without < 1.35


MEASURE = """
import sys
from pathlib import Path
def pss():
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
import services.cache.store
from services.models import MailFilter
before = pss()
store = services.cache.store.MailStore.open(Path(sys.argv[1]))
snapshot = store.snapshot()
view = snapshot.select(MailFilter())
rows = [view.row(position) for position in range(500)]
opened = pss()
found = len(store.snapshot().select(MailFilter(text="invoice")))
searched = pss()
store.snapshot().select(MailFilter())
print(before, opened, searched, pss())
"""


def test_memory_at_a_hundred_thousand_is_an_index_and_not_the_mail(
    folders: dict[int, Path],
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folders[LARGE])],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    before, opened, searched, left = map(float, told.stdout.split())
    _report(
        "PSS, MB", imports=before, opened=opened - before, searched=searched - before,
        left=left - before,
    )  # fmt: skip
    assert opened - before < 25
    # The mapped text counts while it is looked through, and is given back afterwards.
    assert left - before < 25
    assert searched - before < 70
