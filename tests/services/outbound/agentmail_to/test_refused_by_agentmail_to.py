"""Refused before AgentMail.to sees it: what the profile leaves out, and who counts as inside."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.config import Account
from services.draft import BodyFormat, Metering
from services.errors import ConfigError, MailError, PolicyRefused, ServerBroken
from services.outbound.gate.plan import Role
from services.outbound.gate.reviewing import review
from services.outbound.gate.sender import Sender
from services.outbound_models import OutboxState
from services.policy_config import Policy, read_policy
from services.service_config import SendProfile
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import mail, queue, send, until_settled
from tests.services.outbound.v0_stage import V0Stage

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


@pytest.mark.parametrize("profile", [SendProfile.STRICT, SendProfile.WIDE])
@pytest.mark.parametrize("what", UNCARRIED)
async def test_what_the_service_is_not_given_is_refused_before_anything_leaves(
    stage: V0Stage, bob: Party, what: str, profile: SendProfile
) -> None:
    office = await stage.open(profile)
    draft = office.drafts.save(mail(bob.address, **UNCARRIED[what]))
    _, plan = await office.plan(draft.draft_id)
    if profile is SendProfile.WIDE and what == "headers":
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
    office = await stage.open(SendProfile.WIDE)
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
    wide = await stage.open(SendProfile.WIDE)
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
    (entry,) = await again.sending.push([entry.entry_id], 30)
    assert (entry.state, entry.next_try > 0) == (OutboxState.PENDING, True)
    sandbox.clear_faults()
    assert await until_settled(again, stage.clock, [entry.entry_id]) == [OutboxState.SENT]


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
