"""A mail leaves by AgentMail.to once, whatever is lost or killed; its blind copy is looked at."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from services.draft import DraftState
from services.errors import Conflict, MailError
from services.outbound.office import Office
from services.outbound.outbox.outbox_views import sentence_of
from services.outbound_models import OutboxState
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.killing import FAULTS, Children, check_true, entries, fill
from tests.services.outbound.office_stage import mail, queue, send, states, until_settled
from tests.services.outbound.v0_stage import V0Stage


async def ready_mail(office: Office, stage: V0Stage, to: str) -> Any:
    _, plan = await office.plan(office.drafts.save(mail(to)).draft_id)
    [planned] = plan.released(by_person=True)
    gate = await office.gate()
    return await gate.upload(await gate.seal(planned, stage.folder / "spool"))


async def test_the_same_request_again_is_one_mail(stage: V0Stage, bob: Party) -> None:
    office = await stage.open()
    ready, gate = await ready_mail(office, stage, bob.address), await office.gate()
    assert await gate.send(ready) == await gate.send(ready)
    assert len(stage.sent()) == 1


async def test_another_content_under_the_key_is_told_as_a_fault_of_the_program(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open()
    ready, gate = await ready_mail(office, stage, bob.address), await office.gate()
    await gate.send(ready)
    with pytest.raises(Conflict) as caught:
        await gate.send(replace(ready, subject="Other"))
    assert "fault of the program" in caught.value.next_step
    assert not caught.value.uncertain
    assert len(stage.sent()) == 1


LOST = ("drop_before", "drop_after", "status_after", "html", "truncated")


@pytest.mark.parametrize("kind", LOST)
async def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    stage: V0Stage, sandbox: SandboxControl, bob: Party, kind: str
) -> None:
    office = await stage.open()
    sandbox.fault(kind, operation="v0_send_message", times=2)
    (entry,) = await send(office, mail(bob.address))
    assert await until_settled(office, stage.clock, [entry.entry_id]) == [OutboxState.SENT]
    assert (len(stage.sent()), len(await bob.inbox())) == (1, 1)


async def test_a_program_killed_between_claim_and_answer_delivers_once(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address))
    around = office.carrier.around
    sealed = await office.carrier._seal(office.outbox.get(entry.entry_id))
    await office.carrier._upload(sealed)
    office.outbox.claim(entry.entry_id, "a program that died")
    from services.outbound.outbox.outbox_contents import ready_mail as kept

    await (await around.gate()).send(kept(office.outbox.content(entry.entry_id)))
    await office.close()
    again = await stage.open()
    assert await until_settled(again, stage.clock, [entry.entry_id]) == [OutboxState.SENT]
    assert (len(stage.sent()), len(await bob.inbox())) == (1, 1)


@pytest.mark.slow
async def test_kills_and_faults_lose_and_repeat_nothing(
    stage: V0Stage, sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    count = 20
    office = await stage.open()
    await fill(office, bob.address, count)
    about = {
        "kind": "agentmail.to", "base_url": stage.v0.base_url.rstrip("/"), "token": stage.org.key,
        "address": stage.address, "oversight": alice.address,
        "folder": str(stage.folder / "account"), "keys": str(stage.folder / "keys"),
    }  # fmt: skip
    children = Children(sandbox, alice, "unknown", deadline=2, more=about)
    for number in range(12):
        fault = FAULTS[number % len(FAULTS)]
        sandbox.fault(operation="v0_send_message", skip=number % 3, times=2, **fault)
    for _ in range(3):
        children.run_and_kill(0.8)
        check_true(office, Counter(body["subject"] for body in stage.bodies()))
    children.run()
    delivered = Counter(body["subject"] for body in stage.bodies())
    check_true(office, delivered)
    assert {entry.state for entry in entries(office)} == {OutboxState.SENT}
    assert sum(delivered.values()) == len(delivered) == count
    assert all(body["bcc"] == [alice.address] for body in stage.bodies())
    assert len(await bob.inbox()) == count


async def test_a_key_that_is_still_in_use_is_waited_for(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage.open()
    sandbox.fault("drop_before", operation="v0_send_message")
    (entry,) = await send(office, mail(bob.address))
    assert entry.state is OutboxState.UNCERTAIN
    sandbox.fault("status", operation="v0_send_message", status=409, error="conflict")
    stage.clock.now = entry.next_try
    (entry,) = await office.sending.push([entry.entry_id], 30)
    assert (entry.state, entry.next_try > 0) == (OutboxState.UNCERTAIN, True)
    assert await until_settled(office, stage.clock, [entry.entry_id]) == [OutboxState.SENT]


async def test_after_a_day_only_a_person_sends_it_again(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage.open()
    sandbox.fault("drop_before", operation="v0_send_message", times=None)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.next_try > 0) == (OutboxState.UNCERTAIN, True)
    sandbox.clear_faults()
    stage.clock.now += 24 * 3600
    (entry,) = await office.sending.push([entry.entry_id], 30)
    assert (entry.state, entry.next_try) == (OutboxState.UNCERTAIN, 0)
    assert stage.sent() == []
    await office.settle_uncertain(entry.entry_id, resend=True)
    assert states(await office.sending.push([entry.entry_id], 30)) == [OutboxState.SENT]


@pytest.mark.parametrize(("hours", "ends"), [(0.5, OutboxState.SENT), (48, OutboxState.UNCERTAIN)])
async def test_a_clock_that_was_set_back_does_not_make_the_day_longer(
    stage: V0Stage, sandbox: SandboxControl, bob: Party, hours: float, ends: OutboxState
) -> None:
    office = await stage.open()
    sandbox.fault("drop_before", operation="v0_send_message", times=None)
    (entry,) = await send(office, mail(bob.address))
    sandbox.clear_faults()
    stage.clock.now -= hours * 3600
    await office.sending.push([entry.entry_id], 30)
    # Before the clock is where it was, the service may have forgotten the key.
    assert await until_settled(office, stage.clock, [entry.entry_id]) == [ends]
    stage.clock.now += (hours + 1) * 3600
    await office.sending.push([entry.entry_id], 30)
    assert len(stage.sent()) == (ends is OutboxState.SENT)


async def test_a_403_that_names_oversight_stops_and_says_so(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    with stage.v0.client(stage.org.key) as client:
        place = f"inboxes/{stage.address}/lists/send/block"
        assert client.post(place, json={"entry": alice.address}).is_success
    office = await stage.open()
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert entry.state is OutboxState.REFUSED
    assert f"the oversight address {alice.address}" in entry.reason
    assert office.drafts.head(draft.draft_id).state is DraftState.EDITING
    assert stage.sent() == []


async def test_a_mail_without_its_bcc_at_the_service_is_told_loudly(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage.open()
    told: list[MailError] = []
    office.sending.on_trouble = told.append
    shown = f'{{"message_id": "<x@y>", "to": ["{bob.address}"]}}'
    taken = '{"message_id": "<x@y>", "thread_id": "t"}'
    sandbox.fault("answer", operation="v0_send_message", body=taken)
    sandbox.fault("answer", operation="v0_get_message", body=shown)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, office.drafts.head(entry.draft_id).is_settled) == (OutboxState.SENT, True)
    assert "without" in entry.reason
    assert entry.reason in str(sentence_of(entry, 0))
    assert office.outbox.get(entry.entry_id).reason == entry.reason
    assert [error.sentence for error in told] == [entry.reason]
    assert stage.audited(office)[-1] == ("left wrong", entry.reason)


async def test_a_look_that_fails_is_written_down_and_the_mail_stays_sent(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage.open()
    sandbox.fault("status", operation="v0_get_message", status=403, times=None)
    (entry,) = await send(office, mail(bob.address))
    assert entry.state is OutboxState.SENT
    assert stage.audited(office)[-1][0] == "could not be verified"


async def test_a_scheduled_mail_leaves_at_its_time_and_not_before(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open()
    at = int(stage.clock.now) + 3600
    (entry,) = await send(office, mail(bob.address, send_at=at))
    assert (entry.state, stage.sent()) == (OutboxState.PENDING, [])
    stage.clock.now = at
    assert states(await office.sending.push([entry.entry_id], 30)) == [OutboxState.SENT]
