"""Completion over 100,000 cached messages: answers while it learns, and long after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.outbound.writing.recipients import RecipientIndex
from services.wire_values import InboxItem
from tests.fakes.inbox_items import pages

MESSAGES = 100_000


def best_of(work: Callable[[], object], times: int = 20) -> float:
    """Seconds of the fastest of several runs."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def learn(index: RecipientIndex, store: MailStore) -> tuple[int, float, float]:
    """Learn everything; slices, seconds in all, seconds of the longest slice."""
    snapshot, slices = store.snapshot(), []
    is_done = False
    while not is_done:
        began = time.perf_counter()
        is_done = index.learn_messages(snapshot)
        slices.append(time.perf_counter() - began)
    return len(slices), sum(slices), max(slices)


@pytest.fixture(params=[700, MESSAGES], ids=["700 people", "everybody another"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MailStore]:
    made = MailStore.open(tmp_path / "mail")
    people = request.param
    for page in pages(MESSAGES // 1_000, 1_000):
        made.put_items(_from(item, number, people) for number, item in enumerate(page))
    yield made
    made.close()


def _from(item: InboxItem, number: int, people: int) -> InboxItem:
    if people < MESSAGES:
        return item
    unique = item.message_id.strip("<>").partition(".")[0]
    return InboxItem(
        item.message_id, sender=f"P {unique} <p{unique}@x{number % 50}.example>",
        subject=item.subject, received_at=item.received_at,
    )  # fmt: skip


def test_an_answer_costs_less_than_a_twentieth_of_learning(
    store: MailStore, capsys: pytest.CaptureFixture[str]
) -> None:
    index = RecipientIndex("agent@agents.example")
    count, seconds, longest = learn(index, store)
    texts = ("a", "ad", "ada 69", "nobody at all", "p00001", "example com")
    answers = {text: best_of(lambda text=text: index.suggest(text)) for text in texts}
    slowest = max(answers.values())
    again = best_of(lambda: index.learn_messages(store.snapshot()), 3)
    with capsys.disabled():
        print(
            f"\n{len(index):,} correspondents: {count} slices, {seconds:.2f} s, longest "
            f"{1e3 * longest:.0f} ms; slowest answer {1e3 * slowest:.2f} ms "
            f"({max(answers, key=answers.__getitem__)!r}); nothing new {1e3 * again:.1f} ms"
        )
    assert slowest < seconds / 20
