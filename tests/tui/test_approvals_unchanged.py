"""The Approvals list is made anew where something is different, and says what is still being read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from services import outbound_events as ev
from services.outbound_models import ProposalRow
from services.safe_text import SafeText, ui
from tests.fakes.fake_decisions import PROPOSALS, proposal
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import SMALL, DecisionStage
from tui.screens import approvals
from widgets.approval_list import ApprovalList


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows the list was made of, each time that it was made."""
    counts: list[int] = []
    show = ApprovalList.show_records

    def counted(self: ApprovalList, records: Sequence[ProposalRow], empty: SafeText) -> None:
        counts.append(len(records))
        show(self, records, empty)

    monkeypatch.setattr(ApprovalList, "show_records", counted)
    return counts


async def test_a_list_that_is_told_as_it_was_is_neither_made_nor_asked_for_again(
    made: list[int],
) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        asked = len(stage.asked(ev.ListProposals))
        for _ in range(3):
            stage.engine.emit(stage.desk.listed_anew())
            await press(pilot)
        assert made == [3]
        stage.desk.proposals = PROPOSALS[1:]
        stage.engine.emit(stage.desk.listed_anew())
        await until(pilot, lambda: "Waiting 2" in text_of(stage.app))
        assert made == [3, 2]
        assert len(stage.asked(ev.ListProposals)) == asked


async def test_how_long_a_proposal_waits_is_told_anew_without_any_news(
    made: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "AGE_SECONDS", 0.05)
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        assert "9 min" in rows_of(stage.app)[2]
        stage.app.screen.query_one(ApprovalList)._clock = lambda: NOON + 300.0 + 20 * 60.0
        await until(pilot, lambda: "29 min" in rows_of(stage.app)[2])
        assert made == [3]


async def test_a_list_without_the_decided_does_not_take_the_place_of_one_with_them() -> None:
    stage = DecisionStage()
    gone = proposal("p9", "billing", "a@b.example", "Old", state=ui("rejected"), is_waiting=False)
    stage.desk.decided = (gone,)
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "v")
        await until(pilot, lambda: "rejected" in text_of(stage.app))
        stage.engine.emit(stage.desk.listed_anew())
        await press(pilot)
        assert "rejected" in text_of(stage.app)
        assert stage.asked(ev.ListProposals)[-1] == ev.ListProposals(with_decided=True)


async def test_how_far_the_drafts_on_a_service_are_read_stands_above_the_list() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        coming = ui("Reading drafts on AgentMail.to: 1,200 so far")
        stage.engine.emit(replace(stage.desk.listed_anew(), coming=coming))
        await until(pilot, lambda: "1,200 so far" in rows_of(stage.app)[1])
        stage.engine.emit(stage.desk.listed_anew())
        await until(pilot, lambda: "so far" not in text_of(stage.app))
