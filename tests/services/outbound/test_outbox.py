"""The outbox against the real sandbox: states that are true, mail that leaves once or says why not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.crypto.own import OwnKey
from services.draft import DraftState
from services.errors import DiskFull, PolicyRefused, UsageError
from services.outbound.approvals.approval import DecisionVoid
from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from services.safe_text import SafeText
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    Stage,
    mail,
    queue,
    send,
    states,
    until_settled,
)

SENT, PENDING, UNCERTAIN = OutboxState.SENT, OutboxState.PENDING, OutboxState.UNCERTAIN
REFUSED, CANCELLED, EXPIRED = OutboxState.REFUSED, OutboxState.CANCELLED, OutboxState.EXPIRED


@pytest.fixture
async def stage(alice: Party) -> AsyncIterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(**fields: Any) -> Stage:
        made.append(Stage(alice, **fields))
        return made[-1]

    yield make
    for one in made:
        await one.close()


def log_of(stage: Stage) -> bytes:
    return (stage.party.folder / "account" / "outbound" / "outbound.log").read_bytes()


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
    (waiting,) = await office.sending.push([entry.entry_id], 5)
    assert waiting.state is PENDING
    assert "connection" in waiting.reason
    one.clock.now += 25 * 3_600
    office.lender.client = alice.client  # type: ignore[attr-defined]
    (expired,) = await office.sending.push([entry.entry_id], 5)
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


# ── retries ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [401, 429])
async def test_what_certainly_did_not_leave_is_tried_again_by_itself(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, status: int
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault(
        "status", alice.agent, operation="send_mail", status=status, retry_after="120", times=1
    )
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.tries) == (PENDING, 1)
    assert entry.next_try > one.clock.now
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]
    assert len(await bob.inbox()) == 1


LOST = ("drop_before", "drop_after", "status_after", "html", "truncated")


@pytest.mark.parametrize("kind", LOST)
async def test_without_an_answer_it_is_uncertain_and_never_sent_again_on_a_guess(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, kind: str
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault(kind, alice.agent, operation="send_mail")
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert (entry.state, entry.next_try, entry.may_have_left) == (UNCERTAIN, 0, True)
    assert entry.reason
    assert "try again" not in entry.reason.lower()
    one.clock.now += 100_000
    assert states(await office.sending.push([entry.entry_id], 2)) == [UNCERTAIN]
    posts = [r for r in sandbox.requests(alice.agent) if r["operation"] == "send_mail"]
    assert len(posts) == 1
    settled = await office.settle_uncertain(entry.entry_id, resend=False)
    assert settled.state is SENT
    assert office.drafts.head(draft.draft_id).is_settled


@pytest.mark.parametrize("kind", LOST)
async def test_a_service_that_delivers_a_key_once_is_sent_the_same_again(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, kind: str
) -> None:
    one = stage(repeats=Repeats.SUPPRESSED)
    office = await one.open()
    sandbox.fault(kind, alice.agent, operation="send_mail", times=6)
    (entry,) = await send(office, mail(bob.address))
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]
    assert len(await bob.inbox()) == 1
    assert len(sandbox.sent(alice.agent)) == 1


@pytest.mark.parametrize("state", [UNCERTAIN, OutboxState.CLAIMED])
async def test_what_was_in_doubt_for_days_is_not_sent_again_without_a_person(
    stage: Callable[..., Stage],
    sandbox: SandboxControl,
    alice: Party,
    bob: Party,
    state: OutboxState,
) -> None:
    one = stage(repeats=Repeats.SUPPRESSED)
    office = await one.open()
    sandbox.fault("drop_before", alice.agent, operation="send_mail", times=50)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, bool(entry.next_try)) == (UNCERTAIN, True)
    if state is OutboxState.CLAIMED:
        office.outbox.claim(entry.entry_id, "a program that died")
    before = len(sandbox.requests(alice.agent))
    one.clock.now += 3 * 86_400
    (after,) = await office.sending.push([entry.entry_id], 5)
    assert (after.state, after.next_try) == (UNCERTAIN, 0)
    assert len(sandbox.requests(alice.agent)) == before
    await office.settle_uncertain(entry.entry_id, resend=True)
    await office.sending.push([entry.entry_id], 5)
    assert len(sandbox.requests(alice.agent)) > before


async def test_what_was_uploaded_before_a_long_sleep_does_not_leave_after_it(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    one = stage()
    office = await one.open()
    file = tmp_path / "a.txt"
    file.write_text("file")
    (entry,) = await queue(office, mail(bob.address, files=(file,)))

    def sleep(moved: OutboxEntry, _: SafeText) -> None:
        if moved.is_ready:
            one.clock.now += 3 * 86_400

    office.uploads.listen = sleep
    assert states(await office.sending.push([entry.entry_id], 10)) == [EXPIRED]
    assert sandbox.sent(alice.agent) == []


async def test_a_person_may_have_the_same_bytes_sent_again(
    stage: Callable[..., Stage],
    sandbox: SandboxControl,
    alice: Party,
    bob: Party,
    own_keys: tuple[OwnKey, ...],
    tmp_path: Path,
) -> None:
    await alice.publish(own_keys[0])
    sandbox.settings(dedupe=False)
    office = await stage().open()
    file = tmp_path / "a.txt"
    file.write_text("file")
    sandbox.fault("drop_after", alice.agent, operation="send_mail")
    (entry,) = await send(office, mail(bob.address, sealed=True, files=(file,)))
    assert entry.state is UNCERTAIN
    await office.settle_uncertain(entry.entry_id, resend=True)
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]
    first, second = (json.dumps(one["request"]) for one in sandbox.sent(alice.agent))
    assert first == second
    assert "BEGIN PGP MESSAGE" in first
    assert "object_key" in first


async def test_after_a_lost_answer_no_refusal_proves_that_it_did_not_leave(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    office = await stage().open()
    sandbox.fault("drop_after", alice.agent, operation="send_mail")
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    sandbox.fault("status", alice.agent, operation="send_mail", status=422)
    await office.settle_uncertain(entry.entry_id, resend=True)
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert after.state is UNCERTAIN
    assert office.drafts.head(draft.draft_id).state is DraftState.QUEUED


@pytest.mark.parametrize("kind", ["drop_after", "html", "invalid_json", "truncated"])
async def test_a_directory_that_does_not_answer_leaves_no_doubt_about_the_mail(
    stage: Callable[..., Stage],
    sandbox: SandboxControl,
    alice: Party,
    bob: Party,
    own_keys: tuple[OwnKey, ...],
    kind: str,
) -> None:
    await alice.publish(own_keys[0])
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    (entry,) = await queue(office, mail(bob.address, sealed=True))
    await office.sending.push([entry.entry_id], 30)
    one.clock.now += 10
    sandbox.fault(kind, operation="lookup_public_agent", times=None)
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert (after.state, after.tries) == (PENDING, 1)
    sandbox.clear_faults()
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]


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


# ── keys that lock, changes on the disk ──────────────────────────────────────────────────────────


async def test_once_sealed_it_leaves_without_the_own_key(
    stage: Callable[..., Stage], alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    (entry,) = await queue(office, mail(bob.address, sealed=True))
    assert (await office.sending.push([entry.entry_id], 30))[0].is_sealed
    await office.close()
    alice.keychain.lock()
    one.clock.now += 10
    office = await one.open()
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


async def test_a_spool_that_was_changed_refuses_the_mail(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    file = tmp_path / "a.txt"
    file.write_text("as approved")
    (entry,) = await queue(office, mail(bob.address, files=(file,)))
    await office.sending.push([entry.entry_id], 30)
    (office.folder / "outbound" / "spool" / entry.entry_id / "0").write_text("not approved")
    one.clock.now += 10
    assert states(await office.sending.push([entry.entry_id], 30)) == [REFUSED]
    assert sandbox.sent(alice.agent) == []


async def test_an_upload_that_broke_off_keeps_what_it_has_uploaded(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    one = stage()
    office = await one.open()
    files = tuple(tmp_path / name for name in ("a.txt", "b.txt"))
    for file in files:
        file.write_text(file.name)
    sandbox.fault("status", operation="s3_upload", status=500, skip=1, times=10)
    (entry,) = await send(office, mail(bob.address, files=files))
    assert entry.state is PENDING
    content = office.outbox.content(entry.entry_id)
    assert content.sealed is not None
    (first,) = content.sealed["uploaded"]
    sandbox.clear_faults()
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]
    (sent,) = sandbox.sent(alice.agent)
    assert sent["request"]["attachments"][0]["object_key"] == first["object_key"]


# ── two processes, stops ─────────────────────────────────────────────────────────────────────────


async def test_two_offices_on_one_outbox_send_each_mail_once(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    sandbox.settings(dedupe=False)
    one = stage()
    office, other = await one.open(), await one.open()
    entries = [(await queue(office, mail(bob.address)))[0].entry_id for _ in range(12)]
    await asyncio.gather(office.sending.push(entries, 60), other.sending.push(entries, 60))
    assert {office.outbox.get(entry).state for entry in entries} == {SENT}
    assert len(sandbox.sent(alice.agent)) == 12


async def on_wire(office: Office, entry_id: str) -> None:
    """Wait until the service may be taking a mail."""
    claimed = asyncio.Event()

    def look(entry: OutboxEntry, _: SafeText) -> None:
        if entry.state is OutboxState.CLAIMED:
            claimed.set()

    office.uploads.listen = look
    await claimed.wait()
    while entry_id not in office.carrier.on_wire:
        await asyncio.to_thread(lambda: None)


async def test_stopped_in_the_middle_of_a_send_it_is_uncertain_and_nothing_else(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    office = await stage().open()
    (entry,) = await queue(office, mail(bob.address))
    sandbox.fault("latency", alice.agent, operation="send_mail", seconds=20)
    task = asyncio.ensure_future(office.sending.run())
    await on_wire(office, entry.entry_id)
    await office.sending.finish(0.05)
    task.cancel()
    after = office.outbox.get(entry.entry_id)
    assert (after.state, after.next_try) == (UNCERTAIN, 0)
    assert "stopped" in after.reason


async def test_stopping_lets_what_is_on_the_wire_be_answered(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    office = await stage().open()
    (entry,) = await queue(office, mail(bob.address))
    sandbox.fault("latency", alice.agent, operation="send_mail", seconds=0.2)
    task = asyncio.ensure_future(office.sending.run())
    await on_wire(office, entry.entry_id)
    await office.sending.finish(20)
    task.cancel()
    assert office.outbox.get(entry.entry_id).state is SENT


async def test_what_a_killed_program_left_in_the_spool_is_gone_and_what_waits_stays(
    stage: Callable[..., Stage], bob: Party, tmp_path: Path
) -> None:
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    file = tmp_path / "a.txt"
    file.write_text("waits")
    (entry,) = await queue(office, mail(bob.address, files=(file,)))
    await office.sending.push([entry.entry_id], 30)
    spool = office.folder / "outbound" / "spool"
    (spool / "left").mkdir()
    (spool / "left" / "0").write_text("plain copy")
    again = await one.open()
    assert [path.name for path in spool.iterdir()] == [entry.entry_id]
    one.clock.now += 10
    assert states(await again.sending.push([entry.entry_id], 30)) == [SENT]


async def test_commits_lost_to_damage_leave_no_mail_that_is_sent_again_on_a_guess(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault("status", alice.agent, operation="send_mail", status=429, retry_after="60")
    (entry,) = await send(office, mail(bob.address))
    assert entry.is_ready
    office.store.put("state", "damaged", {"version": 1})
    one.clock.now += 100
    (after,) = await office.sending.push([entry.entry_id], 5)
    assert (after.state, after.may_have_left) == (UNCERTAIN, True)
    assert sandbox.sent(alice.agent) == []


async def test_a_full_disk_is_told_and_costs_no_mail(
    stage: Callable[..., Stage], bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await stage().open()
    (entry,) = await queue(office, mail(bob.address))
    told: list[str] = []
    office.sending.on_trouble = lambda error: told.append(error.sentence)
    whole = office.store.put

    def full(*_: object) -> None:
        raise DiskFull("The disk is full.")

    monkeypatch.setattr(office.store, "put", full)
    await office.sending.push([entry.entry_id], 0.5)
    monkeypatch.setattr(office.store, "put", whole)
    assert set(told) == {"The disk is full."}
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]
    assert len(await bob.inbox()) == 1


@pytest.mark.parametrize(
    ("taken", "ends", "delivered"), [(True, SENT, 1), (False, SENT, 2), (None, UNCERTAIN, 1)]
)
async def test_a_service_that_can_tell_is_asked_before_anybody_else(
    stage: Callable[..., Stage],
    sandbox: SandboxControl,
    alice: Party,
    bob: Party,
    taken: bool | None,
    ends: OutboxState,
    delivered: int,
) -> None:
    sandbox.settings(dedupe=False)
    one = stage()
    office = await one.open()

    async def reconcile(_: OutboxEntry) -> bool | None:
        return taken

    office.carrier.around = replace(office.carrier.around, reconcile=reconcile)
    sandbox.fault("drop_after", alice.agent, operation="send_mail")
    (entry,) = await send(office, mail(bob.address))
    assert await until_settled(office, one.clock, [entry.entry_id]) == [ends]
    assert len(sandbox.sent(alice.agent)) == delivered


async def test_what_was_not_sealed_yet_waits_for_the_own_key(
    stage: Callable[..., Stage], alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    one = stage()
    office = await one.open()
    (entry,) = await queue(office, mail(bob.address, sealed=True))
    await office.close()
    alice.keychain.lock()
    office = await one.open()
    (waiting,) = await office.sending.push([entry.entry_id], 5)
    assert (waiting.state, waiting.is_sealed) == (PENDING, False)
    assert "locked" in waiting.reason
    await alice.keychain.unlock(None)
    await office.retry_now()
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


async def test_without_an_own_key_no_local_copy_of_an_encrypted_text_stays(
    stage: Callable[..., Stage], bob: Party
) -> None:
    one = stage()
    office = await one.open()
    (entry,) = await send(office, mail(bob.address, sealed=True))
    assert entry.state is SENT
    assert office.outbox.content(entry.entry_id).text == ""
    assert b"canary" not in log_of(one)
