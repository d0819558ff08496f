"""The outbox against the real sandbox: states that are true, mail that leaves once or says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from services.draft import DraftState
from services.outbound_models import OutboxState
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import Stage, mail, queue, send, states


@pytest.fixture
async def stage(alice: Party) -> AsyncIterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(**fields: Any) -> Stage:
        made.append(Stage(alice, **fields))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_a_mail_is_sent_once_and_its_draft_is_gone(
    stage: Callable[..., Stage], bob: Party
) -> None:
    office = await stage().open()
    draft = mail(bob.address)
    (entry,) = await send(office, draft)
    assert entry.state is OutboxState.SENT, entry
    assert [item.subject for item in await bob.inbox()] == ["Numbers"]
    assert office.drafts.head(draft.draft_id).is_settled
    assert office.outbox.open() == ()


async def test_an_encrypted_mail_with_files_arrives(
    stage: Callable[..., Stage], alice: Party, bob: Party, own_keys: Any, tmp_path: Path
) -> None:
    await alice.publish(own_keys[0])
    office = await stage().open()
    file = tmp_path / "a.bin"
    file.write_bytes(b"x" * 100_000)
    entries = await send(office, mail(bob.address, sealed=True, files=(file,)))
    assert states(entries) == [OutboxState.SENT], entries
    assert len(await bob.inbox()) == 1
    assert not list((office.folder / "outbound" / "spool").iterdir())
    assert b"canary" not in (office.folder / "outbound" / "outbound.log").read_bytes()
