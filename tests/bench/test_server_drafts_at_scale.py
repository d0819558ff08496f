"""10,000 drafts on AgentMail.to: the first soon, the rest several at once, and then hardly any work.

Run with `pytest tests/bench/test_server_drafts_at_scale.py -s --timeout=900`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.config import Account
from services.outbound.approvals import server_drafts
from services.outbound.office import Office
from services.outbound.server_desk import server_drafts_of
from services.policy_config import Policy
from tests.fakes.scripted_service import FakeService
from tests.services.outbound.office_stage import FakeLender
from tests.services.outbound.server_draft_room import Room
from tests.services.outbound.server_shelf import Shelf, draft

ADDRESS = "a@agentmail.to"
COUNT = 10_000
FAR = 0.05
"""Seconds that an answer takes from a service far away."""


class FarService(FakeService):
    """A service that answers as late as one on another continent."""

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(FAR)
        return await super()._one(reader, writer)


@pytest.fixture
async def open_room(tmp_path: Path) -> AsyncIterator[Callable[[FakeService], Any]]:
    offices: list[tuple[Office, AgentMailToClient]] = []

    async def opening(service: FakeService) -> Room:
        client = AgentMailToClient(f"{service.url}/v0/", "k" * 20, ADDRESS)
        account = Account("swarm", "agentmail.to", f"{service.url}/v0", address=ADDRESS,
                          policy=Policy(oversight="o@x.example"))  # fmt: skip
        folder = tmp_path / str(len(offices))
        folder.mkdir()
        office = await Office.open(account, folder, FakeLender(client, None))
        offices.append((office, client))
        return Room(office, server_drafts_of(office))

    yield opening
    for office, client in offices:
        await office.close()
        await client.aclose()


def shelf(count: int) -> Shelf:
    people = (f"p{n % 500}@outside{n % 50}.example" for n in range(count))
    return Shelf(
        draft(f"d{n:05}", subject=f"Number {n}", to=[to], text="Some words. " * 80)
        for n, to in enumerate(people)
    )


def first_waits(office: Office) -> None:
    """Return once something waits for a decision."""
    while not office.proposals.waiting():
        time.sleep(0.01)


async def timed(work: Any) -> float:
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


async def test_several_at_once_over_a_long_way(open_room: Any, monkeypatch: Any) -> None:
    took = {}
    for at_once in (1, server_drafts.AT_ONCE):
        monkeypatch.setattr(server_drafts, "AT_ONCE", at_once)
        async with FarService(script=shelf(200)) as service:
            room = await open_room(service)
            took[at_once] = await timed(room.look())
    one, several = took.values()
    print(f"\n200 drafts at {FAR * 1000:.0f} ms: one by one {one:.1f} s, together {several:.1f} s")
    assert several < one / 2


async def test_ten_thousand_drafts(open_room: Any) -> None:
    async with FakeService(script=shelf(COUNT)) as service:
        room = await open_room(service)
        looking = asyncio.ensure_future(room.look())
        begun = time.perf_counter()
        first = await timed(asyncio.to_thread(first_waits, room.office))
        await looking
        whole = time.perf_counter() - begun
        again = await timed(room.look())
        listed = await timed(asyncio.to_thread(room.office.proposals.rows))
        told = await timed(asyncio.to_thread(room.office.proposals.rows))
    size = (room.office.folder / "outbound" / "outbound.log").stat().st_size
    print(
        f"\n{COUNT:,} drafts: the first after {first * 1000:.0f} ms, all after {whole:.0f} s; looking"
        f" again {again * 1000:.0f} ms; the list {listed * 1000:.0f} ms, once more"
        f" {told * 1000:.0f} ms; {size / 1e6:.0f} MB"
    )
    assert len(room.rows) == COUNT
    assert first < whole / 100
    assert again < whole / 20
    assert told < listed / 2
