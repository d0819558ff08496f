"""An outbox over the lives of its programs: two at once, stops, kills, locked keys, a changed disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.errors import DiskFull
from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState
from services.policy_config import Policy
from services.safe_text import SafeText
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import (
    PENDING,
    REFUSED,
    SENT,
    UNCERTAIN,
    Stage,
    log_of,
    mail,
    queue,
    send,
    states,
    until_settled,
)

# ── two processes, stops ─────────────────────────────────────────────────────────────────────────


async def test_two_offices_on_one_outbox_send_each_mail_once(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    sandbox.settings(dedupe=False)
    one = stage()
    office, other = await one.open(), await one.open()
    entries = [(await queue(office, mail(bob.address)))[0].entry_id for _ in range(12)]
    await asyncio.gather(office.sending.push(entries, 60), other.sending.push(entries, 60))
    assert {office.outbox.get(entry).state for entry in entries} == {SENT}
    assert len(sandbox.sent(alice.agent)) == 12


async def on_wire(office: Office, entry_id: str) -> None:
    """Wait until the service may be taking a mail."""
    claimed = asyncio.Event()

    def look(entry: OutboxEntry, _: SafeText) -> None:
        if entry.state is OutboxState.CLAIMED:
            claimed.set()

    office.uploads.listen = look
    await claimed.wait()
    while entry_id not in office.carrier.on_wire:
        await asyncio.to_thread(lambda: None)


async def being_sent(
    office: Office, sandbox: SandboxControl, to: str, seconds: float
) -> tuple[str, asyncio.Task[None]]:
    """Begin to send a mail that the service answers so many seconds later."""
    (entry,) = await queue(office, mail(to))
    sandbox.fault("latency", operation="send_mail", seconds=seconds)
    task = asyncio.ensure_future(office.sending.run())
    await on_wire(office, entry.entry_id)
    return entry.entry_id, task


async def test_stopped_in_the_middle_of_a_send_it_is_uncertain_and_nothing_else(
    stage: Callable[..., Stage], sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage().open()
    entry_id, task = await being_sent(office, sandbox, bob.address, 20)
    await office.sending.finish(0.05)
    task.cancel()
    after = office.outbox.get(entry_id)
    assert (after.state, after.next_try) == (UNCERTAIN, 0)
    assert "stopped" in after.reason


async def test_stopping_lets_what_is_on_the_wire_be_answered(
    stage: Callable[..., Stage], sandbox: SandboxControl, bob: Party
) -> None:
    office = await stage().open()
    entry_id, task = await being_sent(office, sandbox, bob.address, 0.2)
    await office.sending.finish(20)
    task.cancel()
    assert office.outbox.get(entry_id).state is SENT


async def test_what_a_killed_program_left_in_the_spool_is_gone_and_what_waits_stays(
    stage: Callable[..., Stage], bob: Party, tmp_path: Path
) -> None:
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    file = tmp_path / "a.txt"
    file.write_text("waits")
    (entry,) = await queue(office, mail(bob.address, files=(file,)))
    await office.sending.push([entry.entry_id], 30)
    spool = office.folder / "outbound" / "spool"
    (spool / "left").mkdir()
    (spool / "left" / "0").write_text("plain copy")
    again = await one.open()
    assert [path.name for path in spool.iterdir()] == [entry.entry_id]
    one.clock.now += 10
    assert states(await again.sending.push([entry.entry_id], 30)) == [SENT]


async def test_a_full_disk_is_told_and_costs_no_mail(
    stage: Callable[..., Stage], bob: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = await stage().open()
    (entry,) = await queue(office, mail(bob.address))
    told: asyncio.Queue[str] = asyncio.Queue()
    office.sending.on_trouble = lambda error: told.put_nowait(error.sentence)
    whole = office.store.put

    def full(*_: object) -> None:
        raise DiskFull("The disk is full.")

    monkeypatch.setattr(office.store, "put", full)
    pushing = asyncio.ensure_future(office.sending.push([entry.entry_id], 30))
    assert await told.get() == "The disk is full."
    monkeypatch.setattr(office.store, "put", whole)
    assert states(await pushing) == [SENT]
    assert len(await bob.inbox()) == 1


# ── keys that lock, changes on the disk ──────────────────────────────────────────────────────────


async def test_once_sealed_it_leaves_without_the_own_key(
    stage: Callable[..., Stage], alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    (entry,) = await queue(office, mail(bob.address, sealed=True))
    assert (await office.sending.push([entry.entry_id], 30))[0].is_sealed
    await office.close()
    alice.keychain.lock()
    one.clock.now += 10
    office = await one.open()
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


async def test_a_spool_that_was_changed_refuses_the_mail(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    one = stage(policy=Policy(undo_seconds=5))
    office = await one.open()
    file = tmp_path / "a.txt"
    file.write_text("as approved")
    (entry,) = await queue(office, mail(bob.address, files=(file,)))
    await office.sending.push([entry.entry_id], 30)
    (office.folder / "outbound" / "spool" / entry.entry_id / "0").write_text("not approved")
    one.clock.now += 10
    assert states(await office.sending.push([entry.entry_id], 30)) == [REFUSED]
    assert sandbox.sent(alice.agent) == []


async def test_an_upload_that_broke_off_keeps_what_it_has_uploaded(
    stage: Callable[..., Stage], sandbox: SandboxControl, alice: Party, bob: Party, tmp_path: Path
) -> None:
    one = stage()
    office = await one.open()
    files = tuple(tmp_path / name for name in ("a.txt", "b.txt"))
    for file in files:
        file.write_text(file.name)
    sandbox.fault("status", operation="s3_upload", status=500, skip=1, times=10)
    (entry,) = await send(office, mail(bob.address, files=files))
    assert entry.state is PENDING
    content = office.outbox.content(entry.entry_id)
    assert content.sealed is not None
    (first,) = content.sealed["uploaded"]
    sandbox.clear_faults()
    assert await until_settled(office, one.clock, [entry.entry_id]) == [SENT]
    (sent,) = sandbox.sent(alice.agent)
    assert sent["request"]["attachments"][0]["object_key"] == first["object_key"]


async def test_what_was_not_sealed_yet_waits_for_the_own_key(
    stage: Callable[..., Stage], alice: Party, bob: Party, own_keys: tuple[OwnKey, ...]
) -> None:
    await alice.publish(own_keys[0])
    one = stage()
    office = await one.open()
    (entry,) = await queue(office, mail(bob.address, sealed=True))
    await office.close()
    alice.keychain.lock()
    office = await one.open()
    (waiting,) = await office.sending.push([entry.entry_id], 30)
    assert (waiting.state, waiting.is_sealed) == (PENDING, False)
    assert "locked" in waiting.reason
    await alice.keychain.unlock(None)
    await office.retry_now()
    assert states(await office.sending.push([entry.entry_id], 30)) == [SENT]


async def test_without_an_own_key_no_local_copy_of_an_encrypted_text_stays(
    stage: Callable[..., Stage], bob: Party
) -> None:
    one = stage()
    office = await one.open()
    (entry,) = await send(office, mail(bob.address, sealed=True))
    assert entry.state is SENT
    assert office.outbox.content(entry.entry_id).text == ""
    assert b"canary" not in log_of(one)
