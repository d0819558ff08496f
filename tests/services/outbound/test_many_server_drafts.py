"""Very many drafts on AgentMail.to: the first soon, several at once, within bounds, and without end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from services.api.agentmail_to import drafts as drafts_api
from services.api.http import CONNECTIONS
from services.errors import PolicyRefused
from services.outbound.approvals import agent_room, server_drafts, server_room, server_walk
from services.outbound.approvals.agent_room import AgentRoom
from services.outbound.approvals.joint_commits import JointCommits
from services.outbound.approvals.server_book import MOST_TOLD
from services.outbound_models import OutboxState
from services.reading.render_process import WorkerChild
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeService, Reply, Seen, answer
from tests.services.outbound.conftest import Party
from tests.services.outbound.server_draft_room import Room, opened
from tests.services.outbound.server_shelf import Shelf, draft, reach
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    await made.close()


@pytest.fixture
async def service() -> AsyncIterator[FakeService]:
    """A service whose shelf a test puts up with `room_over`."""
    async with FakeService() as made:
        yield made


async def room_over(stage: V0Stage, service: FakeService, shelf: Shelf, **policy: object) -> Room:
    service._script = shelf
    await reach(stage, service)
    return await opened(stage, **policy)


async def looking_up_to(
    stage: V0Stage, service: FakeService, shelf: Shelf, draft_id: str
) -> tuple[Room, asyncio.Future[object]]:
    """A look under way: the service was asked for this draft and does not answer."""
    asked = asyncio.Event()
    room = await room_over(stage, service, shelf)
    shelf.silent.add(draft_id)
    service._script = lambda seen: (
        (seen.target.endswith(f"/{draft_id}") and asked.set()) or shelf(seen)
    )
    looking = asyncio.ensure_future(room.look())
    await asked.wait()
    return room, looking


def many(count: int, **fields: object) -> list[dict[str, object]]:
    return [draft(f"d{number}", subject=f"Number {number}", **fields) for number in range(count)]


def held_open(stage: V0Stage) -> list[str]:
    """Folders of the stage's files that this process keeps others from sweeping."""
    places = []
    for one in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            places.append(str(one.readlink()))
    own = str(stage.folder)
    return [place for place in places if place.startswith(own) and place.endswith(".in-use")]


# ── the first look ───────────────────────────────────────────────────────────────────────────────


async def test_the_first_page_is_taken_in_before_the_rest_is_even_listed(
    stage: V0Stage, service: FakeService
) -> None:
    shelf = Shelf(many(60), page=20)
    room = await room_over(stage, service, shelf)
    assert await room.look() == []
    targets = [seen.target for seen in service.seen]
    second = next(at for at, target in enumerate(targets) if "page_token=20" in target)
    first_page = {f"d{number}" for number in range(20)}
    asked = {target.rpartition("/")[2] for target in targets[:second]}
    assert len(first_page - asked) <= server_drafts.AT_ONCE
    assert {str(row.subject) for row in room.rows} == {f"Number {n}" for n in range(60)}


async def test_several_are_asked_for_at_once_and_no_more_than_the_client_can_bear(
    stage: V0Stage, service: FakeService
) -> None:
    room = await room_over(stage, service, Shelf(many(40)))
    await room.look()
    assert 1 < service.connections <= server_drafts.AT_ONCE < CONNECTIONS


async def test_what_the_service_sends_by_its_time_comes_first_in_a_long_list(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_walk, "SHORT", 1)
    soon = draft("soon", send_at="2099-01-01T00:00:00Z", send_status="scheduled")
    shelf = Shelf([*many(30), soon], page=10)
    room = await room_over(stage, service, shelf)
    begun: list[str] = []
    get = drafts_api.RemoteDrafts.get

    async def noted(remote: drafts_api.RemoteDrafts, draft_id: str) -> drafts_api.ServerDraft:
        begun.append(draft_id)
        return await get(remote, draft_id)

    monkeypatch.setattr(drafts_api.RemoteDrafts, "get", noted)
    await room.look()
    assert begun[0] == "soon"
    assert len(shelf.asked) == len(room.rows) == 31


async def test_a_look_can_be_given_up_and_the_next_goes_on_where_it_stood(
    stage: V0Stage, service: FakeService
) -> None:
    shelf = Shelf(many(50))
    room, looking = await looking_up_to(stage, service, shelf, "d49")
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    kept = set(room.links())
    assert 50 - server_drafts.AT_ONCE <= len(kept) < 50
    assert len(room.rows) == len(kept)
    shelf.silent.clear()
    shelf.asked.clear()
    await room.look()
    assert set(shelf.asked) == set(shelf.drafts) - kept
    assert len(room.rows) == 50


