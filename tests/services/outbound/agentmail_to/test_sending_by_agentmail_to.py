"""What AgentMail.to is given behind the gate, at the sandbox's own door: reference 004."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.api.agentmail_to.send import Letter, LetterFile, LetterSender, body_of, wire_key
from services.crypto import messages
from services.crypto.own import OwnKey
from services.draft import DraftKind
from services.errors import UsageError
from services.outbound.gate.plan import RefusalKind
from services.outbound_models import OutboxState
from services.service_config import SendProfile
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import mail, send, states
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import mail as received_mail

# ── the body ─────────────────────────────────────────────────────────────────────────────────────


async def test_a_mail_to_outside_has_exactly_the_four_keys_and_oversight_in_bcc(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert (entry.state, entry.reason) == (OutboxState.SENT, "")
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
    assert states(entries) == [OutboxState.SENT, OutboxState.SENT]
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
    office = await stage.open(SendProfile.WIDE)
    draft = mail(
        bob.address, files=(note,), headers=(("X-Case", "7"),), in_reply_to="<a@b.example>"
    )
    (entry,) = await send(office, draft)
    assert entry.state is OutboxState.SENT
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
    office = await stage.open(SendProfile.WIDE)
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


async def test_what_was_sent_from_here_is_followed_up_to_the_same_people(
    stage: V0Stage, bob: Party
) -> None:
    office = await stage.open(SendProfile.WIDE)
    (first,) = await send(office, mail(bob.address))
    follow_up = replace(
        mail(bob.address, subject="Re: Numbers"),
        kind=DraftKind.REPLY, answers=first.server_id, in_reply_to=first.server_id,
    )  # fmt: skip
    (entry,) = await send(office, follow_up)
    assert (entry.state, entry.reason) == (OutboxState.SENT, "")
    assert [one["request"]["to"] for one in stage.sent()] == [[bob.address]] * 2
    assert stage.address not in stage.sent()[1]["recipients"]


async def test_an_encrypted_mail_is_armor_in_the_text_that_oversight_can_read_too(
    stage: V0Stage, alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    office = await stage.open()
    (entry,) = await send(office, mail(bob.address, sealed=True))
    assert entry.state is OutboxState.SENT
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
