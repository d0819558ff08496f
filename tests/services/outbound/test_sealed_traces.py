"""An encrypted mail on its way through the office: its words are never on the disk in clear."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from services.crypto.own import OwnKey
from services.draft import Encryption
from services.outbound_models import OutboxState
from services.policy_config import ApprovalRule, Policy
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Clock, Stage, mail

CANARY = "canary-91d0"


@pytest.fixture
async def stage(alice: Party, own_keys: tuple[OwnKey, ...]) -> AsyncIterator[Stage]:
    await alice.publish(own_keys[0])
    policy = Policy(undo_seconds=5, approval=ApprovalRule.ALWAYS)
    made = Stage(alice, policy, clock=Clock(time.time()))
    yield made
    await made.close()


def _on_disk(stage: Stage, word: str = CANARY) -> list[str]:
    """The files of the account that hold a word."""
    folder = stage.party.folder / "account"
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(path.name for path in files if word.encode() in path.read_bytes())


async def test_a_proposal_that_is_changed_rejected_approved_taken_back_and_sent(
    stage: Stage, bob: Party
) -> None:
    office = await stage.open()
    await office.unlock_silently()
    begun = mail(bob.address, sealed=True, subject=f"about {CANARY}", body=f"{CANARY} one")
    draft = office.proposals.propose(replace(begun, reason=f"{CANARY} why"), "scout")
    assert _on_disk(stage) == []
    draft = office.proposals.revise(replace(draft, body=f"{CANARY} two"), "scout")
    office.proposals.reject(draft.draft_id, "not like this")
    draft = office.proposals.revise(
        replace(office.drafts.get(draft.draft_id), body=f"{CANARY} three"), "scout"
    )
    office.drafts.save(replace(draft, body=f"{CANARY} and mine"))
    assert len(office.drafts.revisions(draft.draft_id)) == 4
    assert _on_disk(stage) == []

    plan = await office.show(draft.draft_id)
    entries = await office.send(draft.draft_id, plan.digest)
    # The subject leaves in clear, so from here on it stands in the outbox; the text does not.
    assert _on_disk(stage, f"{CANARY} ") == []
    await office.take_back(tuple(entry.entry_id for entry in entries))
    assert office.drafts.get(draft.draft_id).body == f"{CANARY} and mine"
    assert _on_disk(stage, f"{CANARY} ") == []

    plan = await office.show(draft.draft_id)
    entries = await office.send(draft.draft_id, plan.digest)
    stage.clock.now += 10
    (done,) = await office.sending.push([entry.entry_id for entry in entries], 30)
    assert done.state is OutboxState.SENT
    assert _on_disk(stage, f"{CANARY} ") == []
    assert len(await bob.inbox()) == 1
    assert office.audit.verify() is None


async def test_a_clear_draft_that_is_encrypted_before_it_is_sent(stage: Stage, bob: Party) -> None:
    office = await stage.open()
    await office.unlock_silently()
    draft = office.drafts.save(mail(bob.address, body=f"{CANARY} typed in clear"))
    assert _on_disk(stage) == ["outbound.log"]
    draft = office.drafts.save(replace(draft, encryption=Encryption.REQUIRED))
    assert _on_disk(stage) == []
    plan = await office.show(draft.draft_id)
    await office.send(draft.draft_id, plan.digest)
    assert _on_disk(stage) == []
