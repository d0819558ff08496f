"""A folder that was copied, restored or moved: mail leaves from one place only, and none is lost."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.draft import DraftState
from services.outbound.office import Office
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage, mail, queue, send, states

SENT, PENDING, UNCERTAIN = OutboxState.SENT, OutboxState.PENDING, OutboxState.UNCERTAIN
LATER = Policy(undo_seconds=60)


@pytest.fixture
async def stages(alice: Party) -> AsyncIterator[list[Stage]]:
    made: list[Stage] = []
    yield made
    for stage in made:
        await stage.close()


def new_stage(stages: list[Stage], party: Party, folder: Path, policy: Policy = LATER) -> Stage:
    stages.append(Stage(party, policy, Repeats.SUPPRESSED, folder=folder))
    return stages[-1]


def copy(source: Path, target: Path) -> None:
    """As an operator or a backup does it; files that are there are written over, in place."""
    target.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", f"{source}/.", target], check=True)


async def look(stage: Stage, seconds: float = 100.0) -> tuple[Office, tuple[OutboxState, ...]]:
    """Open the office there later, send what goes, and tell how the mails stand."""
    office = await stage.open()
    stage.clock.now += seconds
    waiting = [entry.entry_id for entry in office.outbox.open()]
    done = await office.sending.push(waiting, 20)
    return office, tuple(entry.state for entry in done)


async def upload_only(stage: Stage, office: Office, sandbox: SandboxControl, to: str) -> str:
    """Leave a mail whose bytes are uploaded, and whose sending the service put off."""
    agent = stage.party.agent
    sandbox.fault("status", agent, operation="send_mail", status=429, retry_after="60")
    (entry,) = await send(office, mail(to))
    assert (entry.state, entry.is_ready) == (PENDING, True)
    return entry.entry_id


async def test_a_copy_brings_the_draft_back_and_the_original_sends_it(
    stages: list[Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    first = new_stage(stages, alice, tmp_path / "original")
    draft = mail(bob.address)
    await queue(await first.open(), draft)
    await first.offices[0].close()
    copy(tmp_path / "original", tmp_path / "copy")

    office, found = await look(new_stage(stages, alice, tmp_path / "copy"))
    assert found == (OutboxState.REFUSED,)
    head = office.drafts.head(draft.draft_id)
    assert head.state is DraftState.EDITING
    assert "copied" in head.reason
    assert office.drafts.get(draft.draft_id).body == draft.body
    assert sandbox.sent(alice.agent) == []

    _, found = await look(first)
    assert found == (SENT,)
    assert len(await bob.inbox()) == 1


async def test_what_is_ready_to_leave_is_in_doubt_in_the_copy_whatever_the_service_repeats(
    stages: list[Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    first = new_stage(stages, alice, tmp_path / "original", Policy(undo_seconds=0))
    await upload_only(first, await first.open(), sandbox, bob.address)
    await first.offices[0].close()
    copy(tmp_path / "original", tmp_path / "copy")
    second = new_stage(stages, alice, tmp_path / "copy")

    office, found = await look(second)
    assert found == (UNCERTAIN,)
    (entry,) = office.outbox.open()
    assert "copied" in entry.reason
    assert entry.next_try == 0
    _, found = await look(first)
    assert found == (SENT,)
    assert (await look(second))[1] == (UNCERTAIN,)
    assert len(await bob.inbox()) == 1


async def test_what_a_person_wanted_sent_again_waits_for_a_person_in_the_copy(
    stages: list[Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    first = new_stage(stages, alice, tmp_path / "original", Policy(undo_seconds=0))
    office = await first.open()
    entry_id = await upload_only(first, office, sandbox, bob.address)
    office.outbox.doubt(entry_id, "no answer", 0)
    office.outbox.settle_uncertain(entry_id, resend=True, actor="operator")
    await office.close()
    copy(tmp_path / "original", tmp_path / "copy")
    office, found = await look(new_stage(stages, alice, tmp_path / "copy"))
    assert found == (UNCERTAIN,)
    assert not office.outbox.get(entry_id).may_repeat
    assert sandbox.sent(alice.agent) == []


async def test_a_folder_that_was_moved_goes_on(
    stages: list[Stage], alice: Party, bob: Party, tmp_path: Path
) -> None:
    first = new_stage(stages, alice, tmp_path / "before")
    await queue(await first.open(), mail(bob.address))
    await first.offices[0].close()
    shutil.move(tmp_path / "before", tmp_path / "after")
    assert (await look(new_stage(stages, alice, tmp_path / "after")))[1] == (SENT,)
    assert len(await bob.inbox()) == 1


@pytest.mark.parametrize("anew", [True, False], ids=["into an empty place", "over what is there"])
async def test_what_is_restored_after_its_mail_has_left_sends_nothing(
    stages: list[Stage], alice: Party, bob: Party, tmp_path: Path, anew: bool
) -> None:
    place, backup = tmp_path / "place", tmp_path / "backup"
    stage = new_stage(stages, alice, place)
    await queue(await stage.open(), mail(bob.address))
    await stage.offices[0].close()
    copy(place, backup)
    office, found = await look(stage)
    assert found == (SENT,)
    await office.close()
    if anew:
        shutil.rmtree(place)
    copy(backup, place)
    assert (await look(stage))[1] == (OutboxState.REFUSED,)
    assert len(await bob.inbox()) == 1


async def test_what_was_taken_back_does_not_leave_after_a_restore(
    stages: list[Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    place, backup = tmp_path / "place", tmp_path / "backup"
    stage = new_stage(stages, alice, place)
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address))
    copy(place, backup)
    await office.take_back((entry.entry_id,))
    await office.close()
    copy(backup, place)
    assert (await look(stage))[1] == (OutboxState.REFUSED,)
    assert sandbox.sent(alice.agent) == []


async def test_a_copy_is_an_outbox_like_any_other_for_new_mail(
    stages: list[Stage], alice: Party, bob: Party, tmp_path: Path
) -> None:
    first = new_stage(stages, alice, tmp_path / "original")
    old = mail(bob.address, subject="Old")
    await queue(await first.open(), old)
    await first.offices[0].close()
    copy(tmp_path / "original", tmp_path / "copy")
    second = new_stage(stages, alice, tmp_path / "copy", Policy(undo_seconds=0))
    office = await second.open()
    # Queued before anybody has looked at what lies there.
    assert states(await send(office, mail(bob.address, subject="New"))) == [SENT]
    assert office.drafts.head(old.draft_id).state is DraftState.EDITING
    assert [item.subject for item in await bob.inbox()] == ["New"]


async def test_what_an_older_version_queued_goes_on(
    stages: list[Stage], alice: Party, bob: Party, tmp_path: Path
) -> None:
    stage = new_stage(stages, alice, tmp_path / "place")
    office = await stage.open()
    await queue(office, mail(bob.address))
    office.store.remove("state", "anchor")
    await office.close()
    assert (await look(stage))[1] == (SENT,)


async def test_the_marks_that_were_replaced_are_gone(
    stages: list[Stage], alice: Party, bob: Party, tmp_path: Path
) -> None:
    stage = new_stage(stages, alice, tmp_path / "place", Policy(undo_seconds=0))
    office = await stage.open()
    for _ in range(3):
        await send(office, mail(bob.address))
    assert len(list((tmp_path / "place" / "outbound").glob("anchor-*"))) == 1
