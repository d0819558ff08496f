"""A redirect instead of AgentMail.to's answer to a mail: in doubt, and settled by the same key."""

from __future__ import annotations

import pytest

from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    PENDING,
    SENT,
    UNCERTAIN,
    mail,
    send,
    until_settled,
)
from tests.services.outbound.v0_stage import V0Stage


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304])
async def test_agentmail_to_is_asked_again_under_the_same_key_and_delivers_once(
    stage: V0Stage, sandbox: SandboxControl, bob: Party, status: int
) -> None:
    office = await stage.open()
    sandbox.fault("status_after", operation="v0_send_message", status=status)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.may_have_left) == (UNCERTAIN, True)
    assert await until_settled(office, stage.clock, [entry.entry_id]) == [SENT]
    assert (len(stage.sent()), len(await bob.inbox())) == (1, 1)


@pytest.mark.parametrize("status", [307, 308])
async def test_agentmail_to_has_not_taken_what_it_asks_for_elsewhere(
    stage: V0Stage, sandbox: SandboxControl, bob: Party, status: int
) -> None:
    office = await stage.open()
    sandbox.fault("status", operation="v0_send_message", status=status)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.may_have_left) == (PENDING, False)
