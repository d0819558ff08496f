"""What a sample mail costs in processor time: about the same in a small and a large mailbox."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.sandbox.samples import fill, mails
from services.sandbox.store import Store

_NOW = 1_795_269_900.0


def _made(count: int) -> float:
    start = time.process_time()
    for _ in mails(count, address="ops-bot@agents.example.com", now=_NOW):
        pass
    return (time.process_time() - start) / count


def _made_and_stored(folder: Path, count: int) -> float:
    store = Store(folder, durable=False)
    store.add_agent("ops-bot")
    start = time.process_time()
    fill(store, "ops-bot", count, now=_NOW)
    spent = time.process_time() - start
    store.close()
    return spent / count


def _compare(what: str, cost: Callable[[int], float], capsys: pytest.CaptureFixture[str]) -> float:
    cost(200)
    small = min(cost(1_000) for _ in range(3))
    large = cost(20_000)
    with capsys.disabled():
        print(
            f"\n{what}: {small * 1e6:.0f} µs a mail at 1,000, {large * 1e6:.0f} µs at 20,000, "
            f"ratio {large / small:.2f}; 100,000 at that rate: {large * 1e5:.0f} s"
        )
    return large / small


def test_making_a_mail_costs_the_same_at_1_000_and_at_20_000(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _compare("made", _made, capsys) <= 1.2


def test_making_and_storing_a_mail_costs_about_the_same_at_1_000_and_at_20_000(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    # The search index merges its parts as it grows, hence the wider bound.
    def cost(count: int) -> float:
        return _made_and_stored(tmp_path_factory.mktemp("store"), count)

    assert _compare("made and stored", cost, capsys) <= 1.6
