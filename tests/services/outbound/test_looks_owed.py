"""A sent mail with a blind copy is looked at, whatever died or failed meanwhile, until that is settled."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.errors import MailError
from services.outbound.office import Office
from services.outbound.outbox.looking import LONGEST, LONGEST_OFFLINE, MOST_TRIES
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.outbox_views import sentence_of
from services.outbound.outbox.verdicts import AS_APPROVED, LEFT_WRONG, NOT_LOOKED_AT, OWED
from services.outbound_models import OutboxState
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.killing import Children
from tests.services.outbound.office_stage import mail, queue, send
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control, seg

LOOK = "v0_get_message"


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    await made.close()


def now(office: Office, entry: OutboxEntry) -> OutboxEntry:
    office.store.refresh()
    return office.outbox.get(entry.entry_id)


def looks(stage: V0Stage) -> int:
    own = f"/inboxes/{seg(stage.address)}/"
    asked = stage.v0.sandbox.requests()
    return sum(told["operation"] == LOOK and own in told["path"] for told in asked)


def told(stage: V0Stage, office: Office) -> list[str]:
    return [action for action, _ in stage.audited(office)]


async def pay(office: Office) -> None:
    """Do once what a start does."""
    office.sending.nudge()
    await office.sending.push((), 20)


async def test_a_program_that_dies_before_the_look_leaves_it_to_the_next(
    stage: V0Stage, sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address))
    sandbox.fault("latency", operation=LOOK, seconds=600, times=None)
    about = {
        "kind": "agentmail.to", "base_url": stage.v0.base_url, "token": stage.org.key,
        "address": stage.address, "oversight": stage.overseer,
        "folder": str(stage.folder / "account"), "keys": str(stage.folder / "keys"),
    }  # fmt: skip
    began = time.time() - (stage.clock.now - 1_800_000_000) / 60
    child = Children(sandbox, alice, "unknown", deadline=20, more=about, began=began).start()
    try:
        while now(office, entry).state is not OutboxState.SENT:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()
    sandbox.clear_faults()
    left = now(office, entry)
    assert (left.verdict, told(stage, office)[-1]) == (OWED, "sent")
    assert "still to be looked at" in str(sentence_of(left, 0))

    after = await stage.open()
    await pay(after)
    assert (now(after, entry).verdict, told(stage, after)[-1]) == (AS_APPROVED, "verified")
    assert str(sentence_of(now(after, entry), 0)) == "Sent."
    count = looks(stage)
    await pay(after)
    await pay(office)
    assert looks(stage) == count
    assert told(stage, after).count("verified") == 1


async def test_the_loop_of_a_start_pays_by_itself(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    entry = await unanswered(stage, sandbox, bob)
    stage.clock.now += 60
    office = await stage.open()
    moved: asyncio.Queue[OutboxEntry] = asyncio.Queue()
    office.uploads.listen = lambda one, _: moved.put_nowait(one)
    running = asyncio.ensure_future(office.sending.run())
    told_as = await moved.get()
    running.cancel()
    assert (told_as.entry_id, told_as.verdict) == (entry.entry_id, AS_APPROVED)
    assert now(office, entry).verdict == AS_APPROVED


async def unanswered(stage: V0Stage, sandbox: SandboxControl, bob: Party) -> OutboxEntry:
    """A mail that was taken by a service that then did not answer."""
    office = await stage.open()
    sandbox.fault("status", operation=LOOK, status=503, times=None)
    (entry,) = await send(office, mail(bob.address))
    sandbox.clear_faults()
    assert entry.state is OutboxState.SENT
    left = now(office, entry)
    assert (left.verdict, told(stage, office)[-1]) == (OWED, "sent")
    assert "could not be looked at yet" in str(sentence_of(left, 0))
    return entry


async def test_what_was_wrong_is_as_loud_when_it_is_found_later(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    entry = await unanswered(stage, sandbox, bob)
    stage.clock.now += 60
    office = await stage.open()
    heard: list[MailError] = []
    office.sending.on_trouble = heard.append
    shown = json.dumps({"message_id": entry.server_id, "to": [bob.address]})
    sandbox.fault("answer", operation=LOOK, body=shown)
    await pay(office)
    found = now(office, entry)
    assert found.verdict == LEFT_WRONG
    assert "oversight has not seen it" in found.reason
    assert [error.sentence for error in heard] == [found.reason]
    assert stage.audited(office)[-1] == ("left wrong", found.reason)


async def test_it_is_not_asked_before_its_time_nor_for_ever(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    entry = await unanswered(stage, sandbox, bob)
    office = stage.offices[0]
    sandbox.fault("status", operation=LOOK, status=503, times=None)
    count = looks(stage)
    await pay(office)
    assert looks(stage) == count
    attempts = 1
    while now(office, entry).verdict == OWED:
        stage.clock.now += 3_900
        await pay(office)
        attempts += 1
    assert attempts == MOST_TRIES
    end = now(office, entry)
    assert (end.verdict, told(stage, office)[-1]) == (NOT_LOOKED_AT, "could not be verified")
    assert "could not be looked at" in str(sentence_of(end, 0))
    count = looks(stage)
    stage.clock.now += 3_900
    await pay(office)
    assert looks(stage) == count


@pytest.mark.parametrize("status", [503, 403])
async def test_a_debt_that_is_old_ends_with_the_next_answer(
    stage: V0Stage, sandbox: SandboxControl, bob: Party, status: int
) -> None:
    entry = await unanswered(stage, sandbox, bob)
    stage.clock.now += LONGEST if status == 503 else 60
    sandbox.fault("status", operation=LOOK, status=status, times=None)
    office = await stage.open()
    await pay(office)
    assert now(office, entry).verdict == NOT_LOOKED_AT


async def test_without_a_connection_it_waits_and_is_given_up_at_last(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    entry = await unanswered(stage, sandbox, bob)
    office = await stage.open()
    office.lender.client = None  # type: ignore[attr-defined]
    stage.clock.now += LONGEST + 60
    await pay(office)
    assert now(office, entry).verdict == OWED
    stage.clock.now += LONGEST_OFFLINE
    await pay(office)
    assert now(office, entry).verdict == NOT_LOOKED_AT
    assert told(stage, office)[-1] == "could not be verified"


async def test_two_programs_pay_a_debt_once(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    await unanswered(stage, sandbox, bob)
    stage.clock.now += 60
    first, second = await stage.open(), await stage.open()
    count = looks(stage)
    await asyncio.gather(pay(first), pay(second))
    assert looks(stage) == count + 1
    assert told(stage, first).count("verified") == 1


async def test_a_mail_without_a_blind_copy_owes_nothing(stage: V0Stage) -> None:
    office = await stage.open(oversight="")
    (entry,) = await send(office, mail(stage.sister))
    assert (now(office, entry).verdict, looks(stage)) == ("", 0)