async def test_a_look_tells_how_far_it_is_while_it_goes_on(
    stage: V0Stage, service: FakeService
) -> None:
    shelf = Shelf(many(30))
    room, looking = await looking_up_to(stage, service, shelf, "d29")
    assert 30 - server_drafts.AT_ONCE <= room.kept.read < 30
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert room.kept.read == 0


async def test_what_is_refused_during_a_long_look_is_deleted_before_its_end(
    stage: V0Stage, service: FakeService
) -> None:
    shelf = Shelf([draft("d0", send_at="2099-01-01T00:00:00Z", send_status="scheduled")])
    room = await room_over(stage, service, shelf)
    await room.look()
    refused = room.only.draft_id
    shelf.drafts |= Shelf([draft(f"m{number}") for number in range(400)]).drafts

    def script(seen: Seen) -> Reply:
        if seen.target.endswith("/m50"):
            room.office.proposals.reject(refused, "No.")
        return shelf(seen)

    service._script = script
    await room.look()
    told = [(seen.method, seen.target.rpartition("/")[2]) for seen in service.seen]
    assert told.index(("DELETE", "d0")) < told.index(("GET", "m399"))


async def test_one_process_reads_the_html_of_all_drafts_and_ends_with_the_look(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[WorkerChild] = []
    make = WorkerChild.__init__

    def counted(self: WorkerChild) -> None:
        workers.append(self)
        make(self)

    monkeypatch.setattr(WorkerChild, "__init__", counted)
    room = await room_over(stage, service, Shelf(many(12, text="", html="<p>Hello</p>")))
    assert await room.look() == []
    assert {room.office.drafts.get(row.draft_id).body for row in room.rows} == {"Hello\n"}
    assert [worker.pid for worker in workers] == [None]


# ── later looks ──────────────────────────────────────────────────────────────────────────────────


async def test_a_long_list_is_read_as_far_as_it_has_news_and_to_its_end_now_and_then(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_walk, "SHORT", 1)
    shelf = Shelf(many(30), page=5)
    room = await room_over(stage, service, shelf)
    await room.look()
    assert len([one for one in shelf.listed if one.isdecimal() or not one]) == 6
    shelf.listed.clear()
    shelf.change("d20", text="Other words.")
    del shelf.drafts["d29"]
    assert await room.look() == []
    assert shelf.listed == ["", "5"]
    assert len(room.rows) == 30
    assert {row.revision for row in room.rows if str(row.subject) == "Number 20"} == {2}
    monkeypatch.setattr(server_drafts, "WHOLE_EVERY", 0.0)
    (gone,) = await room.look()
    assert "Number 29" in gone


async def test_of_very_many_that_are_gone_the_first_are_told_and_the_others_counted(
    stage: V0Stage, service: FakeService
) -> None:
    shelf = Shelf(many(40))
    room = await room_over(stage, service, shelf)
    await room.look()
    shelf.drafts.clear()
    told = await room.look()
    assert len(told) == MOST_TOLD + 1
    assert all(one.startswith("A proposal is gone") for one in told[:-1])
    assert told[-1].startswith("The same of 30 more drafts on AgentMail.to")
    assert (room.rows, room.links()) == ((), {})


async def test_a_list_without_end_of_drafts_without_names_ends(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts_api, "MOST_DRAFTS", 20)

    def endless(seen: Seen) -> Reply:
        page = len(service.seen)
        found = [{"draft_id": f"{page}-{number}-" + "x" * 300} for number in range(5)]
        return answer(200, {"count": 5, "drafts": found, "next_page_token": str(page)})

    service._script = endless
    await reach(stage, service)
    (told, *_) = await (await opened(stage)).look()
    assert "The ids of 20 are missing or too long." in told


async def test_queued_mail_whose_draft_is_gone_is_taken_back_however_long_the_list(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_walk, "SHORT", 1)
    shelf = Shelf(many(30), page=5)
    room = await room_over(stage, service, shelf, undo_seconds=60)
    await room.look()
    last = next(row for row in room.rows if str(row.subject) == "Number 29")
    assert await room.approve(last.draft_id) == [OutboxState.PENDING]
    del shelf.drafts["d29"]
    (gone,) = await room.look()
    assert "Number 29" in gone
    entries = room.office.outbox.of_draft(last.draft_id)
    assert [one.state for one in entries] == [OutboxState.CANCELLED]


async def test_a_decision_is_carried_out_on_the_service_without_its_page_being_read(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_walk, "SHORT", 1)
    shelf = Shelf(many(30), page=5)
    room = await room_over(stage, service, shelf)
    await room.look()
    last = next(row for row in room.rows if str(row.subject) == "Number 29")
    room.office.proposals.reject(last.draft_id, "No.")
    await room.look()
    assert "d29" not in shelf.drafts
    assert shelf.listed[-2:] == ["", "5"]


# ── how much is kept ─────────────────────────────────────────────────────────────────────────────


async def test_text_beyond_the_bound_stays_on_the_service_and_is_told_once(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_room, "TEXT_BYTES", 50_000)
    monkeypatch.setattr(server_room, "MEGABYTE", 1_000)
    shelf = Shelf(many(30, text="x" * 9_000))
    room = await room_over(stage, service, shelf)
    (told,) = await room.look()
    kept = len(room.rows)
    assert 5 <= kept <= 5 + server_drafts.AT_ONCE
    left = 30 - kept
    assert told == (
        "Drafts on AgentMail.to are not shown. No more than 50 MB of their text is kept here:"
        f" {left} wait for others to be decided."
    )
    assert len(shelf.asked) == kept
    assert await room.look() == []
    assert len(shelf.asked) == kept
    for row in room.rows:
        room.office.proposals.reject(row.draft_id, "No.")
    await room.look()
    assert {str(row.subject) for row in room.rows} <= {f"Number {n}" for n in range(30)}
    assert len(room.rows) >= 5
    assert len(shelf.drafts) == left


async def test_files_beyond_the_bound_stay_on_the_service(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_room, "FILE_BYTES", 1_000)
    files = [{"attachment_id": "a", "filename": "a.txt", "size": 600}]
    shelf = Shelf(many(20, attachments=files))
    async with FakeService(answer(200, b"x" * 600)) as storage:
        shelf.url = storage.url
        room = await room_over(stage, service, shelf)
        (told,) = await room.look()
        assert "of their files is kept here" in told
        assert 2 <= len(room.rows) <= 2 + server_drafts.AT_ONCE


async def test_a_change_for_which_there_is_no_room_voids_what_was_proposed_until_there_is(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(many(2))
    room = await room_over(stage, service, shelf)
    await room.look()
    monkeypatch.setattr(server_room, "TEXT_BYTES", 1)
    shelf.change("d1", text="Other words.")
    (told,) = await room.look()
    assert "1 wait for others to be decided" in told
    assert [str(row.subject) for row in room.rows] == ["Number 0"]
    monkeypatch.undo()
    await room.look()
    found = next(row for row in room.rows if str(row.subject) == "Number 1")
    assert room.office.drafts.get(found.draft_id).body == "Other words."


async def test_folders_of_files_are_not_held_open_for_each_draft(
    stage: V0Stage, service: FakeService
) -> None:
    files = [{"attachment_id": "a", "filename": "a.txt", "size": 3}]
    shelf = Shelf(many(30, attachments=files))
    async with FakeService(answer(200, b"abc")) as storage:
        shelf.url = storage.url
        room = await room_over(stage, service, shelf)
        await room.look()
    assert held_open(stage) == []
    room.office.tidy()
    for row in room.rows:
        (file,) = room.office.drafts.get(row.draft_id).files
        assert file.path.read_bytes() == b"abc"


async def test_drafts_of_the_service_take_no_room_from_the_agents_here(
    stage: V0Stage, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_room, "ALL_WAITING", 5)
    monkeypatch.setattr(agent_room, "AGENT_BYTES", 1_000)
    room = await room_over(stage, service, Shelf(many(10, text="x" * 2_000)))
    await room.look()
    assert len(room.rows) == 10
    AgentRoom(room.office.drafts).make("lead-gen")


# ── commits ──────────────────────────────────────────────────────────────────────────────────────


async def test_changes_that_come_together_share_a_commit_and_a_bad_one_takes_none_along(
    stage: V0Stage,
) -> None:
    store = (await stage.open()).store
    commits, version = JointCommits(store), store.version

    def put(number: int) -> Callable[[], None]:
        return lambda: store.put("notes", str(number), {"n": number})

    def bad() -> None:
        store.put("notes", "bad", {})
        raise PolicyRefused("No.")

    done = await asyncio.gather(*(commits.run(put(n)) for n in range(20)))
    assert done == [None] * 20
    assert store.version <= version + 2
    works = [put(30), bad, put(31)]
    told = await asyncio.gather(*map(commits.run, works), return_exceptions=True)
    assert [type(one) for one in told] == [type(None), PolicyRefused, type(None)]
    kept = {key for key, _ in store.all("notes")}
    assert kept == {*map(str, range(20)), "30", "31"}
