"""AgentMail.to behind the gate, over HTTP at the sandbox's own door: reference 004, rule by rule."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.api.agentmail_to.send import Letter, LetterFile, LetterSender, body_of, wire_key
from services.config import Account
from services.crypto import messages
from services.crypto.own import OwnKey
from services.draft import BodyFormat, DraftKind, DraftState, Metering
from services.errors import (
    ConfigError,
    Conflict,
    MailError,
    PolicyRefused,
    ServerBroken,
    UsageError,
)
from services.outbound.gate.plan import RefusalKind, Role
from services.outbound.gate.reviewing import review
from services.outbound.gate.sender import Sender
from services.outbound.office import Office
from services.outbound.outbox.outbox_views import sentence_of
from services.outbound_models import OutboxState
from services.policy_config import Policy, read_policy
from services.service_config import SendProfile
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.killing import FAULTS, Children, check_true, entries, fill
from tests.services.outbound.office_stage import mail, queue, send, states, until_settled
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control
from tests.services.sandbox.agentmail_to.v0_control import mail as received_mail

SENT, UNCERTAIN, REFUSED = OutboxState.SENT, OutboxState.UNCERTAIN, OutboxState.REFUSED
STRICT, WIDE = SendProfile.STRICT, SendProfile.WIDE


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees; the directory of keys is hers as well."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    await made.close()


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_bytes(b"enclosed")
    return path


# ── the body ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_to_outside_has_exactly_the_four_keys_and_oversight_in_bcc(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert (entry.state, entry.reason) == (SENT, "")
    [one] = stage.sent()
    assert one["request"] == {
        "to": [bob.address], "bcc": [alice.address], "subject": "Numbers",
        "text": "the canary sings",
    }  # fmt: skip
    assert one["operation"] == "v0_send_message"
    assert one["idempotency_key"] == entry.idempotency_key
    assert (entry.server_id, len(await alice.inbox())) == (one["message_id"], 1)
    assert [action for action, _ in stage.audited(office)] == ["queued", "sent", "verified"]


async def test_a_mail_between_inboxes_of_the_key_has_no_bcc(stage: V0Stage) -> None:
    office = await stage.open(oversight="")
    entries = await send(office, mail(stage.sister, stage.address))
    assert states(entries) == [SENT, SENT]
    assert [set(body) for body in stage.bodies()] == [{"to", "subject", "text"}] * 2
    assert "verified" not in [action for action, _ in stage.audited(office)]


async def test_one_recipient_outside_puts_oversight_into_every_mail(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    await send(office, replace(mail(stage.sister), cc=(bob.address,)))
    assert [body["bcc"] for body in stage.bodies()] == [[alice.address]] * 2
    assert {body["to"][0] for body in stage.bodies()} == {stage.sister, bob.address}


async def test_oversight_as_a_recipient_is_still_in_bcc_of_the_others(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    await send(office, mail(bob.address, alice.address))
    told = {body["to"][0]: body.get("bcc") for body in stage.bodies()}
    assert told == {bob.address: [alice.address], alice.address: None}


async def test_wide_adds_files_and_headers_and_nothing_else(
    stage: V0Stage, bob: Party, note: Path
) -> None:
    office = await stage.open(WIDE)
    draft = mail(
        bob.address, files=(note,), headers=(("X-Case", "7"),), in_reply_to="<a@b.example>"
    )
    (entry,) = await send(office, draft)
    assert entry.state is SENT
    [body] = stage.bodies()
    assert set(body) == {"to", "bcc", "subject", "text", "attachments", "headers"}
    [file] = body["attachments"]
    assert (file["filename"], base64.b64decode(file["content"])) == ("note.txt", b"enclosed")
    # What it answers is the service's to write: a header of that name is refused there.
    assert body["headers"] == {"X-Case": "7"}
    await send(office, mail(bob.address, correlation_id="c-1"))
    assert stage.bodies()[1]["headers"] == {"X-AgentMail-Correlation-Id": "c-1"}


async def test_wide_answers_by_the_message_to_written_out_recipients(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open(WIDE)
    named = f"<q1@{bob.address.rpartition('@')[2]}>"
    got = stage.v0.receive(
        stage.address,
        received_mail("Question", From=f"Bob <{bob.address}>", Reply_To="evil@elsewhere.example"),
        message_id=named,
    )
    answer = replace(
        mail(bob.address, subject="Re: Question"),
        kind=DraftKind.REPLY, answers=got["message_id"], in_reply_to=got["message_id"],
    )  # fmt: skip
    await send(office, answer)
    [one] = stage.sent()
    assert one["operation"] == "v0_reply_message"
    assert set(one["request"]) == {"to", "bcc", "text"}
    assert sorted(one["recipients"]) == sorted([alice.address, bob.address])
    assert [action for action, _ in stage.audited(office)] == ["queued", "sent", "verified"]
    # Under another subject than the service would make it is a mail of its own.
    await send(office, replace(answer, draft_id="other", idempotency_key="other", subject="Re: x"))
    assert stage.sent()[1]["operation"] == "v0_send_message"
    assert stage.bodies()[1]["subject"] == "Re: x"


async def test_an_encrypted_mail_is_armor_in_the_text_that_oversight_can_read_too(
    stage: V0Stage, alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    office = await stage.open()
    (entry,) = await send(office, mail(bob.address, sealed=True))
    assert entry.state is SENT
    [body] = stage.bodies()
    assert set(body) == {"to", "bcc", "subject", "text"}
    for key in own_keys[:2]:
        assert messages.decrypt(body["text"].encode(), [key.unlock()]).text == "the canary sings"
    assert "canary" not in str(stage.sent())


async def test_an_encrypted_mail_needs_a_key_of_oversight(stage: V0Stage, bob: Party) -> None:
    office = await stage.open()
    kept = office.drafts.save(mail(bob.address, sealed=True))
    _, plan = await office.plan(kept.draft_id)
    assert plan.mails == ()
    assert stage.overseer in plan.refusals[0].sentence


async def test_a_service_without_a_directory_says_why_nothing_can_be_encrypted(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open()
    stage.chain.connect(stage.client)
    kept = office.drafts.save(mail(bob.address, sealed=True))
    _, plan = await office.plan(kept.draft_id)
    assert "no key directory" in plan.refusals[0].sentence
    assert plan.refusals[0].kind is RefusalKind.CRYPTO


# ── what strict does not carry ───────────────────────────────────────────────────────────────────

UNCARRIED: dict[str, dict[str, Any]] = {
    "headers": {"headers": (("X-Case", "7"),)},
    "reply-to": {"headers": (("Reply-To", "evil@elsewhere.example"),)},
    "usage": {"usage": Metering(tokens_input=1)},
    "marketplace": {"marketplace_request_id": "mkt-1"},
    "html": {"format": BodyFormat.HTML, "body": "<b>x</b>"},
    "markdown": {"format": BodyFormat.MARKDOWN},
    "empty text": {"body": " \n"},
    "too long": {"body": "ab\n" * 2_000_000},
}


@pytest.mark.parametrize("profile", [STRICT, WIDE])
@pytest.mark.parametrize("what", UNCARRIED)
async def test_what_the_service_is_not_given_is_refused_before_anything_leaves(
    stage: V0Stage, bob: Party, what: str, profile: SendProfile
) -> None:
    office = await stage.open(profile)
    draft = office.drafts.save(mail(bob.address, **UNCARRIED[what]))
    _, plan = await office.plan(draft.draft_id)
    if profile is WIDE and what == "headers":
        assert plan.refusals == ()
        return
    assert plan.refusals
    assert plan.mails == ()
    assert all(one.next_step for one in plan.refusals)
    with pytest.raises(MailError):
        await office.enqueue(plan, by_person=True)
    assert stage.sent() == []


@pytest.mark.parametrize("name", ["Reply-To", "mail-followup-to", "Disposition-Notification-To"])
async def test_a_place_outside_for_the_answers_is_judged_like_a_recipient(
    stage: V0Stage, name: str
) -> None:
    office = await stage.open(WIDE)
    draft = mail(stage.sister, headers=((name, "evil@elsewhere.example"),))
    _, plan = await office.plan(office.drafts.save(draft).draft_id)
    assert plan.person
    if name == "Reply-To":
        assert "writes Reply-To itself" in plan.refusals[0].sentence
    else:
        assert plan.mails[0].bcc == (stage.overseer,)


async def test_files_need_the_wide_profile_and_fit_into_one_request(
    stage: V0Stage, bob: Party, note: Path
) -> None:
    office = await stage.open()
    _, plan = await office.plan(office.drafts.save(mail(bob.address, files=(note,))).draft_id)
    [refusal] = plan.refusals
    assert 'profile = "wide"' in refusal.next_step
    await asyncio.to_thread(note.write_bytes, b"x" * 4_600_000)
    wide = await stage.open(WIDE)
    _, plan = await wide.plan(wide.drafts.save(mail(bob.address, files=(note,))).draft_id)
    [refusal] = plan.refusals
    assert "Leave a file out" in refusal.next_step


async def test_what_strict_leaves_out_is_told_in_the_review(stage: V0Stage, bob: Party) -> None:
    office = await stage.open()
    draft = mail(bob.address, in_reply_to="<a@b.example>", correlation_id="c-1")
    _, plan = await office.plan(office.drafts.save(draft).draft_id)
    told = [check.sentence for check in plan.checks if check.name == "left_out"]
    assert len(told) == 2
    assert plan.headers == ()


async def test_oversight_is_a_row_of_the_review_and_part_of_the_digest(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    draft = office.drafts.save(mail(bob.address))
    _, plan = await office.plan(draft.draft_id)
    row = review(plan).recipients[-1]
    assert (str(row.address), str(row.role)) == (alice.address, Role.OVERSIGHT_BCC.value)
    other = await (await stage.open(oversight="person@elsewhere.example")).plan(draft.draft_id)
    assert other[1].digest != plan.digest
    dropped = replace(plan, mails=(replace(plan.mails[0], bcc=()),))
    assert dropped.digest != plan.digest


async def test_without_oversight_nothing_goes_outside(stage: V0Stage, bob: Party) -> None:
    office = await stage.open(oversight="")
    _, plan = await office.plan(office.drafts.save(mail(bob.address)).draft_id)
    assert "oversight" in plan.refusals[0].sentence


@pytest.mark.parametrize("mine", ["address", "sister"])
async def test_an_inbox_of_the_key_is_nobody_that_oversees(
    stage: V0Stage, bob: Party, mine: str
) -> None:
    office = await stage.open(oversight=getattr(stage, mine))
    _, plan = await office.plan(office.drafts.save(mail(bob.address)).draft_id)
    assert "of the agents themselves" in plan.refusals[0].sentence


async def test_a_mail_that_lost_its_bcc_while_it_waited_does_not_leave(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open()
    _, plan = await office.plan(office.drafts.save(mail(bob.address)).draft_id)
    [planned] = plan.released(by_person=True)
    gate = await office.gate()
    for bcc in ((), ("else@elsewhere.example",), (stage.overseer, "x@elsewhere.example")):
        with pytest.raises(PolicyRefused):
            await gate.seal(replace(planned, bcc=bcc), stage.folder / "spool")
    ready = await gate.upload(await gate.seal(planned, stage.folder / "spool"))
    for spoilt in (replace(ready, bcc=()), replace(ready, sender=stage.sister)):
        with pytest.raises(PolicyRefused):
            await gate.send(spoilt)
    assert stage.sent() == []


async def test_blind_copies_count_for_the_caps(stage: V0Stage, bob: Party) -> None:
    office = await stage.open(per_day=3)
    await send(office, mail(bob.address))
    _, plan = await office.plan(office.drafts.save(mail(bob.address)).draft_id)
    assert "2 have left and this makes 2 more" in plan.refusals[0].sentence


# ── who is inside ────────────────────────────────────────────────────────────────────────────────


async def test_when_the_inboxes_cannot_be_listed_the_sister_counts_as_outside(
    stage: V0Stage, sandbox: SandboxControl
) -> None:
    office = await stage.open()
    sandbox.fault("status", operation="v0_list_inboxes", status=403, times=None)
    _, plan = await office.plan(office.drafts.save(mail(stage.sister)).draft_id)
    assert plan.recipients[0].is_external
    assert plan.mails[0].bcc == (stage.overseer,)
    sandbox.clear_faults()
    _, plan = await office.plan(office.drafts.save(mail(stage.sister)).draft_id)
    assert not plan.recipients[0].is_external
    assert plan.mails[0].bcc == ()


async def test_while_the_inboxes_cannot_be_asked_for_mail_waits_and_is_not_refused(
    stage: V0Stage, sandbox: SandboxControl
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(stage.sister))
    again = await stage.open()
    sandbox.fault("status", operation="v0_list_inboxes", status=503, times=None)
    with pytest.raises(ServerBroken):
        await again.plan(again.drafts.save(mail(stage.sister)).draft_id)
    (entry,) = await again.sending.push([entry.entry_id], 10)
    assert (entry.state, entry.next_try > 0) == (OutboxState.PENDING, True)
    sandbox.clear_faults()
    assert await until_settled(again, stage.clock, [entry.entry_id]) == [SENT]


@pytest.mark.parametrize("domain", ["agentmail.to", "agentmail.eu"])
def test_the_shared_domain_is_never_ours_only_whole_addresses_are(domain: str) -> None:
    account = Account("a", "agentmail.to", "", address=f"Me@{domain}")
    sender = Sender.of(account, inboxes=(f"Sister@{domain}",))
    assert sender.is_internal(f"me@{domain}")
    assert sender.is_internal(f"SISTER@{domain}")
    others = (f"else@{domain}", f"me@x.{domain}", f"me+1@{domain}", f"sister@{domain}.evil.org",
              f"x%me@{domain}", f"<me@{domain}>", f"me@{domain}\n")  # fmt: skip
    assert not any(map(sender.is_internal, others))
    # Neither by a domain that the account names, nor by one that its policy lists.
    listed = Policy(internal=(domain, f"friend@{domain}"))
    for kind in ("agentmail.to", "assmbl"):
        named = replace(account, kind=kind, mail_domain=domain, policy=listed)
        assert not Sender.of(named).is_internal(f"else@{domain}")
        assert Sender.of(named).is_internal(f"friend@{domain}")
    assert not Sender.of(replace(account, kind="assmbl")).is_internal(f"else@{domain}")
    with pytest.raises(ConfigError, match="never internal"):
        read_policy({"internal": [domain]}, "here")


@pytest.mark.parametrize(
    "typed",
    ["friends: bob@agents.example.com;", "a@b.example\nBcc: c@d.example", "a@b@c.example", "bob",
     "a@b.example, c@d.example", "ａ@agents.example.com"],
)  # fmt: skip
async def test_what_names_no_single_address_is_refused(stage: V0Stage, typed: str) -> None:
    office = await stage.open()
    _, plan = await office.plan(office.drafts.save(mail(typed)).draft_id)
    assert plan.refusals
    assert stage.sent() == []


# ── once, and looked at ──────────────────────────────────────────────────────────────────────────


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
    assert await until_settled(office, stage.clock, [entry.entry_id]) == [SENT]
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
    assert await until_settled(again, stage.clock, [entry.entry_id]) == [SENT]
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
    children = Children(sandbox, alice, "unknown", more=about)
    for number in range(12):
        fault = FAULTS[number % len(FAULTS)]
        sandbox.fault(operation="v0_send_message", skip=number % 3, times=2, **fault)
    for _ in range(3):
        children.run_and_kill(0.8)
        check_true(office, Counter(body["subject"] for body in stage.bodies()))
    children.run()
    delivered = Counter(body["subject"] for body in stage.bodies())
    check_true(office, delivered)
    assert {entry.state for entry in entries(office)} == {SENT}
    assert sum(delivered.values()) == len(delivered) == count
    assert all(body["bcc"] == [alice.address] for body in stage.bodies())
    assert len(await bob.inbox()) == count


async def test_a_key_that_is_still_in_use_is_waited_for(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage.open()
    sandbox.fault("drop_before", operation="v0_send_message")
    (entry,) = await send(office, mail(bob.address))
    assert entry.state is UNCERTAIN
    sandbox.fault("status", operation="v0_send_message", status=409, error="conflict")
    stage.clock.now = entry.next_try
    (entry,) = await office.sending.push([entry.entry_id], 10)
    assert (entry.state, entry.next_try > 0) == (UNCERTAIN, True)
    assert await until_settled(office, stage.clock, [entry.entry_id]) == [SENT]


async def test_after_a_day_only_a_person_sends_it_again(
    stage: V0Stage, sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage.open()
    sandbox.fault("drop_before", operation="v0_send_message", times=None)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.next_try > 0) == (UNCERTAIN, True)
    sandbox.clear_faults()
    stage.clock.now += 24 * 3600
    (entry,) = await office.sending.push([entry.entry_id], 10)
    assert (entry.state, entry.next_try) == (UNCERTAIN, 0)
    assert stage.sent() == []
    await office.settle_uncertain(entry.entry_id, resend=True)
    assert states(await office.sending.push([entry.entry_id], 10)) == [SENT]


async def test_a_403_that_names_oversight_stops_and_says_so(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    with stage.v0.client(stage.org.key) as client:
        place = f"inboxes/{stage.address}/lists/send/block"
        assert client.post(place, json={"entry": alice.address}).is_success
    office = await stage.open()
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert entry.state is REFUSED
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
    sandbox.fault("answer", operation="v0_get_message", body=shown)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, office.drafts.head(entry.draft_id).is_settled) == (SENT, True)
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
    assert entry.state is SENT
    assert stage.audited(office)[-1][0] == "could not be verified"


async def test_a_scheduled_mail_leaves_at_its_time_and_not_before(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open()
    at = int(stage.clock.now) + 3600
    (entry,) = await send(office, mail(bob.address, send_at=at))
    assert (entry.state, stage.sent()) == (OutboxState.PENDING, [])
    stage.clock.now = at
    assert states(await office.sending.push([entry.entry_id], 10)) == [SENT]


# ── the wire module ──────────────────────────────────────────────────────────────────────────────


def letter(**fields: Any) -> Letter:
    return Letter(**({"to": ("a@b.example",), "subject": "s", "text": "t"} | fields))


@pytest.mark.parametrize(
    "fields",
    [{"headers": (("X-A", "b"),)}, {"attachments": (LetterFile("a", "text/plain", "eA=="),)},
     {"text": ""}, {"text": "  "}, {"to": ()}],
)  # fmt: skip
async def test_the_strict_body_takes_nothing_else(stage: V0Stage, fields: Any) -> None:
    with pytest.raises(UsageError):
        await LetterSender(stage.client.door, stage.address).send(letter(**fields), "key")
    with pytest.raises(UsageError):
        await LetterSender(stage.client.door, stage.address).reply("<a@b>", letter(), "key")
    assert stage.sent() == []


def test_a_key_travels_as_the_service_takes_it() -> None:
    assert wire_key("draft-1.a_b~c") == "draft-1.a_b~c"
    odd = wire_key("with/slash")
    assert odd == wire_key("with/slash")
    assert len(odd) == 64
    with pytest.raises(UsageError):
        wire_key("")
    assert body_of(letter(), frozenset({"to", "subject", "text"})).keys() == {
        "to", "subject", "text",
    }  # fmt: skip
