"""Programs that send by Amazon SES, killed at random moments under faults: nothing comes twice.

SES delivers every call, so whatever may have left waits for a person, whatever the account's own
service is known for.
"""

from __future__ import annotations

from collections import Counter
from email import message_from_string
from typing import Any

import pytest

from services.draft import VIA_SES
from services.outbound_models import OutboxState
from services.policy_config import Repeats
from services.service_config import SesPlace
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.killing import Children, check_true, entries, fill
from tests.services.outbound.office_stage import Stage
from tests.services.ses.conftest import SesControl

pytest.importorskip("boto3")
pytestmark = pytest.mark.slow
COUNT = 12
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_after"},
    {"kind": "drop_before"},
    {"kind": "status_after", "status": 500},
    {"kind": "invalid_json"},
    {"kind": "latency", "seconds": 0.5},
)


def delivered(door: SesControl) -> Counter[str]:
    """How often each subject was taken by SES."""
    return Counter(str(message_from_string(one["raw_mime"])["Subject"]) for one in door.sent())


async def test_kills_and_lost_answers_send_nothing_twice(
    sandbox: SandboxControl, alice: Party, bob: Party, door: SesControl,
    credentials: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    place = SesPlace(alice.address, door.access.region, door.access.url)
    stage = Stage(alice, repeats=Repeats.SUPPRESSED, ses=place)
    office = await stage.open()
    await fill(office, bob.address, COUNT, via=VIA_SES)
    where = [place.identity, place.region, place.endpoint]
    children = Children(sandbox, alice, "suppressed", deadline=30, more={"ses": where})
    for number, fault in enumerate(FAULTS):
        door.fault(skip=number * 2, **fault)
    for _ in range(2):
        children.run_and_kill(1.5)
        check_true(office, delivered(door))
    children.run()
    taken = delivered(door)
    check_true(office, taken)
    found = entries(office)
    assert {entry.state for entry in found} <= {OutboxState.SENT, OutboxState.UNCERTAIN}
    sent = [entry for entry in found if entry.state is OutboxState.SENT]
    # Four answers were lost; a kill leaves at most what was on the wire at that moment.
    assert len(sent) >= COUNT - 4 - 4 * children.kills
    assert office.audit.verify() is None
    await stage.close()
