"""What the disk is asked for has happened, or has not, when whoever asked was cancelled."""

from __future__ import annotations

import asyncio
import threading

import pytest

from services.outbound.approvals.several_at_once import each, several_at_once
from services.outbound.outbox.outbox_contents import durable


async def test_several_that_are_given_up_leave_no_change_to_the_disk_behind() -> None:
    """One of them is over at once; the other is at the disk."""
    at_disk, goes_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    kept: list[int] = []

    def keep(number: int) -> None:
        loop.call_soon_threadsafe(at_disk.set)
        goes_on.wait()
        kept.append(number)

    async def work(number: int) -> None:
        if number:
            await durable(lambda: keep(number))
        await asyncio.Event().wait()

    working = asyncio.ensure_future(several_at_once(2, each([0, 1]), work))
    await at_disk.wait()
    working.cancel()
    await asyncio.wait((working,), timeout=0.0)
    was_over = working.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert (was_over, kept) == (False, [1])
