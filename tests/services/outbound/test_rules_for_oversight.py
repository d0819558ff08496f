"""The operator's rule that mail to somebody is encrypted holds for whoever oversees as well."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.errors import PolicyRefused
from services.outbound.gate.reviewing import review
from services.policy_config import Policy
from tests.conftest import SandboxControl
from tests.fakes.sending import written
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import REFUSED, SENT, mail, queue, send, states
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control

WHY = "your rule for the oversight address demands it"


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees; the directory of keys is hers as well."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    await made.close()


async def test_mail_with_a_blind_copy_is_encrypted_when_oversight_requires_it(
    stage: V0Stage, alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    office = await stage.open()
    stage.chain.book.require(alice.address, is_required=True)
    kept = office.drafts.save(mail(bob.address))
    plan = await office.show(kept.draft_id)
    assert (plan.encrypted, plan.why_encrypted) == (True, WHY)
    # Mail that oversight does not see is not its matter.
    assert states(await send(office, mail(stage.sister))) == [SENT]
    assert "BEGIN PGP" not in stage.bodies()[0]["text"]


async def test_a_blind_copy_does_not_leave_in_clear_once_oversight_requires_encryption(
    stage: V0Stage, alice: Party, bob: Party
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address))
    stage.chain.book.require(alice.address, is_required=True)
    (after,) = await office.sending.push([entry.entry_id], 30)
    assert after.state is REFUSED
    assert "must be encrypted" in after.reason
    assert stage.sent() == []


async def test_a_linked_copy_that_must_be_encrypted_is_told_in_the_review(
    alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    policy = Policy(internal=("nobody.example",), oversight=bob.address)
    await alice.publish(own_keys[0])
    draft = written(alice.address, "s", "t", sealed=False)
    copy, _ = (await alice.gate_with(policy).plan(draft)).released(by_person=True)
    alice.keychain.book.require(bob.address, is_required=True)
    gate = alice.gate_with(policy)
    with pytest.raises(PolicyRefused, match="must be encrypted"):
        await gate.seal(copy, alice.spool / "copy")
    plan = await gate.plan(draft)
    assert {mail.is_encrypted for mail in plan.mails} == {True}
    assert WHY in " ".join(str(one.sentence) for one in review(plan).checks)
