"""The outbox against the real sandbox: states that are true, mail that leaves once or says why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.draft import DraftState
from services.errors import PolicyRefused, UsageError
from services.outbound.approvals.approval import DecisionVoid
from services.policy_config import Policy
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    CANCELLED,
    EXPIRED,
    PENDING,
    REFUSED,
    SENT,
    Stage,
    log_of,
    mail,
    queue,
    send,
    states,
    until_settled,
)

# ── leaving ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_is_sent_once_and_its_draft_has_left(
    stage: Callable[..., Stage], bob: Party
) -> None:
    office = await stage().open()
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert entry.state is SENT
    assert entry.server_id
    assert [item.subject for item in await bob.inbox()] == ["Numbers"]
    assert office.drafts.head(draft.draft_id).is_settled
    assert office.outbox.open() == ()
    assert [row.action for row in office.audit.rows().rows] == ["sent", "queued"]
    assert office.audit.verify() is None


async def test_an_encrypted_mail_with_a_file_arrives_and_leaves_no_clear_text_on_the_disk(
    stage: Callable[..., Stage],
    alice: Party,
    bob: Party,
    own_keys: tuple[OwnKey, ...],
    tmp_path: Path,
) -> None:
    await alice.publish(own_keys[0])
    one = stage()
    office = await one.open()
    file = tmp_path / "a.bin"
    file.write_bytes(b"x" * 100_000)
    entries = await send(office, mail(bob.address, sealed=True, files=(file,)))
    assert states(entries) == [SENT]
    assert len(await bob.inbox()) == 1
    assert not list((office.folder / "outbound" / "spool").iterdir())
    assert not list((office.folder / "outbound" / "at-work").iterdir())
    assert b"canary" not in log_of(one)
    content = office.outbox.content(entries[0].entry_id)
    assert await office.open_text(content.text) == "the canary sings"


async def test_each_recipient_gets_a_mail_of_its_own_under_a_key_of_its_own(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    office = await stage().open()
    carol = sandbox.new_agent()
    entries = await send(office, mail(bob.address, carol.address))
    assert states(entries) == [SENT, SENT]
    sent = sandbox.sent(alice.agent)
    assert {one["to"] for one in sent} == {bob.address, carol.address}
    assert len({entry.idempotency_key for entry in entries}) == 2
    sandbox.remove_agent(carol)


async def test_a_decision_counts_once_however_often_it_is_given(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    office = await stage(policy=Policy(undo_seconds=10)).open()
    kept = office.drafts.save(mail(bob.address))
    plan = await office.show(kept.draft_id)
    queued = await asyncio.gather(*(office.send(kept.draft_id, plan.digest) for _ in range(5)))
    assert len({entries[0].entry_id for entries in queued}) == 1
    assert len(office.outbox.open()) == 1


async def test_what_was_sent_cannot_be_decided_again(
    stage: Callable[..., Stage], bob: Party
) -> None:
    office = await stage().open()
    kept = office.drafts.save(mail(bob.address))
    _, plan = await office.plan(kept.draft_id)
    await office.enqueue(plan, by_person=True)
    with pytest.raises(DecisionVoid):
        await office.enqueue(plan, by_person=True)
    (entry,) = office.outbox.open()
    await office.sending.push([entry.entry_id], 30)
    with pytest.raises(DecisionVoid):
        await office.enqueue(plan, by_person=True)
    again = office.drafts.save(replace(mail(bob.address), idempotency_key=kept.idempotency_key))
    _, other = await office.plan(again.draft_id)
    with pytest.raises(UsageError, match="was sent"):
        await office.enqueue(other, by_person=True)
    assert len(await bob.inbox()) == 1


# ── undo, schedule, expiry ───────────────────────────────────────────────────────────────────────


async def test_within_the_delay_it_is_taken_back_and_the_draft_is_there_again(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    one = stage(policy=Policy(undo_seconds=10))
    office = await one.open()
    draft = mail(bob.address)
    (entry,) = await queue(office, draft)
    (waiting,) = await office.sending.push([entry.entry_id], 30)
    assert waiting.state is PENDING
    assert waiting.is_sealed
    (taken,) = await office.take_back((entry.entry_id,))
    assert taken.state is CANCELLED
    back = office.drafts.get(draft.draft_id)
    assert (back.state, back.subject, back.body) == (DraftState.EDITING, draft.subject, draft.body)
    assert back.idempotency_key != draft.idempotency_key
    one.clock.now += 60
    await office.sending.push([entry.entry_id], 30)
    assert sandbox.sent(alice.agent) == []
    assert states(await send(office, back, 1.0)) == [PENDING]


async def test_what_has_left_cannot_be_taken_back(stage: Callable[..., Stage], bob: Party) -> None:
    office = await stage().open()
    (entry,) = await send(office, mail(bob.address))
    with pytest.raises(UsageError, match="too late"):
        await office.take_back((entry.entry_id,))


async def test_a_scheduled_mail_waits_for_its_time_and_not_for_its_files(
    stage: Callable[..., Stage], bob: Party, tmp_path: Path
) -> None:
    one = stage()
    office = await one.open()
    file = tmp_path / "a.txt"
    file.write_text("as approved")
    draft = mail(bob.address, files=(file,), send_at=int(one.clock.now) + 3_600)
    (entry,) = await send(office, draft)
    assert entry.state is PENDING
    file.write_text("changed afterwards")
    one.clock.now += 3_599
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 1
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]
    (item,) = await bob.inbox()
    fetched = await bob.client.get_message(item.message_id)
    assert fetched.attachments[0].size == len("as approved")


async def test_a_mail_that_waited_too_long_expires_and_its_draft_is_there_again(
    stage: Callable[..., Stage], alice: Party, bob: Party
) -> None:
    one = stage()
    office = await one.open()
    draft = mail(bob.address)
    (entry,) = await queue(office, draft)
    office.lender.client = None  # type: ignore[attr-defined]
    (waiting,) = await office.sending.push([entry.entry_id], 30)
    assert waiting.state is PENDING
    assert "connection" in waiting.reason
    one.clock.now += 25 * 3_600
    office.lender.client = alice.client  # type: ignore[attr-defined]
    (expired,) = await office.sending.push([entry.entry_id], 30)
    assert expired.state is EXPIRED
    assert office.drafts.get(draft.draft_id).state is DraftState.EDITING
    assert "expired" in office.drafts.rows()[0].remark


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [400, 403, 404, 409, 413, 422])
async def test_a_refusal_of_the_service_brings_the_draft_back_with_its_reason(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, status: int
) -> None:
    office = await stage().open()
    sandbox.fault("status", alice.agent, operation="send_mail", status=status)
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert entry.state is REFUSED
    assert office.drafts.get(draft.draft_id).state is DraftState.EDITING
    assert "refused" in office.drafts.rows()[0].remark
    assert office.audit.rows().rows[0].answer.startswith(str(status))
    assert await bob.inbox() == []


async def test_of_several_recipients_the_draft_comes_back_for_those_who_did_not_get_it(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    one = stage()
    office = await one.open()
    carol = sandbox.new_agent()
    draft = mail(f"Bob <{bob.address}>", carol.address)
    entries = await queue(office, draft)
    first = [entry.entry_id for entry in entries if entry.to == bob.address]
    await office.sending.push(first, 0.0)
    sandbox.fault("status", alice.agent, operation="send_mail", status=422, skip=1)
    after = await office.sending.push([entry.entry_id for entry in entries], 30)
    assert sorted(entry.state.value for entry in after) == ["refused", "sent"]
    sent_to = next(entry.to for entry in after if entry.state is SENT)
    back = office.drafts.get(draft.draft_id)
    assert len(back.to) == 1
    assert sent_to not in back.to[0]
    assert f"Already sent to {sent_to}" in office.drafts.rows()[0].remark
    assert states(await send(office, back)) == [SENT]
    assert len(await bob.inbox()) == 1
    sandbox.remove_agent(carol)


async def test_what_is_decided_together_is_refused_together_while_nothing_has_left(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    office = await stage().open()
    file = tmp_path / "a.txt"
    file.write_text("as approved")
    entries = await queue(office, mail(bob.address, alice.address, files=(file,)))
    file.write_text("another one")
    after = await office.sending.push([entry.entry_id for entry in entries], 30)
    assert states(after) == [REFUSED, REFUSED]
    assert sandbox.sent(alice.agent) == []


# ── the policy, asked again ──────────────────────────────────────────────────────────────────────


async def test_the_policy_of_now_is_asked_before_it_leaves(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party
) -> None:
    one = stage(policy=Policy(undo_seconds=5, oversight="boss@elsewhere.example"))
    office = await one.open()
    entries = await queue(office, mail("x@outside.example"))
    assert [entry.is_copy for entry in entries] == [True, False]
    await office.close()
    one.policy = Policy(undo_seconds=5)
    one.clock.now += 10
    office = await one.open()
    after = await office.sending.push([entry.entry_id for entry in entries], 30)
    assert {entry.state for entry in after} == {REFUSED}
    assert sandbox.sent(alice.agent) == []


async def test_the_oversight_copy_leaves_before_the_mail(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party
) -> None:
    one = stage(policy=Policy(undo_seconds=0, oversight="boss@elsewhere.example"))
    office = await one.open()
    sandbox.fault("status", alice.agent, operation="send_mail", status=429, retry_after="60")
    entries = await send(office, mail("x@outside.example"))
    assert states(entries) == [PENDING, PENDING]
    assert sandbox.sent(alice.agent) == []
    ids = [entry.entry_id for entry in entries]
    assert await until_settled(office, one.clock, ids) == [SENT, SENT]
    assert [sent["to"] for sent in sandbox.sent(alice.agent)] == [
        "boss@elsewhere.example", "x@outside.example",
    ]  # fmt: skip


async def test_without_a_copy_that_left_the_mail_does_not(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party
) -> None:
    office = await stage(policy=Policy(undo_seconds=0, oversight="boss@elsewhere.example")).open()
    sandbox.fault("status", alice.agent, operation="send_mail", status=422)
    entries = await send(office, mail("x@outside.example"))
    assert states(entries) == [REFUSED, REFUSED]
    assert sandbox.sent(alice.agent) == []


async def test_caps_count_what_is_in_the_outbox_and_what_has_left(
    stage: Callable[..., Stage], bob: Party
) -> None:
    one = stage(policy=Policy(undo_seconds=0, per_hour=2))
    office = await one.open()
    await send(office, mail(bob.address))
    (second,) = await queue(office, mail(bob.address))
    with pytest.raises(PolicyRefused, match="an hour"):
        await queue(office, mail(bob.address))
    await office.take_back((second.entry_id,))
    await queue(office, mail(bob.address))
    one.clock.now += 3_700
    await queue(office, mail(bob.address))
