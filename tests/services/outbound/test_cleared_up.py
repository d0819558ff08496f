"""What is prepared of a mail, plain copies of files among it, goes with the mail, whoever settles it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState
from services.policy_config import Policy
from services.safe_text import SafeText
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import PENDING, REFUSED, Stage, mail, queue, states

LATER = Policy(undo_seconds=60)


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("a plain copy")
    return path


def prepared(office: Office) -> set[str]:
    """The mails of which something lies on the disk: files, or a lock."""
    places = (office.folder / "outbound" / name for name in ("spool", "at-work"))
    return {one.name for place in places if place.exists() for one in place.iterdir()}


async def sealed(office: Office, *to: str, note: Path) -> tuple[OutboxEntry, ...]:
    entries = await queue(office, mail(*to, files=(note,)))
    assert set(states(await office.sending.push([one.entry_id for one in entries], 30))) == {
        PENDING
    }
    assert prepared(office) == {one.entry_id for one in entries}
    return entries


async def test_what_is_taken_back_leaves_no_copy_of_its_files(
    stage: Callable[..., Stage], bob: Party, alice: Party, note: Path
) -> None:
    office = await stage(policy=LATER).open()
    entries = await sealed(office, bob.address, alice.address, note=note)
    await office.take_back((entries[0].entry_id,))
    assert prepared(office) == set()


async def test_what_another_program_takes_back_leaves_none_either(
    stage: Callable[..., Stage], bob: Party, note: Path
) -> None:
    one = stage(policy=LATER)
    office, other = await one.open(), await one.open()
    (entry,) = await sealed(office, bob.address, note=note)
    lock = office.carrier._locks.take(entry.entry_id)
    assert lock is not None
    # It is being worked on here at that moment.
    await other.take_back((entry.entry_id,))
    assert prepared(office) == {entry.entry_id}
    lock.release()
    await office.sending.push([entry.entry_id], 30)
    assert prepared(office) == set()


async def test_what_is_taken_back_while_it_is_prepared_leaves_none(
    stage: Callable[..., Stage], bob: Party, note: Path
) -> None:
    office = await stage(policy=LATER).open()
    begun = asyncio.Event()

    def told(_entry: OutboxEntry, progress: SafeText) -> None:
        if str(progress):
            begun.set()

    office.uploads.listen = told
    (entry,) = await queue(office, mail(bob.address, files=(note,)))
    pushing = asyncio.ensure_future(office.sending.push([entry.entry_id], 30))
    await begun.wait()
    await office.take_back((entry.entry_id,))
    await pushing
    await office.sending.finish(30)
    assert prepared(office) == set()


async def test_what_is_refused_with_another_leaves_none(
    stage: Callable[..., Stage], bob: Party, alice: Party, note: Path
) -> None:
    office = await stage(policy=LATER).open()
    entries = await queue(office, mail(bob.address, alice.address, files=(note,)))
    await office.sending.push([entries[0].entry_id], 30)
    assert prepared(office) == {entries[0].entry_id}
    content = office.outbox.content(entries[1].entry_id)
    spoilt = {**content.mail, "files": [{**content.mail["files"][0], "sha256": "0" * 64}]}
    with office.store.transaction():
        office.outbox._keep(entries[1].entry_id, replace(content, mail=spoilt))
    office.carrier._at_hand.clear()
    after = await office.sending.push([one.entry_id for one in entries], 30)
    assert states(after) == [REFUSED, REFUSED]
    assert office.outbox.get(entries[0].entry_id).state is OutboxState.REFUSED
    assert prepared(office) == set()
