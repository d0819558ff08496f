"""Sending under faults and kill -9: every mail is delivered once, and every state is true.

tests/bench/test_outbox_at_scale.py does the same with 500 mails.
"""

from __future__ import annotations

import pytest

from services.outbound.log import audit, store
from services.outbound_models import OutboxState
from services.policy_config import Repeats
from tests.conftest import SandboxControl
from tests.fakes.fake_file_ops import FakeFileOps
from tests.services.outbound.conftest import Party
from tests.services.outbound.killing import FAULTS, Children, check_true, deliveries, entries, fill
from tests.services.outbound.office_stage import Stage, mail, queue

COUNT = 20
pytestmark = pytest.mark.slow


async def test_faults_and_kills_lose_and_repeat_nothing_where_a_key_is_delivered_once(
    sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    stage = Stage(alice, repeats=Repeats.SUPPRESSED)
    office = await stage.open()
    await fill(office, bob.address, COUNT)
    children = Children(sandbox, alice, "suppressed", deadline=2)
    for number in range(12):
        fault = FAULTS[number % len(FAULTS)]
        sandbox.fault(agent=alice.agent, operation="send_mail", skip=number % 3, times=2, **fault)
    for _ in range(3):
        children.run_and_kill(0.5)
        check_true(office, deliveries(sandbox, alice))
    children.run()
    delivered = deliveries(sandbox, alice)
    check_true(office, delivered)
    assert {entry.state for entry in entries(office)} == {OutboxState.SENT}
    assert sum(delivered.values()) == len(delivered) == COUNT
    assert len(await bob.inbox()) == COUNT
    assert office.audit.verify() is None
    await stage.close()


async def test_kills_repeat_nothing_where_a_key_is_delivered_again(
    sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    sandbox.settings(dedupe=False)
    stage = Stage(alice)
    office = await stage.open()
    await fill(office, bob.address, COUNT)
    children = Children(sandbox, alice, "unknown", deadline=30)
    for number in range(4):
        fault = FAULTS[number % 3]
        sandbox.fault(agent=alice.agent, operation="send_mail", skip=number * 2, **fault)
    for _ in range(3):
        children.run_and_kill(0.4)
        check_true(office, deliveries(sandbox, alice))
    children.run()
    delivered = deliveries(sandbox, alice)
    check_true(office, delivered)
    found = entries(office)
    assert {entry.state for entry in found} <= {OutboxState.SENT, OutboxState.UNCERTAIN}
    sent = [entry for entry in found if entry.state is OutboxState.SENT]
    assert len(sent) >= COUNT - 4 - 4 * children.kills
    await stage.close()


async def test_two_programs_on_one_outbox_deliver_each_mail_once(
    sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    sandbox.settings(dedupe=False)
    stage = Stage(alice)
    office = await stage.open()
    await fill(office, bob.address, COUNT)
    children = Children(sandbox, alice, "unknown", deadline=30)
    running = [children.start() for _ in range(2)]
    for child in running:
        out, _ = child.communicate(timeout=100)
        assert out.endswith("done\n")
    delivered = deliveries(sandbox, alice)
    check_true(office, delivered)
    assert sum(delivered.values()) == COUNT
    assert {entry.state for entry in entries(office)} == {OutboxState.SENT}
    await stage.close()


class Died(BaseException):
    """The program has ended here: nothing of it runs any more."""


def die() -> None:
    raise Died


async def carried_until_step(
    stage: Stage, entry_id: str, step: int, monkeypatch: pytest.MonkeyPatch, *, torn: bool
) -> bool:
    """Let a program send a mail and die before a step of the disk; True when it got done before."""
    disk = FakeFileOps(step, die, torn=torn)
    try:
        with monkeypatch.context() as patched:
            for module in (store, audit):
                patched.setattr(module, "FileOps", lambda: disk)
            office = await stage.open()
        await office.carrier.carry(entry_id)
    except Died:
        return False
    return True


@pytest.mark.parametrize("torn", [False, True])
async def test_a_death_before_any_step_of_the_disk_leaves_a_true_state(
    sandbox: SandboxControl,
    alice: Party,
    bob: Party,
    monkeypatch: pytest.MonkeyPatch,
    torn: bool,
) -> None:
    sandbox.settings(dedupe=False)
    stage = Stage(alice)
    seen = set()
    for step in range(40):
        office = await stage.open()
        (entry,) = await queue(office, mail(bob.address, subject=f"step {step}"))
        is_done = await carried_until_step(stage, entry.entry_id, step, monkeypatch, torn=torn)
        office = await stage.open()
        check_true(office, deliveries(sandbox, alice))
        seen |= {office.outbox.get(entry.entry_id).state}
        await office.sending.push([one.entry_id for one in office.outbox.open()], 30)
        check_true(office, deliveries(sandbox, alice))
        if is_done:
            break
    assert step > 6
    assert seen == {OutboxState.PENDING, OutboxState.CLAIMED, OutboxState.SENT}
    # Only from the claim to the note of the answer can nobody know.
    in_doubt = [one for one in office.outbox.open() if one.state is OutboxState.UNCERTAIN]
    assert len(office.outbox.open()) == len(in_doubt) <= 3
    assert len(entries(office)) == step + 1
    assert office.audit.verify() is None
    await stage.close()
