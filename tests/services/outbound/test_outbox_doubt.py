"""Mail that did not leave, or may have: tried again by itself where that is safe, by a person else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.draft import DraftState
from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.outbox_views import sentence_of
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from services.safe_text import SafeText
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    EXPIRED,
    PENDING,
    SENT,
    UNCERTAIN,
    Stage,
    mail,
    queue,
    send,
    states,
    until_settled,
)


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
    assert states(await office.sending.push([entry.entry_id], 30)) == [UNCERTAIN]
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
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert (after.state, after.next_try) == (UNCERTAIN, 0)
    assert len(sandbox.requests(alice.agent)) == before
    await office.settle_uncertain(entry.entry_id, resend=True)
    await office.sending.push([entry.entry_id], 30)
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
    assert states(await office.sending.push([entry.entry_id], 30)) == [EXPIRED]
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


async def to_be_sent_again(
    office: Office, sandbox: SandboxControl, alice: Party, bob: Party
) -> OutboxEntry:
    """A mail whose answer was lost; a person sends it again, and the service is too busy at first."""
    sandbox.fault("drop_after", alice.agent, operation="send_mail")
    (entry,) = await send(office, mail(bob.address))
    busy = {"status": 429, "retry_after": "120", "times": 1}
    sandbox.fault("status", alice.agent, operation="send_mail", **busy)
    await office.settle_uncertain(entry.entry_id, resend=True)
    return entry


async def test_a_decision_to_send_it_again_stands_until_it_may_have_left_again(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    sandbox.settings(dedupe=False)
    one = stage()
    office = await one.open()
    entry = await to_be_sent_again(office, sandbox, alice, bob)
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert after.state is UNCERTAIN
    assert "sent again by itself" in str(sentence_of(after, office.now))
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]
    assert len(sandbox.sent(alice.agent)) == 2


async def test_a_decision_to_send_it_again_does_not_stand_for_days(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    one = stage()
    office = await one.open()
    entry = await to_be_sent_again(office, sandbox, alice, bob)
    await office.sending.push([entry.entry_id], 30)
    one.clock.now += 3 * 86_400
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert (after.state, after.next_try, after.may_repeat) == (UNCERTAIN, 0, False)
    assert len(sandbox.sent(alice.agent)) == 1


async def test_a_second_lost_answer_asks_the_person_again(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault("drop_after", alice.agent, operation="send_mail", times=2)
    (entry,) = await send(office, mail(bob.address))
    await office.settle_uncertain(entry.entry_id, resend=True)
    assert await until_settled(office, one.clock, [entry.entry_id]) == [UNCERTAIN]
    after = office.outbox.get(entry.entry_id)
    assert (after.tries, after.next_try, after.may_repeat) == (2, 0, False)


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
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert (after.state, after.may_have_left) == (UNCERTAIN, True)
    assert sandbox.sent(alice.agent) == []
