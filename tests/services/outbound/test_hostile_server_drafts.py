"""Drafts of AgentMail.to that are made to be in the way: odd ids, files without end, thousands of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from services.outbound.approvals import server_drafts, server_files
from services.outbound_models import OutboxState
from services.service_config import SendProfile
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeService, FakeSleep, answer
from tests.services.outbound.conftest import Party
from tests.services.outbound.server_draft_room import Server, opened
from tests.services.outbound.server_shelf import WHEN, Shelf, draft, reach
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    await made.close()


@pytest.mark.parametrize("odd", ["..", ".", "a\nb", "\x1b[2J", "\ud800"], ids=ascii)
async def test_a_draft_whose_id_cannot_be_asked_for_hides_no_other(
    stage: V0Stage, odd: str
) -> None:
    async with FakeService(script=Shelf([draft(odd), draft("d1")])) as service:
        await reach(stage, service)
        room = await opened(stage)
        told = await room.look()
        assert [str(row.subject) for row in room.rows] == ["S"]
        assert told == ["A draft on AgentMail.to is not shown. It cannot be read."]
        assert await room.look() == []
        assert all(seen.target.startswith("/v0/inboxes/") for seen in service.seen)


async def test_drafts_whose_ids_are_too_long_are_counted_once_and_hide_no_other(
    stage: V0Stage,
) -> None:
    async with FakeService(script=Shelf([draft("x" * 257), draft(""), draft("d1")])) as service:
        await reach(stage, service)
        room = await opened(stage)
        told = "Drafts on AgentMail.to are not shown. The ids of 2 are missing or too long."
        assert await room.look() == [told]
        assert await room.look() == []
        assert len(room.rows) == 1


async def test_files_whose_size_is_a_lie_do_not_fill_the_disk(
    stage: V0Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_files, "LARGEST", 1_000)
    files = [{"attachment_id": f"a{n}", "filename": f"{n}", "size": 1} for n in range(5)]
    shelf = Shelf([draft("d1", attachments=files)])
    storage = FakeService(answer(200, b"x" * 600))
    async with FakeService(script=shelf) as service, storage:
        shelf.url = storage.url
        await reach(stage, service)
        room = await opened(stage, SendProfile.WIDE)
        (told,) = await room.look()
        assert "larger" in told
        assert room.rows == ()
        assert len(storage.seen) == 2
        assert [*(room.office.folder / "outbound" / "carried").iterdir()] == []
        assert not any("authorization" in seen.headers for seen in storage.seen)


async def test_a_decision_does_not_wait_for_all_drafts_that_are_taken_in(stage: V0Stage) -> None:
    shelf = Shelf([draft("d0")])
    async with FakeService(script=shelf) as service:
        await reach(stage, service)
        room = await opened(stage)
        await room.look()
        waiting = room.only.draft_id
        plan = await room.office.show(waiting)
        more = [draft(f"m{n}") for n in range(100)]
        shelf.drafts |= {one["draft_id"]: one | {"updated_at": WHEN} for one in more}
        # Some of them are never answered: the look goes on for ever.
        shelf.silent = {f"m{n}" for n in range(1, server_drafts.AT_ONCE + 1)}
        looking = asyncio.ensure_future(room.look())
        await shelf.begun.wait()
        await room.kept.hold(waiting)
        assert (await room.office.show(waiting)).digest == plan.digest
        assert not looking.done()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        shelf.silent.clear()
        await room.look()
        assert len(room.rows) == 101


async def test_a_draft_for_a_year_far_away_does_not_leave_now(stage: V0Stage) -> None:
    Server(stage).make(send_at="9999-12-31T23:59:59Z")
    room = await opened(stage)
    await room.look()
    draft_id = room.only.draft_id
    assert (await room.office.show(draft_id)).send_at == 253_402_300_799
    assert await room.approve() == [OutboxState.PENDING]
    assert stage.sent() == []


@pytest.mark.parametrize("when", ["tomorrow", "10000-01-01T00:00:00Z", 10**20, [1], True], ids=repr)
async def test_a_draft_whose_time_cannot_be_read_is_not_sent_at_once(
    stage: V0Stage, when: object
) -> None:
    shelf = Shelf([draft("d1", send_at=when, send_status="scheduled")])
    async with FakeService(script=shelf) as service:
        await reach(stage, service)
        room = await opened(stage)
        assert await room.look() == ["A draft on AgentMail.to is not shown. It cannot be read."]
        assert room.rows == ()


READ = {"message_read": True, "inbox_read": True, "draft_read": True, "draft_create": True}


@pytest.mark.parametrize(
    ("more", "told", "scheduled"),
    [
        ({"draft_update": True}, "A refused draft stays on AgentMail.to, unscheduled.", False),
        ({}, "A refused draft stays on AgentMail.to, which may still send it.", True),
    ],
    ids=["may update", "may only read"],
)
async def test_a_refused_draft_that_cannot_be_deleted_is_not_sent_by_its_time(
    stage: V0Stage, more: dict[str, bool], told: str, scheduled: bool
) -> None:
    server = Server(stage)
    made = server.make(send_at="2099-01-01T00:00:00Z")
    weak = stage.v0.key(stage.org, permissions=READ | more)
    await stage.client.aclose()
    stage.client = AgentMailToClient(stage.v0.base_url, weak, stage.address, sleep=FakeSleep())
    room = await opened(stage)
    await room.look()
    room.office.proposals.reject(room.only.draft_id, "no")
    (sentence,) = await room.look()
    assert sentence.startswith(told)
    assert "draft_delete" in sentence
    left = server.get(made)
    assert left is not None
    assert ("send_at" in left) is scheduled
    assert await room.look() == []
    server.make(subject="Another")
    assert await room.look() == []
    assert str(room.only.subject) == "Another"


async def test_a_sent_draft_that_cannot_be_deleted_hides_no_other(stage: V0Stage) -> None:
    server = Server(stage)
    made = server.make()
    weak = stage.v0.key(stage.org, permissions=READ | {"draft_update": True, "message_send": True})
    await stage.client.aclose()
    stage.client = AgentMailToClient(stage.v0.base_url, weak, stage.address, sleep=FakeSleep())
    room = await opened(stage)
    await room.look()
    assert await room.approve() == [OutboxState.SENT]
    (sentence,) = await room.look()
    assert sentence.startswith("A draft that was sent from here stays on AgentMail.to.")
    assert server.get(made) is not None
    assert await room.look() == []
    assert room.rows == ()
    assert len(stage.sent()) == 1


async def test_the_words_of_a_draft_stand_in_no_repr() -> None:
    from services.api.agentmail_to.drafts import _draft

    words = {"text": "secret words", "html": "<p>secret words</p>"}
    found = _draft("d1", json.loads(json.dumps(draft("d1", updated_at=WHEN, **words))))
    assert found.text
    assert "secret" not in repr(found)
