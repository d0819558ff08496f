"""What goes wrong while mail is carried is told, and not tried without a pause."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from services.errors import CacheError, MailError
from services.outbound.outbox import sending
from services.outbound.outbox.outbox_documents import OutboxEntry
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import PENDING, SENT, Stage, mail, queue, states


async def test_a_disk_that_refuses_the_lock_of_a_mail_is_told_and_asked_again_after_a_pause(
    stage: Callable[..., Stage], bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await stage().open()
    told: asyncio.Queue[MailError] = asyncio.Queue()
    office.sending.on_trouble = told.put_nowait
    monkeypatch.setattr(sending, "_AGAIN", 3_600.0)
    (office.folder / "outbound" / "at-work").write_text("this is no folder")
    (entry,) = await queue(office, mail(bob.address))
    carry, attempts = office.carrier.carry, 0

    async def counted(entry_id: str) -> OutboxEntry | None:
        nonlocal attempts
        attempts += 1
        return await carry(entry_id)

    monkeypatch.setattr(office.carrier, "carry", counted)
    pushing = asyncio.ensure_future(office.sending.push([entry.entry_id], 30))
    assert isinstance(await told.get(), CacheError)
    # Looked at once more within the pause, it is not tried again.
    assert states(await office.sending.push([entry.entry_id], 0.0)) == [PENDING]
    looks = office.sending._due(office.outbox.open())
    assert (attempts, told.empty(), looks) == (1, True, [])
    (office.folder / "outbound" / "at-work").unlink()
    office.sending.nudge()
    assert states(await pushing) == [SENT]
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
