"""Work in a thread: told seldom, stopped when it is not wanted any more."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from services.errors import DiskFull
from services.progress import EVERY_SECONDS, Meter, Told, in_thread


def test_progress_is_told_first_last_and_not_too_often() -> None:
    now = [0.0]
    told: list[int] = []
    meter = Meter(told.append, 100, lambda: now[0])
    for done in range(101):
        now[0] += EVERY_SECONDS / 10
        meter(done)
    assert told[0] == 0
    assert told[-1] == 100
    assert 10 <= len(told) <= 13


async def test_a_result_and_an_error_come_out_of_the_thread() -> None:
    main = threading.get_ident()
    told: list[tuple[int, int]] = []

    def work(progress: Told) -> int:
        progress(7)
        return threading.get_ident()

    assert await in_thread(work, lambda done: told.append((done, threading.get_ident()))) != main
    await asyncio.sleep(0)
    assert told == [(7, main)]

    def fails(_: Told) -> None:
        raise DiskFull("The disk is full.")

    with pytest.raises(DiskFull):
        await in_thread(fails)


async def test_cancelling_waits_until_the_thread_has_cleaned_up(tmp_path: Path) -> None:
    begun = asyncio.Event()
    half = tmp_path / "half"

    def work(progress: Told) -> None:
        half.write_text("x")
        try:
            while True:
                progress(1)
        finally:
            half.unlink()

    task = asyncio.ensure_future(in_thread(work, lambda _: begun.set()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not half.exists()


async def test_cancelling_it_again_and_again_does_not_leave_the_thread_behind() -> None:
    begun, may_end = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    ended: list[bool] = []

    def work(_: Told) -> None:
        loop.call_soon_threadsafe(begun.set)
        may_end.wait()
        ended.append(True)

    task = asyncio.ensure_future(in_thread(work))
    await begun.wait()
    still_waits = []
    for _ in range(3):
        task.cancel()
        await asyncio.wait((task,), timeout=0)
        still_waits.append(not task.done())
    may_end.set()
    assert still_waits == [True] * 3
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
