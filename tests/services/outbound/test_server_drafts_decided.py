"""Drafts that lie on AgentMail.to, decided here: changed, gone, approved, refused, and killed over it."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.draft import DraftState
from services.errors import NotFound, Offline, PolicyRefused
from services.outbound.approvals.approval import DecisionVoid
from services.outbound_models import OutboxState
from services.policy_config import RefusedDrafts
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.server_draft_room import Room, Server, opened
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control

ROOT = Path(__file__).resolve().parents[3]
CHILD = Path(__file__).with_name("server_draft_child.py")


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees; the directory of keys is hers as well."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    sandbox.clear_faults()
    await made.close()


@pytest.fixture
def server(stage: V0Stage) -> Server:
    return Server(stage)


@pytest.fixture
async def room(stage: V0Stage) -> Room:
    return await opened(stage)


# ── changed, gone ────────────────────────────────────────────────────────────────────────────────


async def test_a_change_on_the_service_is_a_new_revision_with_its_difference(
    room: Room, server: Server
) -> None:
    made = server.make(text="First words.")
    await room.look()
    server.change(made, text="Other words.")
    await room.look()
    assert room.only.revision == 2
    found = room.office.proposals.compare(room.only.draft_id)
    told = {(line.sign, str(line.text)) for line in found.lines}
    assert {("-", "First words."), ("+", "Other words.")} <= told


async def test_a_change_between_showing_and_deciding_voids_the_decision(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    server.change(made, text="Something else.")
    with pytest.raises(DecisionVoid) as void:
        await room.decide(draft_id, plan.digest)
    assert void.value.plan is not None
    assert void.value.plan.body == "Something else."
    assert stage.sent() == []


async def test_a_change_that_leaves_the_words_voids_the_decision_too(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    server.change(made, add_labels=["seen-by-somebody"])
    with pytest.raises(DecisionVoid):
        await room.decide(draft_id, plan.digest)
    assert stage.sent() == []


@pytest.mark.parametrize("how", ["send", "delete"])
async def test_a_draft_that_is_gone_takes_its_proposal_along_with_a_sentence(
    room: Room, server: Server, how: str
) -> None:
    made = server.make(subject="Gone soon")
    await room.look()
    draft_id = room.only.draft_id
    getattr(server, how)(made)
    (told,) = await room.look()
    assert "sent or deleted on AgentMail.to" in told
    assert "Gone soon" in told
    assert room.rows == ()
    assert room.state(draft_id) is DraftState.CANCELLED
    assert room.links() == {}


@pytest.mark.parametrize("how", ["send", "delete"])
async def test_what_is_gone_cannot_be_approved_any_more(
    stage: V0Stage, room: Room, server: Server, how: str
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    getattr(server, how)(made)
    before = len(stage.sent())
    with pytest.raises(NotFound):
        await room.decide(draft_id, plan.digest)
    assert len(stage.sent()) == before
    assert room.state(draft_id) is DraftState.CANCELLED


async def test_what_the_service_sends_at_this_moment_is_not_sent_too(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    plan = await room.office.show(room.only.draft_id)
    server.state(made, "sending")
    with pytest.raises(PolicyRefused):
        await room.decide(room.only.draft_id, plan.digest)
    assert stage.sent() == []


async def test_without_an_answer_nothing_is_decided(
    stage: V0Stage, room: Room, server: Server
) -> None:
    server.make()
    await room.look()
    plan = await room.office.show(room.only.draft_id)
    stage.v0.sandbox.fault("drop_before", operation="v0_inbox_get_draft", times=None)
    with pytest.raises(Offline):
        await room.decide(room.only.draft_id, plan.digest)
    assert room.only.is_waiting
    assert stage.sent() == []


async def test_queued_mail_is_taken_back_when_its_draft_was_sent_elsewhere(
    stage: V0Stage, server: Server
) -> None:
    room = await opened(stage, undo_seconds=60)
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    assert await room.approve(draft_id) == [OutboxState.PENDING]
    server.send(made)
    assert any("sent or deleted" in one for one in await room.look())
    assert room.state(draft_id) is DraftState.CANCELLED
    assert [one.state for one in room.office.outbox.of_draft(draft_id)] == [OutboxState.CANCELLED]
    assert len(stage.sent()) == 1


# ── decided ──────────────────────────────────────────────────────────────────────────────────────


async def test_an_approved_draft_is_sent_as_text_and_deleted_once(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(text="Approved words.")
    await room.look()
    assert await room.approve() == [OutboxState.SENT]
    assert server.get(made) is not None
    await room.look()
    assert server.get(made) is None
    assert [one["request"]["text"] for one in stage.sent()] == ["Approved words."]
    assert {one["operation"] for one in stage.sent()} == {"v0_send_message"}
    assert await room.look() == []
    assert room.links() == {}
    deletes = [
        one for one in stage.v0.sandbox.requests()
        if one["operation"] == "v0_delete_draft" and made["draft_id"] in one["path"]
    ]  # fmt: skip
    assert len(deletes) == 1
    assert ("deleted on the service after sending", "") in stage.audited(room.office)


async def test_an_edited_proposal_is_sent_as_edited_and_its_draft_goes(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(text="Theirs.")
    await room.look()
    draft = room.office.drafts.get(room.only.draft_id)
    room.office.drafts.save(replace(draft, body="Ours."))
    assert await room.approve() == [OutboxState.SENT]
    await room.look()
    assert [one["request"]["text"] for one in stage.sent()] == ["Ours."]
    assert server.get(made) is None


async def test_a_draft_changed_after_it_was_sent_from_here_stays_and_waits_anew(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(text="First.")
    await room.look()
    first = room.only.draft_id
    await room.approve()
    server.change(made, text="A second thought.")
    await room.look()
    assert server.get(made) is not None
    assert room.only.draft_id != first
    assert room.office.drafts.get(room.only.draft_id).body == "A second thought."
    assert len(stage.sent()) == 1


async def test_a_program_that_died_before_deleting_deletes_later_and_sends_nothing_twice(
    stage: V0Stage, server: Server
) -> None:
    made = server.make()
    first = await opened(stage)
    await first.look()
    assert await first.approve() == [OutboxState.SENT]
    # The program ends here, without another look; another one takes up.
    await first.office.close()
    second = await opened(stage)
    assert server.get(made) is not None
    await second.look()
    await second.office.sending.push([], 1)
    assert server.get(made) is None
    assert len(stage.sent()) == 1
    assert second.rows == ()


async def test_a_deletion_whose_answer_was_lost_is_done_once(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    await room.approve()
    stage.v0.sandbox.fault("drop_after", operation="v0_delete_draft")
    await room.look()
    assert server.get(made) is None
    assert await room.look() == []
    assert room.links() == {}


async def test_a_scheduled_draft_says_that_it_leaves_by_itself_and_is_held_when_decided(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make(send_at="2099-02-01T10:00:00Z")
    await room.look()
    draft_id = room.only.draft_id
    plan = await room.office.show(draft_id)
    assert "by itself" in plan.agent_says
    assert plan.send_at == 4_073_623_200
    assert await room.approve(draft_id) == [OutboxState.PENDING]
    held = server.get(made)
    assert held is not None
    assert "send_at" not in held
    await room.look()
    assert server.get(made) is not None
    stage.clock.now = 4_073_623_201.0
    room.office.sending.nudge()
    entries = room.office.outbox.of_draft(draft_id)
    sent = await room.office.sending.push([one.entry_id for one in entries], 30)
    assert [one.state for one in sent] == [OutboxState.SENT]
    await room.look()
    assert server.get(made) is None
    assert len(stage.sent()) == 1


async def test_a_refused_draft_is_deleted_on_the_service_with_its_reason_here(
    stage: V0Stage, room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    draft_id = room.only.draft_id
    room.office.proposals.reject(draft_id, "Not like this.")
    await room.look()
    assert server.get(made) is None
    assert ("rejected", "Not like this.") in stage.audited(room.office)
    assert room.state(draft_id) is DraftState.REJECTED
    assert await room.look() == []


async def test_a_refused_draft_may_be_left_there_unscheduled_and_labelled(
    stage: V0Stage, server: Server
) -> None:
    room = await opened(stage, refused_drafts=RefusedDrafts.LEAVE)
    made = server.make(send_at="2099-02-01T10:00:00Z")
    await room.look()
    draft_id = room.only.draft_id
    room.office.proposals.reject(draft_id, "No.")
    await room.look()
    left = server.get(made)
    assert left is not None
    assert "send_at" not in left
    assert "refused" in left["labels"]
    assert await room.look() == []
    assert room.rows == ()
    server.change(made, text="Better words.")
    await room.look()
    assert room.only.draft_id == draft_id
    assert room.only.is_waiting


async def test_a_refusal_without_connection_is_carried_out_later(
    room: Room, server: Server
) -> None:
    made = server.make()
    await room.look()
    room.office.proposals.reject(room.only.draft_id, "No.")
    server.stage.v0.sandbox.fault("drop_before", operation="v0_delete_draft", times=4)
    with pytest.raises(Offline):
        await room.look()
    await room.look()
    assert server.get(made) is None


async def test_a_draft_changed_after_the_refusal_waits_again(room: Room, server: Server) -> None:
    made = server.make()
    await room.look()
    room.office.proposals.reject(room.only.draft_id, "Too long.")
    server.change(made, text="Short.")
    await room.look()
    assert server.get(made) is not None
    assert room.office.drafts.get(room.only.draft_id).body == "Short."


# ── killed ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_program_killed_while_it_deletes_sent_once_and_the_draft_goes_later(
    stage: V0Stage, server: Server, moment: str
) -> None:
    made = server.make(text="Once.")
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(ROOT), stage.v0.base_url, stage.org.key, stage.address,
        str(stage.folder), stage.overseer, moment,
    )  # fmt: skip
    assert await child.wait() == -signal.SIGKILL
    assert len(stage.sent()) == 1
    assert (server.get(made) is None) is (moment == "after")
    room = await opened(stage)
    await room.look()
    await room.office.sending.push([], 1)
    assert server.get(made) is None
    assert len(stage.sent()) == 1
    assert room.rows == ()
    assert room.links() == {}
