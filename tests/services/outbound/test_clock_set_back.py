"""The clock of this machine is set back while mail waits: no wait lasts longer, a schedule stays one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound.outbox.outbox_views import row_of, sentence_of
from services.outbound.outbox.waits import Waits
from services.outbound_models import OutboxState
from services.policy_config import Policy
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    PENDING,
    SENT,
    Clock,
    Stage,
    mail,
    queue,
    send,
    states,
)

BACK = pytest.mark.parametrize("back", [3, 30, 3_600, 400 * 86_400])
DELAY = Policy(undo_seconds=10)


@BACK
async def test_the_time_to_take_a_mail_back_is_no_longer_than_its_own_seconds(
    stage: Callable[..., Stage], bob: Party, back: int
) -> None:
    one = stage(policy=DELAY)
    office = await one.open()
    (entry,) = await send(office, mail(bob.address))
    one.clock.now += 6
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now -= back
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 3
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 1
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]
    assert len(await bob.inbox()) == 1


async def test_however_often_the_clock_is_set_back(stage: Callable[..., Stage], bob: Party) -> None:
    one = stage(policy=DELAY)
    office = await one.open()
    (entry,) = await send(office, mail(bob.address))
    for _ in range(9):
        one.clock.now += 1
        assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
        one.clock.now -= 600
        assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 1
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


async def test_another_program_that_finds_it_waits_once_more_and_not_for_the_clock(
    stage: Callable[..., Stage], bob: Party
) -> None:
    one = stage(policy=DELAY)
    office = await one.open()
    (entry,) = await queue(office, mail(bob.address))
    await office.close()
    one.clock.now -= 86_400
    again = await one.open()
    assert states(await again.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 10
    assert states(await again.sending.push([entry.entry_id], 30)) == [SENT]


async def test_it_can_be_taken_back_all_the_same(stage: Callable[..., Stage], bob: Party) -> None:
    one = stage(policy=DELAY)
    office = await one.open()
    (entry,) = await send(office, mail(bob.address))
    one.clock.now -= 3_600
    (taken,) = await office.take_back((entry.entry_id,))
    assert taken.state is OutboxState.CANCELLED
    one.clock.now += 7_200
    assert states(await office.sending.push([entry.entry_id], 30)) == [OutboxState.CANCELLED]
    assert await bob.inbox() == []


@pytest.mark.parametrize("ahead", [30, 3_600])
async def test_a_schedule_is_a_time_of_day_and_waits_for_the_clock(
    stage: Callable[..., Stage], bob: Party, ahead: int
) -> None:
    one = stage(policy=DELAY)
    office = await one.open()
    at = int(one.clock.now) + ahead
    (entry,) = await send(office, mail(bob.address, send_at=at))
    assert entry.is_scheduled
    one.clock.now -= 600
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now = at - 1
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now = at
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


async def test_the_next_try_is_not_put_off_by_the_clock_either(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    one = stage()
    office = await one.open()
    sandbox.fault("status", alice.agent, operation="send_mail", status=429, retry_after="120")
    (entry,) = await send(office, mail(bob.address))
    assert entry.next_try == int(one.clock.now) + 120
    office.sending.nudge()
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now -= 86_400
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 119
    assert states(await office.sending.push([entry.entry_id], 30)) == [PENDING]
    one.clock.now += 1
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


def waiting(**fields: int | bool) -> OutboxEntry:
    return OutboxEntry("e", "d", "b", PENDING, "bob@agents.example.com", "Hi", "k", **fields)  # type: ignore[arg-type]


def test_a_person_is_told_the_seconds_that_are_left_and_not_those_of_the_clock() -> None:
    entry = waiting(queued_at=1_000, send_at=1_010)
    assert row_of(entry, 1_004).send_at == 1_010
    assert row_of(entry, 500).send_at == 510
    assert sentence_of(entry, 500) == "It leaves in 10 s; until then it can be taken back."
    scheduled = waiting(queued_at=1_000, send_at=1_010, is_scheduled=True)
    assert row_of(scheduled, 500).send_at == 1_010


def test_what_is_known_of_waits_stays_small_and_is_forgotten() -> None:
    clock = Clock(1_000.0)
    waits = Waits(clock)
    for number in range(100):
        entry = waiting(send_at=1_000, next_try=2_000 + number, changed_at=1_990)
        waits.until_sent(entry)
    assert len(waits._ends["e"]) == 2
    waits.forget("e")
    assert waits._ends == {}
