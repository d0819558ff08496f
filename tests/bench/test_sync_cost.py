"""What one page of sync costs, in CPU time, beside a small and a large cached mailbox.

Run with `pytest tests/bench/test_sync_cost.py -s -o addopts=""`.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from pathlib import Path

from services.cache.store import MailStore
from services.sync.mailbox import Mailbox
from services.wire_values import InboxPage
from tests.fakes.fake_provider import FakeProvider, items

PAGES = 8
ROUNDS = 9
SIZES = (1_000, 100_000)


class NewMail(FakeProvider):
    """Keeps no mailbox: answers with pages that were made before the clock runs."""

    def __init__(self, start: int) -> None:
        super().__init__()
        self._next = start
        self._ready: list[InboxPage] = []

    def make_pages(self) -> None:
        for left in range(PAGES, 0, -1):
            content = tuple(items(100, start=self._next))
            self._next += 100
            self._ready.append(InboxPage(content, str(self._next) if left > 1 else None))

    def _page(self, limit: int, cursor: str | None, q: str | None) -> InboxPage:
        return self._ready.pop(0)


def mailbox_of(folder: Path, size: int) -> tuple[Mailbox, NewMail]:
    store = MailStore.open(folder)
    for start in range(0, size, 10_000):
        store.put_items(items(min(10_000, size - start), start=start))
    store.compact()
    provider = NewMail(size)
    return Mailbox(store, provider, None), provider


async def cost_of_pages(mailbox: Mailbox, provider: NewMail) -> float:
    """CPU milliseconds for one page, its commit and a published snapshot for every eight."""
    provider.make_pages()
    mailbox._walker.forget()
    started = time.process_time()
    await mailbox._walker.resume(provider)
    mailbox.report.flush()
    return (time.process_time() - started) * 1_000 / PAGES


def test_a_page_costs_the_same_beside_1_000_and_100_000_messages(tmp_path):
    made = {size: mailbox_of(tmp_path / str(size), size) for size in SIZES}

    async def rounds() -> dict[int, list[float]]:
        costs: dict[int, list[float]] = {size: [] for size in SIZES}
        for _ in range(ROUNDS):
            for size in SIZES:
                costs[size].append(await cost_of_pages(*made[size]))
        return costs

    costs = asyncio.run(rounds())
    medians = {size: statistics.median(values) for size, values in costs.items()}
    ratio = medians[100_000] / medians[1_000]
    print(f"\nCPU ms a page: {medians}, ratio {ratio:.2f}")
    assert ratio <= 1.3
