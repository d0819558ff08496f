"""Damage to what is written or waits is told on the screen."""

from __future__ import annotations

import asyncio

from services.events import Event, Notice, Severity
from services.outbound.desk import OutboundDesk
from services.outbound.office import Office
from services.outbound.offices import OfficeDoor, Offices
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage, mail


async def test_what_had_to_be_set_aside_is_told_once(alice: Party) -> None:
    stage = Stage(alice)
    office = await stage.open()
    for text in ("first", "second", "third"):
        office.drafts.save(mail("bob@agents.example.com", body=text))
    await office.close()
    stage.offices.clear()
    log = office.folder / "outbound" / "outbound.log"
    data = bytearray(log.read_bytes())
    data[data.index(b'"second"') + 3] ^= 0x10
    log.write_bytes(data)

    told: list[Event] = []
    came = asyncio.Event()

    def emit(event: Event) -> None:
        told.append(event)
        came.set()

    desk = OutboundDesk(Offices([OfficeDoor("work", office.folder, stage.open)]), emit)
    running = asyncio.ensure_future(desk.run())
    await came.wait()
    running.cancel()
    notice = next(event for event in told if isinstance(event, Notice))
    assert notice.severity is Severity.WARNING
    assert "was damaged on the disk" in notice.sentence
    assert "outbound.log.damaged-1" in notice.sentence
    again = await desk.offices.get()
    assert [draft.body for draft in map(again.drafts.get, _ids(again))] == ["first", "third"]
    await desk.close(0)


def _ids(office: Office) -> list[str]:
    return [head.draft_id for head in office.drafts.heads()]
