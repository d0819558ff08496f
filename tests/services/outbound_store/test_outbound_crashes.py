"""Whatever stops a process or the disk: what was acknowledged is there, once and whole."""

from __future__ import annotations

import random
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.draft import Draft, DraftState, Encryption
from services.errors import CacheError, DiskFull
from services.outbound.drafts.draft_store import Drafts
from services.outbound.log.audit import AUDIT_FILE, AuditLog
from services.outbound.log.store import OUTBOX, OutboundStore
from tests.fakes.child_process import Child, Tell
from tests.fakes.fake_file_ops import FakeFileOps, kill_myself
from tests.fakes.fake_sealer import FakeSealer
from tests.fakes.outbound_work import CLOCK, check, kill_a_writer

SECRET = "the secret words of a draft"


@pytest.mark.parametrize("batch", range(4))
def test_ten_kills_at_random_lose_nothing_and_double_nothing(disk: Path, batch: int) -> None:
    """Four batches: 40 kills; 200 are in tests/bench."""
    chance = random.Random(batch)
    acknowledged = 0
    for _ in range(10):
        acknowledged = max(acknowledged, kill_a_writer(disk, "ann", chance))
        check(disk, "ann", acknowledged)
    assert acknowledged >= 10


def test_two_processes_change_a_thousand_things_each_and_nothing_is_lost(disk: Path) -> None:
    def work(name: str) -> Callable[[Tell], None]:
        def write(tell: Tell) -> None:
            store = OutboundStore.open(disk)
            for n in range(1_000):
                with store.transaction():
                    found = store.get(OUTBOX, "shared") or {"n": 0}
                    store.put(OUTBOX, "shared", {"n": found["n"] + 1})
                    store.put(OUTBOX, f"{name}-{n % 50}", {"n": n, "text": "x" * (n % 900)})
                    if n % 7 == 0:
                        store.remove(OUTBOX, f"{name}-{(n + 1) % 50}")
                    if n % 211 == 0:
                        store.scrub()
            tell("done")

        return write

    children = [Child(work(name)) for name in ("ann", "bob")]
    watcher = OutboundStore.open(disk)
    seen = 0
    while seen < 1_000:
        watcher.refresh()
        now = (watcher.get(OUTBOX, "shared") or {"n": 0})["n"]
        assert now >= seen
        seen = now
    assert [child.rest() for child in children] == [["done"], ["done"]]
    watcher.refresh()
    assert watcher.get(OUTBOX, "shared") == {"n": 2_000}
    for name in ("ann", "bob"):
        last = [document["n"] for key, document in watcher.all(OUTBOX) if key.startswith(name)]
        assert set(last) >= {n for n in range(952, 1_000) if (n - 1) % 7 and (n + 49) % 50}
    assert watcher.repairs == ()
    watcher.close()


# ── a stop at every durable step ─────────────────────────────────────────────────────────────────


class Desk:
    """The parts of an office that write, on one disk."""

    def __init__(self, folder: Path, ops: FakeFileOps | None = None) -> None:
        self.store = OutboundStore.open(folder, ops)
        self.drafts = Drafts(self.store, FakeSealer(), CLOCK)
        self.audit = AuditLog(folder / AUDIT_FILE, self.store, CLOCK, ops)

    def save(self, draft_id: str, body: str, encryption: Encryption = Encryption.NONE) -> None:
        revision = next((h.revision for h in self.drafts.heads() if h.draft_id == draft_id), 0)
        draft = replace(Draft("", body=body, encryption=encryption), idempotency_key=draft_id)
        self.drafts.save(replace(draft, draft_id=draft_id, revision=revision))

    def queue(self, draft_id: str) -> None:
        with self.store.transaction():
            self.drafts.put_state(draft_id, DraftState.QUEUED, expected=DraftState.EDITING)
            self.store.put(OUTBOX, draft_id, {"state": "pending"})
            self.audit.record("operator", "approved", subject=draft_id)

    def leave(self, draft_id: str) -> None:
        with self.store.transaction():
            self.drafts.settle(draft_id)
            self.store.put(OUTBOX, draft_id, {"state": "sent"})
            self.audit.record("program", "sent", subject=draft_id)

    def state(self) -> tuple[Any, ...]:
        """Everything durable that can be seen."""
        heads = self.drafts.heads()
        texts = tuple((h.draft_id, h.is_sealed, self.drafts.get(h.draft_id).body) for h in heads)
        page = self.audit.rows()
        return texts, tuple(self.store.all(OUTBOX)), page.rows, self.store.owes_scrub


