"""What goes wrong while mail is carried is told, and not tried without a pause."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from services.errors import CacheError, MailError
from services.outbound.outbox.outbox_documents import OutboxEntry
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import PENDING, Stage, mail, queue, states


async def test_a_disk_that_refuses_the_lock_of_a_mail_is_told_and_asked_again_after_a_pause(
    stage: Callable[..., Stage], bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await stage().open()
    told: list[MailError] = []
    office.sending.on_trouble = told.append
    (office.folder / "outbound" / "at-work").write_text("this is no folder")
    (entry,) = await queue(office, mail(bob.address))
    carry, attempts = office.carrier.carry, 0

    async def counted(entry_id: str) -> OutboxEntry | None:
        nonlocal attempts
        attempts += 1
        return await carry(entry_id)

    monkeypatch.setattr(office.carrier, "carry", counted)
    # Shorter than the pause.
    assert states(await office.sending.push([entry.entry_id], 0.5)) == [PENDING]
    assert attempts == 1
    assert [type(one) for one in told] == [CacheError]
    (office.folder / "outbound" / "at-work").unlink()
    office.sending.nudge()
    await office.sending.push([entry.entry_id], 30)
    assert len(await bob.inbox()) == 1


async def test_a_fault_of_the_program_itself_is_raised_to_whoever_sends(
    stage: Callable[..., Stage], bob: Party
) -> None:
    office = await stage().open()
    (entry,) = await queue(office, mail(bob.address))

    async def broken() -> None:
        raise RuntimeError("a fault of the program")

    office.carrier.around = replace(office.carrier.around, gate=broken)
    with pytest.raises(RuntimeError):
        await office.sending.push([entry.entry_id], 30)
