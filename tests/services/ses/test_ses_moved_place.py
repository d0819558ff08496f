"""What a person decided on leaves as and where it was decided on, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.draft import VIA_SES, DraftState
from services.outbound_models import OutboxState
from services.policy_config import Policy
from services.service_config import SesPlace
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage, mail, queue
from tests.services.ses.conftest import SesControl

pytest.importorskip("boto3")


@pytest.fixture
async def stage(
    alice: Party, door: SesControl, credentials: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Stage]:
    """Alice's, with a profile of AWS in which the same credentials stand."""
    keys = f"aws_access_key_id={door.access.access_key}\n"
    keys += f"aws_secret_access_key={door.access.secret_key}\n"
    (tmp_path / "aws").write_text(f"[other]\n{keys}")
    credentials.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "aws"))
    place = SesPlace(alice.address, door.access.region, door.access.url)
    made = Stage(alice, ses=place, policy=Policy(undo_seconds=60))
    yield made
    await made.close()


@pytest.mark.parametrize("is_ready", [False, True], ids=["not prepared", "prepared"])
@pytest.mark.parametrize(
    "other",
    [
        {"identity": "ceo@agents.example.com"},
        {"region": "ap-south-1"},
        {"endpoint": "https://email.elsewhere.example"},
        {"profile": "other"},
        {"configuration_set": "tracking"},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_another_place_voids_what_was_decided(
    stage: Stage, door: SesControl, bob: Party, other: dict[str, str], is_ready: bool
) -> None:
    office = await stage.open()
    (entry,) = await queue(office, mail(bob.address, via=VIA_SES))
    if is_ready:
        await office.sending.push([entry.entry_id], 30)  # sealed, and waits for its time
        assert office.outbox.get(entry.entry_id).is_sealed
    await office.close()
    assert stage.ses is not None
    stage.ses = replace(stage.ses, **other)
    again = await stage.open()
    stage.clock.now += 61
    (after,) = await again.sending.push([entry.entry_id], 30)
    assert (after.state, door.sent()) == (OutboxState.REFUSED, [])
    assert "this was decided for" in after.reason
    assert again.drafts.head(entry.draft_id).state is DraftState.EDITING
