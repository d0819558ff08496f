"""The outgoing store at 10,000 entries against 100, and 200 kills: measured in one run.

Run it alone: `pytest tests/bench/test_outbound_store_growth.py -s` prints what was measured.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median

import pytest

from services.draft import Draft, Encryption
from services.outbound.drafts.draft_store import Drafts
from services.outbound.log.audit import AUDIT_FILE, AuditLog
from services.outbound.log.sealed_documents import KeychainSealer
from services.outbound.log.store import OUTBOX, OutboundStore
from tests.fakes.openpgp_keys import person
from tests.fakes.operators import operator, own_key
from tests.fakes.outbound_work import check, kill_a_writer

SMALL, LARGE = 100, 10_000


def _seconds(work: Callable[[], object], times: int = 1) -> float:
    took = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        took.append(time.perf_counter() - start)
    return median(took)


def _report(what: str, **values: float) -> None:
    told = ", ".join(f"{name} {value * 1_000:.2f} ms" for name, value in values.items())
    print(f"\n{what}: {told}")


def _filled(folder: Path, size: int) -> OutboundStore:
    store = OutboundStore.open(folder)
    drafts = Drafts(store)
    with store.transaction():
        for n in range(size):
            store.put(OUTBOX, f"entry {n}", {"state": "sent", "to": f"a{n}@x.example", "n": n})
        for n in range(size):
            drafts.save(replace(Draft.begin(), subject=f"subject {n}", body="words " * 200))
    return store


@pytest.mark.timeout(600)
def test_a_save_costs_the_same_beside_ten_thousand_entries(tmp_path: Path) -> None:
    saves = {size: _costs(tmp_path / str(size), size) for size in (SMALL, LARGE)}
    assert saves[LARGE] < 3 * saves[SMALL]


def _costs(folder: Path, size: int) -> float:
    store = _filled(folder, size)
    audit = AuditLog(folder / AUDIT_FILE, store)
    drafts = Drafts(store)
    draft = drafts.save(replace(Draft.begin(), body="0"))
    texts = count()
    save = _seconds(lambda: drafts.save(replace(draft, body=f"text {next(texts)}")), 60)
    _report(
        f"{size} drafts and {size} entries",
        save=save,
        record=_seconds(lambda: audit.record("a", "b"), 60),
        rows=_seconds(drafts.rows),
        known=_seconds(drafts.every, 5),
        all=_seconds(lambda: list(store.all(OUTBOX))),
        open=_seconds(lambda: OutboundStore.open(folder).close()),
    )
    store.close()
    return save


async def test_an_autosave_that_seals_is_far_from_the_two_seconds_it_has(
    sandbox: object, tmp_path: Path
) -> None:
    me = operator(sandbox, tmp_path)  # type: ignore[arg-type]
    me.chain.own_keys.keep(own_key(person()))
    store = OutboundStore.open(tmp_path)
    drafts = Drafts(store, KeychainSealer(me.chain))
    draft = drafts.save(replace(Draft.begin(), body="0", encryption=Encryption.REQUIRED))
    texts = iter("abcdefghijklmnop")
    sealed = _seconds(lambda: drafts.save(replace(draft, body=next(texts) * 20_000)), 10)
    clear = replace(Draft.begin(), body="0")
    plain = _seconds(lambda: drafts.save(replace(clear, body=f"{time.time()}" * 1_000)), 10)
    await me.chain.unlock(None)
    opened = _seconds(lambda: drafts.get(draft.draft_id), 10)
    _report("20 KB", sealed=sealed, plain=plain, opened=opened)
    store.close()
    await me.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("batch", range(10))
def test_twenty_kills_at_random_lose_nothing_and_double_nothing(disk: Path, batch: int) -> None:
    """Ten batches: 200 kills."""
    chance = random.Random(1_000 + batch)
    acknowledged = 0
    for _ in range(20):
        acknowledged = max(acknowledged, kill_a_writer(disk, "ann", chance))
        check(disk, "ann", acknowledged)
    assert acknowledged >= 20
