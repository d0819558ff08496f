"""Ways around the policy that somebody tried: each is closed, and stays so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.errors import MailError, PolicyRefused
from services.outbound.gate.policy import Sender, recheck
from services.outbound.gate.ready import Terms
from services.outbound_models import OutboxState
from services.policy_config import (
    ApprovalRule,
    EncryptionRule,
    OversightCopy,
    Policy,
    is_plain_address,
)
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage, mail, send, states

DOMAIN = "agents.example.com"
OVERSIGHT = "eve@people.example"
KELVIN = "\u212a"
"""The sign of the unit: its small letter is the k of ASCII."""


@pytest.mark.parametrize("address", [f"{KELVIN}ate@{DOMAIN}", f"kate@ban{KELVIN}.example"])
def test_a_letter_that_only_becomes_ascii_when_made_small_is_no_address(address: str) -> None:
    sender = Sender("work", policy=Policy(internal=(DOMAIN, "bank.example")))
    assert not is_plain_address(address)
    assert not sender.is_internal(address)


@pytest.mark.parametrize(
    "policy",
    [Policy(undo_seconds=0, per_hour=1), Policy(undo_seconds=0, per_day=1)],
    ids=["an hour", "a day"],
)
async def test_many_at_once_do_not_get_past_a_cap(
    stage: Callable[..., Stage], bob: Party, policy: Policy
) -> None:
    office = await stage(policy=policy).open()
    plans = []
    for number in range(5):
        kept = office.drafts.save(mail(bob.address, subject=f"Mail {number}"))
        plans.append((await office.plan(kept.draft_id))[1])
    done = await asyncio.gather(
        *(office.enqueue(plan, by_person=False) for plan in plans), return_exceptions=True
    )
    assert [type(one) for one in done if isinstance(one, MailError)] == [PolicyRefused] * 4
    assert len(office.outbox.open()) == 1
    assert len(office.drafts.rows()) == 4


@pytest.mark.parametrize(
    "policy",
    [
        Policy(oversight=OVERSIGHT, encryption=EncryptionRule.ALWAYS),
        Policy(oversight=OVERSIGHT, encryption=EncryptionRule.EXTERNAL),
        Policy(oversight=OVERSIGHT, oversight_copy=OversightCopy.REFUSE),
        Policy(oversight=OVERSIGHT, approval=ApprovalRule.ALWAYS),
        Policy(oversight=OVERSIGHT, approval=ApprovalRule.EXTERNAL),
    ],
    ids=["encrypts all", "encrypts outside", "no copies", "approves all", "approves outside"],
)
def test_an_oversight_copy_leaves_under_the_policy_of_now(policy: Policy) -> None:
    sender = Sender("work", f"me@{DOMAIN}", DOMAIN, policy)
    with pytest.raises(PolicyRefused):
        recheck(sender, OVERSIGHT, Terms(is_copy=True), is_encrypted=False, has_written=False)


async def test_a_mail_to_somebody_outside_and_to_oversight_itself_reaches_both(
    stage: Callable[..., Stage], sandbox: SandboxControl
) -> None:
    office = await stage(policy=Policy(undo_seconds=0, oversight=OVERSIGHT)).open()
    entries = await send(office, mail("you@outside.example", OVERSIGHT))
    assert states(entries) == [OutboxState.SENT] * 2


@pytest.mark.parametrize(
    "header",
    ["Mail-Followup-To", "Mail-Reply-To", "Disposition-Notification-To", "Return-Receipt-To",
     "X-Confirm-Reading-To", "Followup-To"],
)  # fmt: skip
async def test_whatever_leads_answers_outside_makes_a_mail_external(
    stage: Callable[..., Stage], bob: Party, header: str
) -> None:
    office = await stage(policy=Policy(undo_seconds=0, oversight=OVERSIGHT)).open()
    draft = replace(mail(bob.address), headers=((header, "spy@outside.example"),))
    kept = office.drafts.save(draft)
    _, plan = await office.plan(kept.draft_id)
    assert plan.person or plan.is_refused


@pytest.mark.parametrize(
    "header",
    ["Apparently-To", "X-Envelope-To", "Envelope-To", "X-Original-To", "X-SMTPAPI",
     "X-SES-CONFIGURATION-SET", "X-SES-SOURCE-ARN", "X-Mailgun-Recipient-Variables"],
)  # fmt: skip
async def test_headers_by_which_a_service_is_told_whom_to_deliver_to_are_refused(
    stage: Callable[..., Stage], bob: Party, header: str
) -> None:
    office = await stage().open()
    kept = office.drafts.save(replace(mail(bob.address), headers=((header, "x@y.example"),)))
    _, plan = await office.plan(kept.draft_id)
    assert plan.is_refused
