"""A forward of a message with 50 MB begins as fast as one with a few bytes, and holds up nothing.

Run with `pytest tests/bench/test_forwarding_large.py -s` to see the figures. Times are compared within
one run only.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from services import outbound_events as ev
from services.carried_events import CarriedState, CarriedTold
from services.draft import Draft, DraftFile, DraftKind
from services.outbound_models import OutboxState
from services.sandbox.records import Agent
from tests.services.outbound.conftest import mailer, sandbox, stored_session
from tests.services.outbound.posting_stage import Mailer

__all__ = ["mailer", "sandbox", "stored_session"]
LARGE = 50 * 1024 * 1024
MEMORY_LIMIT = 32 * 1024
"""KiB that fetching may take beyond what the program had before."""


def resident() -> int:
    """The most memory that this process has ever had, in KiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def sent(one: Mailer, to: Agent, file: Path) -> None:
    """Send a file to an agent."""
    draft = replace(
        Draft.begin(), to=(to.address,), subject=file.name, files=(DraftFile(file, file.name),)
    )
    kept = one.answer(ev.SaveDraft(draft), ev.DraftSaved)
    ready = one.answer(ev.ReviewDraft(kept.draft_id), ev.ReviewReady)
    one.answer(ev.SendDraft(kept.draft_id, ready.review.digest), ev.SendQueued)
    one.reaches(OutboxState.SENT)


def taken(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.perf_counter()
    result = work()
    return time.perf_counter() - begun, result


def test_50_mb_hold_up_neither_the_draft_nor_anything_else(
    mailer: Any, other: Agent, tmp_path: Path
) -> None:  # fmt: skip
    files = {"small.txt": b"x" * 10, "large.bin": os.urandom(1 << 20) * (LARGE >> 20)}
    sender = mailer()
    sender.connected()
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        sent(sender, other, tmp_path / name)
    sender.engine.stop(10)

    one = Mailer(sender.sandbox, other, tmp_path / "theirs")
    one.connected()
    items = one.sandbox.call(other, "GET", "/inbox")["items"]
    ids = {item["Subject"]: item["MessageID"] for item in items}
    idle = max(taken(lambda: one.answer(ev.ListDrafts(), ev.DraftsListed))[0] for _ in range(50))
    begins: dict[str, float] = {}
    for name in files:
        one.answer(ev.BeginDraft(DraftKind.REPLY, ids[name]), ev.DraftOpened)  # it has been read
        before = resident()
        request = ev.BeginDraft(DraftKind.FORWARD, ids[name])
        begins[name], opened = taken(lambda: one.answer(request, ev.DraftOpened))  # noqa: B023
        (file,) = opened.draft.files
        busy, looks = 0.0, 0
        while not file.path.exists():
            busy, looks = (
                max(busy, taken(lambda: one.answer(ev.ListDrafts(), ev.DraftsListed))[0]),
                looks + 1,
            )
        memory = resident() - before
    one.wait(CarriedTold, lambda told: told.files[0].state is CarriedState.HERE)
    one.engine.stop(10)
    print(
        f"\nbegun in {begins['small.txt'] * 1000:.0f} ms with 10 bytes, "
        f"{begins['large.bin'] * 1000:.0f} ms with 50 MB; other requests take {idle * 1000:.0f} ms "
        f"at most, {busy * 1000:.0f} ms while it is fetched ({looks}); {memory} KiB more memory"
    )
    assert hashlib.sha256(file.path.read_bytes()).digest() == hashlib.sha256(files[name]).digest()
    assert begins["large.bin"] < 5 * begins["small.txt"] + idle
    assert looks > 5
    assert memory < MEMORY_LIMIT