STEPS: tuple[Callable[[Desk], Any], ...] = (
    lambda desk: desk.save("one", "first words"),
    lambda desk: desk.save("one", SECRET),
    lambda desk: desk.save("one", SECRET, Encryption.REQUIRED),
    lambda desk: desk.save("two", "second draft"),
    lambda desk: desk.queue("one"),
    lambda desk: desk.drafts.discard("two"),
    lambda desk: desk.leave("one"),
    lambda desk: desk.drafts.restore("two"),
    lambda desk: desk.queue("two"),
)


def _states(folder: Path) -> list[tuple[Any, ...]]:
    desk = Desk(folder)
    states = [desk.state()]
    for step in STEPS:
        step(desk)
        states.append(desk.state())
    return states


def _stops(folder: Path, *, torn: bool) -> list[int]:
    ops = FakeFileOps()
    desk = Desk(folder, ops)
    for step in STEPS:
        step(desk)
    return [n for n, name in enumerate(ops.steps) if name == "write" or not torn]


def _secret_is_gone(folder: Path) -> bool:
    return not any(
        SECRET.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file()
    )


@pytest.mark.parametrize("torn", [False, True])
def test_a_kill_at_any_durable_step_leaves_the_state_before_or_after_it(
    disk: Path, torn: bool
) -> None:
    states = _states(disk / "model")
    stops = _stops(disk / "steps", torn=torn)
    for stop_at in stops:
        folder = disk / f"stop-{stop_at}"

        def work(tell: Tell, folder: Path = folder, stop_at: int = stop_at) -> None:
            desk = Desk(folder, FakeFileOps(stop_at, kill_myself, torn=torn))
            for step in STEPS:
                step(desk)
                tell("done")

        done = len(Child(work).rest())
        assert done < len(STEPS)
        desk = Desk(folder)
        assert desk.state() in states[done : done + 2], f"stopped at {stop_at}"
        assert desk.store.repairs == ()
        assert desk.audit.verify() is None
        if any(text[1] for text in desk.state()[0]):
            assert _secret_is_gone(folder)
        desk.save("more", "writing goes on")
        assert not list((folder / "outbound").glob("*.new"))
        desk.store.close()
    assert len(stops) > 15


@pytest.mark.parametrize("torn", [False, True])
def test_a_disk_that_refuses_any_step_takes_nothing_back_and_leaves_nothing_half(
    disk: Path, torn: bool
) -> None:
    states = _states(disk / "model")
    refused = 0
    for stop_at in _stops(disk / "steps", torn=torn):
        folder = disk / f"stop-{stop_at}"
        try:
            desk = Desk(folder, FakeFileOps(stop_at, torn=torn))
        except DiskFull:
            OutboundStore.open(folder).close()
            continue
        for number, step in enumerate(STEPS):
            try:
                step(desk)
            except CacheError:
                refused += 1
                assert desk.state() == states[number], f"refused at {stop_at}"
                step(desk)  # there is room again
            assert desk.state()[:3] == states[number + 1][:3], f"refused at {stop_at}"
        desk.store.close()
        again = Desk(folder)
        assert again.state() == states[-1], f"refused at {stop_at}"
        assert again.audit.verify() is None
        assert again.store.repairs == ()
        again.store.close()
    assert refused > 8


def test_a_full_disk_keeps_what_was_saved_and_writing_goes_on_when_there_is_room(
    disk: Path,
) -> None:
    def work(tell: Tell) -> None:
        desk = Desk(disk)
        desk.save("one", "kept " * 100)
        log = disk / "outbound" / "outbound.log"
        size = log.stat().st_size
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 500, hard))
        try:
            desk.save("one", "too long " * 100)
        except DiskFull as error:
            tell(str(error))
        tell(f"{desk.drafts.get('one').body[:4]} {log.stat().st_size - size}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        desk.save("one", "fits now")
        tell(desk.drafts.get("one").body)

    told = Child(work).rest()
    assert told[0].startswith("The disk is full: saving mail was not possible. Free some space")
    assert told[1:] == ["kept 0", "fits now"]
    desk = Desk(disk)
    assert [desk.drafts.get(head.draft_id).body for head in desk.drafts.heads()] == ["fits now"]
    desk.store.close()
