"""Rows of proposals: read once for each revision, told anew where something is different, else the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.draft import Draft, DraftState, Encryption
from services.outbound.approvals.proposals import Proposals
from services.outbound.drafts.draft_store import Drafts
from services.outbound.gate.policy import NoHistory, Sender
from services.outbound.log.audit import AuditLog
from services.outbound.log.store import OutboundStore
from services.outbound_models import ProposalRow
from services.policy_config import Policy

AGENT = "lead-gen"
ANN = "ann@bigco.example"


class FakeHistory(NoHistory):
    """Whom the operator has written to."""

    def __init__(self) -> None:
        self.written: set[str] = set()

    def was_written_to(self, address: str) -> bool:
        return address in self.written


class FakeSealer:
    """Seals by turning the bytes around; locked until somebody opens it."""

    hindrance = ""
    is_open = False

    def seal(self, data: bytes, /) -> bytes:
        return data[::-1].hex().encode()

    def open(self, data: bytes, /, *, quietly: bool = False) -> bytes:
        from services.crypto.errors import Locked

        if not self.is_open:
            raise Locked
        return bytes.fromhex(data.decode())[::-1]


class Bench:
    """Proposals over a store, and how often a text was read from it."""

    def __init__(self, folder: Path) -> None:
        self.store = OutboundStore.open(folder)
        self.sealer = FakeSealer()
        self.drafts = Drafts(self.store, self.sealer)
        self.history = FakeHistory()
        self.sender = Sender("work", policy=Policy())
        audit = AuditLog(folder / "audit.log", self.store)
        self.proposals = Proposals(
            self.sender, self.store, self.drafts, audit, history=self.history, clock=time.time
        )
        self.read: list[str] = []
        get = self.drafts.get

        def counted(draft_id: str) -> Draft:
            self.read.append(draft_id)
            return get(draft_id)

        self.drafts.get = counted  # type: ignore[method-assign]

    def propose(self, subject: str, **fields: object) -> Draft:
        draft = replace(Draft.begin(), to=(ANN,), subject=subject, body="Text", **fields)  # type: ignore[arg-type]
        return self.proposals.propose(draft, AGENT)

    @property
    def rows(self) -> tuple[ProposalRow, ...]:
        return self.proposals.rows()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


def marks(row: ProposalRow) -> list[str]:
    return [str(mark) for mark in row.marks]


def test_a_row_that_is_as_it_was_is_the_same_one_and_its_text_is_not_read_again(
    bench: Bench,
) -> None:
    for number in range(3):
        bench.propose(f"Number {number}")
    first, second = bench.rows, bench.rows
    assert [one is other for one, other in zip(first, second, strict=True)] == [True] * 3
    assert len(bench.read) == 3
    bench.propose("Another")
    assert [row in first for row in bench.rows] == [True, True, True, False]
    assert len(bench.read) == 4


def test_a_revised_proposal_is_read_again_and_no_other(bench: Bench) -> None:
    one, two = bench.propose("One"), bench.propose("Two")
    before = bench.rows
    bench.proposals.revise(replace(one, subject="One, better", to=("bob@other.example",)), AGENT)
    after = {row.draft_id: row for row in bench.rows}
    assert str(after[one.draft_id].subject) == "One, better"
    assert str(after[one.draft_id].to) == "bob@other.example"
    assert after[two.draft_id] is next(row for row in before if row.draft_id == two.draft_id)
    assert bench.read == [one.draft_id, two.draft_id, one.draft_id]


def test_what_is_known_of_a_recipient_meanwhile_changes_the_marks(bench: Bench) -> None:
    bench.propose("One")
    assert "first contact" in marks(bench.rows[0])
    bench.history.written.add(ANN)
    assert "first contact" not in marks(bench.rows[0])
    bench.proposals.know(replace(bench.sender, inboxes=frozenset({ANN})))
    assert "external" not in marks(bench.rows[0])


def test_seen_and_paused_change_a_row(bench: Bench) -> None:
    made = bench.propose("One")
    assert (bench.rows[0].unseen, bench.rows[0].is_paused) == (True, False)
    bench.proposals.see(made.draft_id, made.revision)
    bench.proposals.pause(AGENT, is_paused=True)
    assert (bench.rows[0].unseen, bench.rows[0].is_paused) == (False, True)


def test_what_only_the_own_key_opens_is_kept_nowhere(bench: Bench) -> None:
    bench.propose("Sealed", encryption=Encryption.REQUIRED)
    bench.sealer.is_open = True
    assert str(bench.rows[0].subject) == "Sealed"
    bench.sealer.is_open = False
    locked = bench.rows[0]
    assert (str(locked.subject), marks(locked)) == ("", ["locked", "encrypted"])


def test_a_decided_proposal_stays_as_a_row_of_its_state(bench: Bench) -> None:
    made = bench.propose("One")
    assert bench.rows[0].is_waiting
    bench.proposals.reject(made.draft_id, "Not now.")
    assert bench.rows == ()
    (row,) = bench.proposals.rows(with_decided=True)
    assert (str(row.state), row.is_waiting, str(row.subject)) == (
        "rejected: Not now.",
        False,
        "One",
    )
    bench.drafts.put_state(made.draft_id, DraftState.CANCELLED)
    assert str(bench.proposals.rows(with_decided=True)[0].state) == "cancelled"
