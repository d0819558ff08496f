"""500 mails under faults and random kill -9: 500 deliveries, none twice; and an outbox of 10,000.

Run with `pytest tests/bench/test_outbox_at_scale.py -s --timeout=900`.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from services.config import Account
from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import Content, OutboxEntry
from services.outbound_models import OutboxState
from services.policy_config import Repeats
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party, alice, bob, own_keys, sandbox, stored_session
from tests.services.outbound.killing import FAULTS, Children, check_true, deliveries, entries, fill
from tests.services.outbound.office_stage import FakeLender, Stage

__all__ = ["alice", "bob", "own_keys", "sandbox", "stored_session"]
COUNT = 500


async def test_500_mails_under_faults_and_kills_are_500_deliveries(
    sandbox: SandboxControl, alice: Party, bob: Party
) -> None:
    stage = Stage(alice, repeats=Repeats.SUPPRESSED)
    office = await stage.open()
    await fill(office, bob.address, COUNT)
    children = Children(sandbox, alice, "suppressed")
    seen: Counter[str] = Counter()
    for round_ in range(60):
        for number, fault in enumerate(FAULTS):
            skip = children.chance.randrange(1 + round_ % 7)
            sandbox.fault(
                agent=alice.agent, operation="send_mail", skip=skip, times=1 + number % 2, **fault
            )
        is_done = children.run_and_kill(1.0)
        check_true(office, deliveries(sandbox, alice))
        seen.update(entry.state.value for entry in entries(office) if not entry.is_settled)
        if is_done:
            break
    children.run()
    delivered = deliveries(sandbox, alice)
    check_true(office, delivered)
    found = entries(office)
    tries = Counter(entry.tries for entry in found)
    posts = [r for r in sandbox.requests(alice.agent) if r["operation"] == "send_mail"]
    print(
        f"\n{COUNT} mails, {children.kills} kills, {len(posts)} requests to send seen, "
        f"{sum(delivered.values())} deliveries of {len(delivered)} mails; found open after kills: "
        f"{dict(seen)}; tries: {dict(sorted(tries.items()))}"
    )
    assert {entry.state for entry in found} == {OutboxState.SENT}
    assert sum(delivered.values()) == len(delivered) == COUNT
    assert len(found) == COUNT
    assert office.audit.verify() is None
    await stage.close()


async def test_an_outbox_of_10_000_is_listed_and_sent_from_like_a_small_one(tmp_path: Path) -> None:
    account = Account("work", "assmbl", "http://127.0.0.1", address="me@agents.example.com")
    office = await Office.open(account, tmp_path, FakeLender(None, None))
    with office.store.transaction():
        for number in range(10_000):
            made = OutboxEntry(
                f"{number:032}", "draft", f"batch{number}", OutboxState.SENT, "you@agents.example.com",
                f"mail {number}", f"key-{number}", queued_at=1, changed_at=number,
            )  # fmt: skip
            office.store.put("settled", made.entry_id, made.to_document())
    one = OutboxEntry("x", "d", "b", OutboxState.PENDING, "you@agents.example.com", "s", "k")
    begun = time.perf_counter()
    with office.store.transaction():
        office.outbox.queue([(one, Content({}))], actor="operator")
    queued = time.perf_counter() - begun
    begun = time.perf_counter()
    rows = office.outbox.settled()
    listed = time.perf_counter() - begun
    begun = time.perf_counter()
    assert len(office.outbox.open()) == 1
    looked = time.perf_counter() - begun
    print(
        f"\nqueue one: {queued * 1000:.1f} ms, list 10,000: {listed * 1000:.0f} ms, "
        f"look for what is due: {looked * 1000:.2f} ms"
    )
    assert len(rows) == 10_000
    assert looked < listed / 20
    await office.close()
