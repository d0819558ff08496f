"""Plans: what they cover, what they refuse beforehand, and that a review tells all of it."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.crypto.own import OwnKey
from services.draft import BodyFormat, DraftFile, Metering
from services.errors import CryptoError, PolicyRefused, ServiceError, UsageError
from services.outbound.gate.plan import OutboundMail, Plan, RefusalKind, Role
from services.outbound.gate.policy import Sender
from services.outbound.gate.ready import ReadyMail, SealedMail
from services.outbound.gate.requirements import faults
from services.outbound.gate.reviewing import changed, review
from services.outbound_models import CheckLevel
from services.policy_config import EncryptionRule, OversightCopy, Policy
from tests.conftest import SandboxControl
from tests.fakes.sending import released, written
from tests.services.outbound.conftest import DOMAIN, Party
from tests.services.outbound.gate_stage import mail

POSSIBLE = Policy(encryption=EncryptionRule.WHEN_POSSIBLE)
EXTERNAL = "sales@bigco.example"


# ── encryption when possible ─────────────────────────────────────────────────────────────────────


async def test_when_possible_encrypts_to_who_has_a_key_and_says_so(
    alice: Party, bob: Party
) -> None:
    plan = await alice.gate_with(POSSIBLE).plan(mail(bob.address))
    assert plan.encrypted
    assert "everybody has a key" in str(review(plan).checks)


async def test_when_possible_goes_in_clear_only_to_who_never_had_a_key(
    alice: Party, bob: Party
) -> None:
    await bob.client.directory.revoke_directory_key()
    plan = await alice.gate_with(POSSIBLE).plan(mail(bob.address))
    assert (plan.encrypted, plan.refusals) == (False, ())
    clear = [one for one in review(plan).checks if one.name == "encryption"]
    assert clear[0].level is CheckLevel.CAUTION
    assert "not everybody has a key" in clear[0].sentence


async def test_when_possible_a_key_that_is_taken_away_is_no_reason_for_clear(
    alice: Party, bob: Party
) -> None:
    await alice.keychain.peer_for(bob.address)
    await bob.client.directory.revoke_directory_key()
    plan = await alice.gate_with(POSSIBLE).plan(mail(bob.address))
    assert plan.encrypted
    with pytest.raises(CryptoError):
        plan.require()


async def test_when_possible_a_directory_that_does_not_answer_is_no_reason_for_clear(
    alice: Party, bob: Party, sandbox: SandboxControl
) -> None:
    sandbox.fault("status", operation="lookup_public_agent", status=503, times=None)
    plan = await alice.gate_with(POSSIBLE).plan(mail(bob.address))
    assert plan.refusals[0].kind is RefusalKind.SERVICE
    with pytest.raises(ServiceError):
        plan.require()


# ── the linked copy ──────────────────────────────────────────────────────────────────────────────


async def test_the_encrypted_copy_for_oversight_is_sealed_to_its_own_key(
    alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    policy = Policy(internal=("nobody.example",), oversight=bob.address)
    # Everybody but the oversight address is outside: herself too, who has a key.
    await alice.publish(own_keys[0])
    draft = written(alice.address, "s", "t", sealed=True)
    plan = await alice.gate_with(policy).plan(draft)
    copy, own = plan.mails
    assert (copy.role, copy.to, copy.key) == (
        Role.OVERSIGHT, bob.address, own_keys[1].fingerprint,
    )  # fmt: skip
    assert (own.to, own.key) == (alice.address, own_keys[0].fingerprint)
    assert (own.copy_key, own.oversight) == (copy.idempotency_key, bob.address)
    assert plan.copies == (copy,)


@pytest.mark.parametrize(
    "policy",
    [Policy(), Policy(oversight="eve@people.example", oversight_copy=OversightCopy.REFUSE)],
)
async def test_external_mail_that_cannot_be_copied_is_refused_with_the_way_out(
    alice: Party, policy: Policy
) -> None:
    plan = await alice.gate_with(policy).plan(mail(EXTERNAL))
    assert plan.mails == ()
    with pytest.raises(PolicyRefused) as refused:
        plan.released(by_person=True)
    assert refused.value.exit_code == 7
    assert "oversight" in refused.value.next_step
    assert review(plan).refusal == refused.value.sentence


# ── caps ─────────────────────────────────────────────────────────────────────────────────────────


async def test_caps_are_counted_where_mail_is_kept_and_reached_where_it_cannot_be(
    alice: Party, bob: Party
) -> None:
    class _Traffic:
        def left_since(self, moment: int) -> int:
            return 2 if moment == 10_000 - 3_600 else 7

    policy = Policy(per_hour=3, per_day=8)
    more = {"clock": lambda: 10_000.0}
    free = await alice.gate_with(policy, traffic=_Traffic(), **more).plan(mail(bob.address))
    assert free.refusals == ()
    both = mail(bob.address, cc=(f"ann@{DOMAIN}",))
    full = await alice.gate_with(policy, traffic=_Traffic(), **more).plan(both)
    assert len(full.refusals) == 2
    assert (await alice.gate_with(policy, **more).plan(mail(bob.address))).refusals


# ── what cannot be written ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "spoilt",
    [
        {"subject": "a\nBcc: x@y.example"}, {"subject": "a\u2028b"}, {"subject": "x" * 10_001},
        {"body": "\ud800"}, {"body": "x" * (4 * 1024 * 1024 + 1)},
        {"headers": (("Bcc", "x@y.example"),)}, {"headers": (("X A", "b"),)},
        {"headers": (("X-A", "b\nc"),)}, {"headers": (("X-A", "b\u202ec"),)},
        {"headers": (("Content-Type", "text/html"),)}, {"headers": (("Resent-To", "x@y.example"),)},
        {"headers": (("X-A", "1"), ("x-a", "2"))}, {"headers": (("X-AgentMail-Encrypted", "body"),)},
        {"headers": (("X-Oversight-Copy", "yes"),)}, {"headers": ((" From ", "x@y.example"),)},
        {"in_reply_to": "<a@b>\nX: y"}, {"references": ("<a@b>\r\nX: y",)},
        {"in_reply_to": "<a@b>", "headers": (("In-Reply-To", "<c@d>"),)},
        {"correlation_id": "a b"}, {"correlation_id": "x" * 201}, {"idempotency_key": ""},
        {"idempotency_key": "ключ"}, {"marketplace_request_id": "a\tb"},
        {"marketplace_request_id": "m-1", "cc": ("x@y.example",)},
        {"usage": Metering(tokens_input=-1)}, {"usage": Metering(custom_units={"": 1})},
        {"usage": Metering(custom_units={"a": float("nan")})},
        {"usage": Metering(custom_units={"a": float("inf")})},
        {"files": (DraftFile(Path("/x"), "../../x"),)}, {"files": (DraftFile(Path("/x"), ""),)},
        {"files": (DraftFile(Path("/x"), "a\x00b"),)}, {"files": (DraftFile(Path("/x"), "x" * 251),)},
        {"files": tuple(DraftFile(Path("/x"), f"{n}") for n in range(101))},
    ],
)  # fmt: skip
def test_what_could_not_be_written_on_the_wire_is_told_before(spoilt: dict[str, Any]) -> None:
    found = faults(replace(mail("a@b.example"), **spoilt))
    assert found
    assert all(one.kind is RefusalKind.DRAFT and one.sentence for one in found)


async def test_what_is_written_right_fits_the_contract(alice: Party) -> None:
    from services.api import wire

    draft = mail(
        f"bob@{DOMAIN}", headers=(("X-Ä", "ü"),), in_reply_to="<a@b>",
        references=tuple(f"<{n}@x.example>" for n in range(500)),
    )  # fmt: skip
    assert faults(draft) != ()
    draft = replace(draft, headers=(("X-A", "ü"),))
    [planned] = (await alice.gate.plan(draft)).mails
    told = {"to": planned.to, "subject": planned.subject, "body": planned.body,
            "headers": dict(planned.headers), "idempotency_key": planned.idempotency_key}  # fmt: skip
    msgspec.convert(told, wire.SendRequest)
    assert len(dict(planned.headers)["References"]) < 1_000


async def test_everything_that_speaks_against_a_mail_is_told_at_once(
    alice: Party, tmp_path: Path
) -> None:
    draft = mail(EXTERNAL, tmp_path / "gone.pdf", cc=("x y",), correlation_id="a b")
    plan = await alice.gate.plan(draft)
    told = " ".join(one.sentence for one in plan.refusals)
    for word in ("correlation id", "gone.pdf cannot be read", "exactly one address", "oversight"):
        assert word in told
    with pytest.raises(UsageError):
        plan.require()
    assert len([one for one in review(plan).checks if one.level is CheckLevel.REFUSED]) == 4


async def test_of_a_thousand_recipients_no_more_are_looked_up_than_a_mail_may_have(
    alice: Party, own_keys: tuple[OwnKey, ...], sandbox: SandboxControl
) -> None:
    await alice.publish(own_keys[0])
    many = tuple(f"agent{number}@{DOMAIN}" for number in range(1_000))
    draft = written(alice.address, "s", "t", sealed=True, cc=many)
    before = len(sandbox.requests())
    plan = await alice.gate.plan(draft)
    assert plan.refusals[0].sentence == "A mail has at most 50 recipients; this one has 1001."
    assert plan.refusals[0].next_step
    assert len(sandbox.requests()) - before <= 51


# ── the digest ───────────────────────────────────────────────────────────────────────────────────


NOT_SENT = {"digest", "by_person"}


async def test_who_cannot_be_reached_at_all_is_no_first_contact(alice: Party) -> None:
    draft = replace(mail("bob@x.example"), to=("Bob <bob@, carol",))
    plan = await alice.gate_with(Policy()).plan(draft)
    (told,) = review(plan).recipients
    assert (told.is_external, told.is_first_contact) == (True, False)
    assert "names no address" in told.warning
    assert plan.is_refused


async def test_every_field_of_a_mail_is_in_the_digest(alice: Party, bob: Party) -> None:
    plan = await alice.gate.plan(mail(bob.address))
    [planned] = plan.mails
    other = {str: "other", int: 7, tuple: (("X-A", "b"),)}
    for field in fields(OutboundMail):
        value: Any = other.get(type(getattr(planned, field.name)), Metering(tokens_input=1))
        if field.name == "role":
            value = Role.CC
        if field.name == "by_person":
            value = True
        if field.name == "format":
            value = BodyFormat.HTML
        if field.name == "files":
            value = ()
            assert planned.files == ()
            continue
        spoilt = replace(plan, mails=(replace(planned, **{field.name: value}),))
        assert (spoilt.digest == plan.digest) is (field.name in NOT_SENT), field.name
    for name, value in {
        "account": "x", "sender": "x", "draft_id": "x", "agent": "x", "agent_says": "x",
        "encrypted": True, "subject": "x", "body": "x", "send_at": 9, "via": "ses",
        "format": BodyFormat.HTML, "alternative": "x", "service": "x",
    }.items():  # fmt: skip
        assert replace(plan, **{name: value}).digest != plan.digest
    assert changed(plan, plan) == ()
    before = "\n".join(f"{number} {'same' * 10}" for number in range(1_900))
    after = before.replace("same ", "else ").replace("\n", " now\n")
    told = changed(replace(plan, body=before), replace(plan, body=after))
    assert told == ("The text is different: 1899 lines came, 1899 lines went.",)


async def test_a_plan_made_twice_is_the_same_and_so_are_its_keys(
    alice: Party, bob: Party, tmp_path: Path, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    report = tmp_path / "report.pdf"
    report.write_bytes(os.urandom(5_000))
    draft = written(bob.address, "s", "t", sealed=True, files=(report,))
    one, two = await alice.gate.plan(draft), await alice.gate.plan(replace(draft, revision=9))
    assert one.digest == two.digest
    assert one.mails == two.mails
    assert one.mails[0].own_key == own_keys[0].fingerprint


@pytest.mark.parametrize("kind", [OutboundMail, SealedMail, ReadyMail])
async def test_what_the_outbox_keeps_comes_back_as_it_was(
    alice: Party, bob: Party, tmp_path: Path, kind: type
) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"x")
    draft = written(bob.address, "s", "t", sealed=True, files=(report,), usage=Metering(1))
    planned = await released(alice.gate, draft)
    sealed = await alice.gate.seal(planned, alice.spool / "1")
    made = {
        OutboundMail: planned,
        SealedMail: sealed,
        ReadyMail: await alice.gate.upload(sealed),
    }[kind]
    kept = msgspec.json.decode(msgspec.json.encode(msgspec.to_builtins(made)))
    assert msgspec.convert(kept, kind) == made


# ── the review ───────────────────────────────────────────────────────────────────────────────────


async def test_a_review_shows_everything_that_is_sent(
    alice: Party, bob: Party, tmp_path: Path, own_keys: tuple[OwnKey, ...]
) -> None:
    report = tmp_path / "report.pdf"
    report.write_bytes(b"x" * 10)
    draft = written(
        f"Bob <{bob.address}>", "Numbers\u200b", "One\n\tTwo\u202e", sealed=True, files=(report,),
        headers=(("X-Campaign", "7"),), in_reply_to="<a@x.example>",
        usage=Metering(tokens_input=1_200), correlation_id="c-1", send_at=1_900_000_000,
    )  # fmt: skip
    await alice.keychain.peer_for(bob.address)
    alice.keychain.book.verify(bob.address, own_keys[1].fingerprint, "by voice")
    plan = await alice.gate.plan(draft)
    seen = review(plan)
    [recipient] = seen.recipients
    assert recipient.fingerprint.replace(" ", "") == own_keys[1].fingerprint
    assert recipient.pinned.endswith(", verified by voice")
    assert recipient.warning == ""
    assert seen.subject == "Numbers<ZWSP>"
    assert seen.body == ("One", "    Two<RLO>")
    told = dict(seen.headers)
    assert (told["X-Campaign"], told["In-Reply-To"]) == ("7", "<a@x.example>")
    assert told["Correlation id"] == "c-1"
    assert told[f"Idempotency key, {bob.address}"] == plan.mails[0].idempotency_key
    [file] = seen.files
    assert (file.name, file.size, file.encrypted) == ("report.pdf", 10, True)
    assert seen.usage == ("Tokens in: 1,200",)
    assert seen.in_clear == (
        "the subject, the addresses, the headers, the names and sizes of the files and the usage"
    )
    assert (seen.send_at, seen.digest) == (1_900_000_000, plan.digest)
    assert seen.approval == "Approval not needed: everybody is internal."


def test_a_sender_is_the_account_as_configured() -> None:
    from services.config import Account

    account = Account("work", "assmbl", "https://a.example", "", "Me@Agents.example.com")
    sender = Sender.of(account)
    assert (sender.address, sender.internal) == ("me@agents.example.com", ("agents.example.com",))
    unknown = Sender.of(Account("env", "assmbl", "https://a.example"))
    assert (unknown.internal, unknown.is_internal("a@b.example")) == ((), False)


def test_a_plan_says_nothing_of_a_text_in_its_repr(alice: Party) -> None:
    plan = Plan("a", "s", "d", 1, "", "", False, (), body="the canary sings")
    assert "canary" not in repr(plan)
