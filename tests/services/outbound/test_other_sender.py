"""A mail that waits leaves from the address that it was decided for, whatever the account is now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from services.config import Account
from services.draft import DraftState
from services.outbound_models import OutboxState
from services.policy_config import Policy
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage, mail, queue


@dataclass
class MovingStage(Stage):
    """The same account, set up for another address later."""

    now_of: str = ""

    @property
    def account(self) -> Account:
        account = super().account
        return replace(account, address=self.now_of or account.address)


@pytest.fixture
async def stage(alice: Party) -> AsyncIterator[MovingStage]:
    made = MovingStage(alice, policy=Policy(undo_seconds=60))
    yield made
    await made.close()


@pytest.mark.parametrize("is_ready", [False, True], ids=["not prepared", "prepared"])
async def test_mail_of_an_account_that_is_another_agents_now_does_not_leave(
    stage: MovingStage, bob: Party, alice: Party, sandbox: SandboxControl, is_ready: bool
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address))
    if is_ready:
        await office.sending.push([entry.entry_id], 30)
    await office.close()
    stage.now_of = "somebody-else@agents.example.com"
    again = await stage.open()
    stage.clock.now += 61
    (after,) = await again.sending.push([entry.entry_id], 30)
    assert after.state is OutboxState.REFUSED
    assert "It would come from somebody-else@agents.example.com now" in after.reason
    assert again.drafts.head(entry.draft_id).state is DraftState.EDITING
    assert sandbox.sent(alice.agent) == []


async def test_the_same_address_in_other_letters_is_the_same(
    stage: MovingStage, bob: Party, alice: Party
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address))
    await office.close()
    stage.now_of = alice.address.upper()
    again = await stage.open()
    stage.clock.now += 61
    (after,) = await again.sending.push([entry.entry_id], 30)
    assert after.state is OutboxState.SENT
