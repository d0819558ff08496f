"""A redirect instead of an answer to a mail: the mail may have left, unless it is asked for elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.outbound.outbox.outbox_views import sentence_of
from services.policy_config import Repeats
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    PENDING,
    SENT,
    UNCERTAIN,
    Stage,
    mail,
    send,
    states,
    until_settled,
)

AFTER_SENDING = pytest.mark.parametrize("status", [300, 301, 302, 303, 304])
INSTEAD = pytest.mark.parametrize("status", [307, 308])


@AFTER_SENDING
async def test_a_redirect_to_what_came_of_it_leaves_a_doubt_and_is_never_answered_by_a_second_mail(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, status: int
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault("status_after", alice.agent, operation="send_mail", status=status)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.next_try, entry.may_have_left) == (UNCERTAIN, 0, True)
    assert "redirect" in sentence_of(entry, 0)
    one.clock.now += 100_000
    assert states(await office.sending.push([entry.entry_id], 5)) == [UNCERTAIN]
    posts = [seen for seen in sandbox.requests(alice.agent) if seen["operation"] == "send_mail"]
    assert (len(posts), len(await bob.inbox())) == (1, 1)


@INSTEAD
async def test_a_redirect_that_asks_for_the_same_elsewhere_leaves_no_doubt(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, status: int
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault("status", alice.agent, operation="send_mail", status=status)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.may_have_left) == (PENDING, False)
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]
    assert len(await bob.inbox()) == 1


@INSTEAD
async def test_no_redirect_takes_back_the_doubt_of_an_answer_that_was_lost_before_it(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, status: int
) -> None:
    """Both meet the one call that is repeated inside, where the service knows the key."""
    office = await stage(repeats=Repeats.SUPPRESSED).open()
    sandbox.fault("status_after", alice.agent, operation="send_mail")
    sandbox.fault("status", alice.agent, operation="send_mail", status=status, skip=1)
    (entry,) = await send(office, mail(bob.address))
    assert (entry.state, entry.may_have_left) == (UNCERTAIN, True)
