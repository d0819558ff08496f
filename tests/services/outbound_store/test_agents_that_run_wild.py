"""Agents that run wild: under one name or many, they leave the operator's own drafts in peace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.draft import Draft, DraftState
from services.errors import NotFound, PolicyRefused
from services.outbound.approvals import agent_room
from services.outbound.approvals.agent_door import AgentDoor, Parts
from services.outbound.approvals.proposals import Proposals
from services.outbound.drafts.draft_store import Drafts
from services.outbound.gate.policy import Sender
from services.outbound.log.audit import AuditLog
from services.outbound.log.store import OutboundStore
from services.outbound.outbox.homecoming import Homecoming
from services.outbound.outbox.outbox import Outbox
from tests.fakes.operators import FakeClock

DAY = 86_400


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def door(tmp_path: Path, clock: FakeClock) -> Iterator[AgentDoor]:
    store = OutboundStore.open(tmp_path)
    drafts = Drafts(store, clock=clock)
    audit = AuditLog(tmp_path / "audit.log", store, clock)
    proposals = Proposals(Sender("work"), store, drafts, audit, clock=clock)
    outbox = Outbox(store, Homecoming(drafts, audit, store), clock)
    yield AgentDoor(Parts(store, drafts, proposals, outbox, audit, DAY, clock))
    store.close()


def mail(number: int, size: int = 10) -> Draft:
    text = f"{number} {'x' * size}"
    return replace(Draft.begin(), to=("bob@agents.example.com",), subject="Report", body=text)


def refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except PolicyRefused:
        return True
    return False


def test_one_agent_fills_its_own_room_and_nobody_elses(
    door: AgentDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_room, "AGENT_BYTES", 100_000)
    for number in range(3):
        door.propose(mail(number, 40_000), "wild")
    assert refused(lambda: door.propose(mail(9), "wild"))
    assert door.propose(mail(9), "calm").is_new


def test_revisions_take_room_too(door: AgentDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_room, "AGENT_BYTES", 100_000)
    draft_id = door.propose(mail(0, 50_000), "wild").status.draft_id

    def revise(number: int) -> bool:
        return refused(
            lambda: door.edit(
                draft_id, "wild", lambda draft: replace(draft, body=f"{number}" * 50_000)
            )
        )

    assert [revise(number) for number in range(4)] == [False, True, True, True]
    assert door.read(draft_id).body == "0" * 50_000


def test_many_names_share_one_room(door: AgentDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_room, "ALL_WAITING", 5)

    def propose(number: int) -> bool:
        return refused(lambda: door.propose(mail(number), f"wild{number}"))

    done = [propose(number) for number in range(8)]
    assert done == [False] * 6 + [True] * 2
    monkeypatch.setattr(agent_room, "ALL_WAITING", 100)
    monkeypatch.setattr(agent_room, "ALL_BYTES", 100)
    assert refused(lambda: door.propose(mail(9), "another"))


def test_what_is_proposed_and_withdrawn_for_ever_does_not_fill_the_disk(
    door: AgentDoor, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_room, "AGENT_DECIDED", 5)
    ids = []
    for number in range(12):
        ids.append(door.propose(mail(number), "wild").status.draft_id)
        door.withdraw(ids[-1], "wild")
        clock.now += 1
    assert len(door.list("wild")) <= 7
    assert door.read(ids[-1]).body == mail(11).body
    with pytest.raises(NotFound):
        door.read(ids[0])


def test_what_the_operator_wrote_into_a_rejected_proposal_stays(
    door: AgentDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent_room, "AGENT_DECIDED", 0)
    parts = door._parts
    draft_id = door.propose(mail(0), "wild").status.draft_id
    parts.drafts.save(replace(parts.drafts.get(draft_id), body="my words"))
    parts.proposals.reject(draft_id, "no")
    door.propose(mail(1), "wild")
    assert parts.drafts.get(draft_id).body == "my words"
    assert parts.drafts.head(draft_id).state is DraftState.REJECTED
