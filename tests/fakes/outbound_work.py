"""A process that writes drafts, a stand-in for the outbox and audit lines, and says what it did."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from services.draft import Draft, Encryption
from services.outbound.drafts.draft_store import Drafts
from services.outbound.log.audit import AUDIT_FILE, AuditLog
from services.outbound.log.store import DRAFTS, OUTBOX, OutboundStore
from tests.fakes.child_process import Child, Tell
from tests.fakes.fake_sealer import FakeSealer

DRAFTS_AT_WORK = 6
CLOCK = lambda: 1_800_000_000  # noqa: E731


def body(name: str, step: int) -> str:
    """A text whose wholeness shows."""
    return f"{name} wrote {step} " + "and so on, " * (step % 90) + "end."


def write_for_ever(folder: Path, name: str, chance: random.Random, tell: Tell) -> None:
    """Save one draft after the other in a random order, now and then encrypted, until killed."""
    store = OutboundStore.open(folder)
    audit = AuditLog(folder / AUDIT_FILE, store, CLOCK)
    drafts = Drafts(store, FakeSealer(), CLOCK)
    heads = {head.draft_id: head.revision for head in drafts.heads()}
    step = (store.get(OUTBOX, name) or {"n": 0})["n"]
    while True:
        step += 1
        draft_id = f"{name}-{chance.randrange(DRAFTS_AT_WORK)}"
        wanted = Encryption.REQUIRED if chance.random() < 0.3 else Encryption.NONE
        draft = replace(
            Draft.begin(),
            draft_id=draft_id,
            revision=heads.get(draft_id, 0),
            body=body(name, step),
            encryption=wanted,
        )
        with store.transaction():
            heads[draft_id] = drafts.save(draft).revision
            store.put(OUTBOX, name, {"n": step, "draft": draft_id})
            audit.record(name, "saved", subject=draft_id, answer=str(step))
        tell(f"{step} {draft_id}")


def kill_a_writer(folder: Path, name: str, chance: random.Random) -> int:
    """Let a writer begin, kill it somewhere, and return the last step that it was told is saved."""
    acknowledged = 0

    def work(tell: Tell) -> None:
        write_for_ever(folder, name, chance, tell)

    child = Child(work)
    for _ in range(chance.randrange(1, 4)):
        acknowledged = int(child.lines.readline().split()[0])
    for _ in range(chance.randrange(60_000)):
        pass
    return max([acknowledged, *(int(line.split()[0]) for line in child.kill())])


def check(folder: Path, name: str, acknowledged: int) -> None:
    """Everything is whole, nothing acknowledged is missing, nothing is there twice."""
    store = OutboundStore.open(folder)
    assert store.repairs == ()
    last = store.get(OUTBOX, name)
    assert last is not None
    assert last["n"] >= acknowledged
    drafts = Drafts(store, FakeSealer(), CLOCK)
    heads = [head for head in drafts.heads() if head.draft_id.startswith(f"{name}-")]
    assert len(heads) <= DRAFTS_AT_WORK
    assert drafts.get(last["draft"]).body == body(name, last["n"])
    for head in heads:
        assert drafts.get(head.draft_id).body.endswith("end.")
        assert len(drafts.revisions(head.draft_id)) == 1
        if head.is_encrypted:
            text = drafts.get(head.draft_id).body.encode()
            assert text not in (folder / "outbound" / "outbound.log").read_bytes()
    audit = AuditLog(folder / AUDIT_FILE, store, CLOCK)
    assert audit.verify() is None
    mine = [row for row in audit.rows(limit=1_000_000).rows if str(row.actor) == name]
    assert [int(row.answer) for row in mine] == list(range(last["n"], 0, -1))
    assert store.count(DRAFTS) == len(drafts.heads())
    store.close()


Work = Callable[[Tell], None]
