"""The outbound side of a window that is closed at an unhappy moment: it ends all the same."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from services import posting
from services.boundary import Boundary
from services.events import Event
from services.outbound_events import CountOutbound, OutboundRequest
from services.posting import Posting
from tests.fakes.fake_provider import until
from tests.patience import PATIENCE


class FakeOutgoing:
    """Answers nothing, sends nothing."""

    is_closed = False

    async def answer(self, request_id: int, request: OutboundRequest) -> None:
        return

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self, seconds: float) -> None:
        self.is_closed = True


class Held:
    """Opens the outbound side in a thread, when it is let."""

    def __init__(self) -> None:
        self.outgoing = FakeOutgoing()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self) -> Any:
        self.begun.set()
        self.may_end.wait(PATIENCE)
        return self.outgoing


async def test_what_is_closed_while_it_is_being_opened_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(posting, "LOOK_AFTER", 0)
    told: list[Event] = []
    make = Held()
    one = Posting(make, (), Boundary(told.append))
    one.start()
    answering = asyncio.create_task(one.answer(1, CountOutbound()))
    await until(make.begun.is_set)
    closing = asyncio.create_task(one.close(1.0))
    # Both wait for the end of the opening now, and so does what will send.
    await until(lambda: len(one._opening._waiters or ()) == 1)
    make.may_end.set()
    await asyncio.gather(answering, closing)
    assert make.outgoing.is_closed
    assert told == []
