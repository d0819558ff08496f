"""Work on thousands of things, a few of them at the same time, in the order in which they are found.

Closes three traps: all of them begun at once, work that goes on behind the failure that ends it, and a
list that has to be read to its end before the first of it is worked on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def each(found: Iterable[T]) -> AsyncGenerator[T]:
    """Yield what is found already."""
    for one in found:
        yield one


async def several_at_once(
    count: int, found: AsyncGenerator[T], work: Callable[[T], Awaitable[None]]
) -> None:
    """Do the work for each that is found, `count` at a time; the first failure ends all of it."""
    turn = asyncio.Lock()

    async def go_on() -> None:
        while True:
            async with turn:
                try:
                    one = await anext(found)
                except StopAsyncIteration:
                    return
            await work(one)

    async with aclosing(found):
        workers = [asyncio.ensure_future(go_on()) for _ in range(count)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
