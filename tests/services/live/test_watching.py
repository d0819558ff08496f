"""Listening to a service that tells by itself: reconnecting, sleeping, and when to look."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from services.errors import Forbidden, MailError, NotFound, Offline, RateLimited, SignedOut
from services.ports import Capabilities, PushSignal
from services.sync.pace import Pace
from services.sync.poll import Poller
from services.sync.watching import Watcher
from tests.fakes.fake_provider import until

QUICK = replace(
    Pace(), first_retry=0.001, longest_retry=0.002, push_gap=0.0, sleep_look=0.005,
    push_steady=60.0, push_refused=1000.0,
)  # fmt: skip


class FakePush:
    """A provider whose connections end as they are told to."""

    def __init__(self, *ends: MailError | None) -> None:
        self.ends = list(ends)
        self.connections = 0
        self.signals: tuple[PushSignal, ...] = (PushSignal.LISTENING,)
        self.open = 0
        self.capabilities = Capabilities(push=True)

    async def listen(self, tell: Callable[[PushSignal], None]) -> None:
        self.connections += 1
        self.open += 1
        try:
            for signal in self.signals:
                tell(signal)
            if self.ends and (end := self.ends.pop(0)) is not None:
                raise end
            await asyncio.Event().wait()
        finally:
            self.open -= 1


class Clocks:
    """Two clocks; the machine sleeps when only the first goes on."""

    def __init__(self) -> None:
        self.slept = 0.0
        self.reads = 0

    def wall(self) -> float:
        self.reads += 1
        return self.steady() + self.slept

    def steady(self) -> float:
        return asyncio.get_running_loop().time()


class Case:
    """A watcher at work over a provider."""

    def __init__(self, provider: FakePush | None, pace: Pace = QUICK) -> None:
        self.provider = provider
        self.news = 0
        self.clocks = Clocks()
        self.watcher = Watcher(
            lambda: self.provider,  # type: ignore[arg-type, return-value]
            self._count, pace, wall=self.clocks.wall, steady=self.clocks.steady,
        )  # fmt: skip

    def _count(self) -> None:
        self.news += 1

    async def some_time(self) -> None:
        """Let some looks for a sleep go by: each comes later than a next connection would."""
        until_then = self.clocks.reads + 6
        await until(lambda: self.clocks.reads >= until_then)

    async def __aenter__(self) -> Case:
        self.task = asyncio.ensure_future(self.watcher.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_every_new_connection_is_a_reason_to_look() -> None:
    push = FakePush(*[Offline("Cut.")] * 5)
    async with Case(push) as case:
        await until(lambda: push.connections == 6)
        await until(lambda: case.news >= 6)


@pytest.mark.parametrize("error", [Forbidden("No."), SignedOut("Who?"), NotFound("Where?")])
async def test_what_is_not_to_be_had_is_not_asked_for_again_soon(error: MailError) -> None:
    push = FakePush(error)
    async with Case(push) as case:
        await until(lambda: push.connections == 1 and not push.open)
        await case.some_time()
        assert push.connections == 1


async def test_a_new_provider_ends_the_connection_of_the_old_one() -> None:
    old, new = FakePush(), FakePush()
    async with Case(old) as case:
        await until(lambda: old.open)
        case.provider = new
        case.watcher.renew()
        await until(lambda: new.open)
        assert not old.open


async def test_after_no_provider_the_first_one_is_listened_to() -> None:
    async with Case(None) as case:
        await asyncio.sleep(0)
        case.provider = FakePush()
        case.watcher.renew()
        await until(lambda: case.provider and case.provider.open)


async def test_a_provider_without_push_is_left_alone() -> None:
    push = FakePush()
    push.capabilities = Capabilities(push=False)
    async with Case(push) as case:
        await case.some_time()
        assert push.connections == 0


async def test_a_machine_that_has_slept_connects_again_and_looks() -> None:
    push = FakePush()
    async with Case(push) as case:
        await until(lambda: push.open)
        looked = case.news
        case.clocks.slept += 3_600
        await until(lambda: push.connections == 2 and push.open == 1)
        await until(lambda: case.news > looked)


async def test_a_clock_that_is_set_a_little_is_no_sleep() -> None:
    push = FakePush()
    async with Case(push) as case:
        await until(lambda: push.open)
        case.clocks.slept += 5
        await case.some_time()
        assert push.connections == 1


async def test_much_that_comes_at_once_is_one_reason_to_look() -> None:
    push = FakePush()
    push.signals = (PushSignal.LISTENING, *[PushSignal.CHANGED] * 10_000)
    async with Case(push, replace(QUICK, push_gap=1000.0)) as case:
        await until(lambda: push.open)
        assert case.news == 1


async def test_waits_grow_as_long_as_connections_do_not_hold() -> None:
    watcher = Watcher(lambda: None, lambda: None, Pace())
    pauses = [watcher._pause_after(Offline("Cut.")) for _ in range(8)]
    assert all(later > earlier for earlier, later in pairwise(pauses))
    assert pauses[0] >= 0.8 * Pace().first_retry
    watcher._since = watcher._steady() - 61
    assert watcher._pause_after(Offline("Cut.")) <= Pace().first_retry


async def test_a_bug_is_not_taken_for_a_bad_connection() -> None:
    class Buggy(FakePush):
        async def listen(self, tell: Callable[[PushSignal], None]) -> None:
            raise ZeroDivisionError

    async with Case(Buggy()) as case:
        with pytest.raises(ExceptionGroup) as caught:
            await case.task
    assert caught.group_contains(ZeroDivisionError)


async def test_push_does_not_hurry_a_service_that_asked_for_a_pause() -> None:
    class FakeMailbox:
        provider = None
        pace = QUICK

    poller = Poller(FakeMailbox(), None, lambda: 0.0)  # type: ignore[arg-type]
    poller._trouble = RateLimited("Slow down.")
    poller.news()
    assert not poller._wake.is_set()
    poller._trouble = Offline("Away.")
    poller.news()
    assert poller._wake.is_set()
