"""The Approvals screen: what agents propose, what may be approved there, and what never is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events as tevents

from services import outbound_events as ev
from services.safe_text import phrase, ui
from tests.fakes.fake_decisions import PROPOSALS, PROPOSED, digest_of, lines, proposal
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import EVERY_KEY, SMALL, DecisionStage
from tui.screens.approvals import ApprovalsScreen
from tui.screens.mail import MailScreen
from tui.screens.review import ReviewScreen

LEADS_AWAY = {"q", "escape", "e", "X", "?", "f1", ":", "ctrl+p", "enter", "o", "P"}


async def test_the_list_tells_agent_recipient_age_and_risk_and_what_was_not_seen() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await press(pilot, "g", "p")
        await until(pilot, lambda: "digest" in text_of(stage.app))
        rows = rows_of(stage.app)
        assert "Waiting 3 · lead-gen PAUSED (P resumes) · sent today 14, billing 10" in rows[1]
        assert "lead-gen        → sales@bigco.com" in rows[2]
        assert "9 min external · cold · first contact" in rows[2]
        assert "rev 3" in rows[2]
        assert rows[3].startswith("   billing")
        assert "external · known" in rows[3]
        assert rows[4].startswith(" ● lead-gen")
        assert "PAUSED · external" in rows[4]


async def test_a_narrow_list_tells_the_subject_the_risk_and_what_is_not_the_first_revision() -> (
    None
):
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "p")
        await until(pilot, lambda: "digest" in text_of(stage.app))
        rows = rows_of(stage.app)
        assert "Intro call?" in rows[2]
        assert " rev 3 " in rows[2]
        assert "external · cold" in rows[2]
        assert "rev" not in rows[3]


@pytest.mark.parametrize("width", [60, 80])
@pytest.mark.parametrize("height", range(8, 16))
async def test_on_a_short_screen_list_review_and_hints_are_all_there(
    height: int, width: int
) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(width, height)) as pilot:
        await press(pilot, "g", "p")
        await until(pilot, lambda: "To · external · sales@bigco.com" in text_of(stage.app))
        rows = rows_of(stage.app)
        assert rows[-1].endswith("? help")
        assert any(row.startswith("▌") for row in rows)
        assert ("digest 81e7" in text_of(stage.app)) is (height > 8)


async def test_the_whole_of_the_current_proposal_stands_below_with_its_digest() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        text = text_of(stage.app)
        assert "To · external · sales@bigco.com" in text
        assert "Copy · external · oversight@example.com" in text
        assert "we can offer 10 % off until Friday." in text
        assert "They asked for an offer in their web form." in text
        assert f"digest {PROPOSED.short_digest}" in text


async def test_approving_names_the_digest_on_screen_and_can_be_taken_back() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        stage.wait()
        await press(pilot, "A")
        await until(pilot, lambda: "Waiting 2" in text_of(stage.app))
        assert stage.asked(ev.SendDraft) == [ev.SendDraft("p1", PROPOSED.digest, "main")]
        assert "Leaves in 10 s   z takes it back" in text_of(stage.app)
        await press(pilot, "z")
        assert stage.asked(ev.CancelSend) == [ev.CancelSend(("e1",), "")]
        assert "takes it back" not in text_of(stage.app)
        assert "Nothing left; the draft is back." in rows_of(stage.app)[0]


async def test_what_was_seen_in_full_loses_its_mark() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        assert rows_of(stage.app)[2].startswith("▌● lead-gen")
        await stage.look_through(pilot)
        await until(pilot, lambda: rows_of(stage.app)[2].startswith("▌  lead-gen"))


async def test_what_was_not_seen_in_full_is_not_approved() -> None:
    long = replace(PROPOSED, body=lines("\n".join(f"line {n}" for n in range(38))))
    stage = DecisionStage(long)
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        assert "rows not seen yet: Space" in text_of(stage.app)
        await stage.look_through(pilot)
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == [ev.SendDraft("p1", long.digest, "main")]


async def test_no_key_but_the_approving_one_approves_in_the_list() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        stage.wait()
        await press(pilot, *(key for key in EVERY_KEY if key not in LEADS_AWAY | {"A"}))
        for key in sorted(LEADS_AWAY):
            if not isinstance(stage.app.screen, ApprovalsScreen):
                await stage.approvals(pilot)
            stage.wait()
            await press(pilot, key)
            while len(stage.app.screen_stack) > 2:
                await press(pilot, "escape")
        assert stage.asked(ev.SendDraft) == []
        assert stage.asked(ev.RejectProposal) == []


async def test_pasted_text_approves_nothing() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        stage.wait()
        stage.app.screen.post_message(tevents.Paste("AAAA\n"))
        await press(pilot)
        assert stage.asked(ev.SendDraft) == []


async def test_a_step_to_another_proposal_takes_the_approval_away_until_that_one_is_seen() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        stage.wait()
        await press(pilot, "j", "A")
        assert stage.asked(ev.SendDraft) == []
        await until(pilot, lambda: "To · external · maria@shop.de" in text_of(stage.app))
        await press(pilot)
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == [ev.SendDraft("p2", digest_of("p2"), "main")]


async def test_an_answer_about_a_proposal_that_was_left_is_not_shown() -> None:
    stage = DecisionStage()
    stage.desk.silent.add(ev.ReviewDraft)
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await press(pilot, "g", "p")
        await until(pilot, lambda: stage.asked(ev.ReviewDraft))
        number = len(stage.engine.requests)
        await press(pilot, "j")
        await until(pilot, lambda: len(stage.asked(ev.ReviewDraft)) == 2)
        stage.engine.emit(ev.ReviewReady(number, PROPOSED))
        await press(pilot)
        assert PROPOSED.short_digest not in text_of(stage.app)
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []


async def test_rejecting_in_the_list_names_the_digest_and_the_reason() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "X")
        await until(pilot, lambda: "Reject what lead-gen proposes" in text_of(stage.app))
        assert "Enter: Reject · Esc leaves" in text_of(stage.app)
        stage.wait()
        await press(pilot, *"not ours", "enter")
        await until(pilot, lambda: "Waiting 2" in text_of(stage.app))
        asked = ev.RejectProposal("main", "p1", PROPOSED.digest, "not ours")
        assert stage.asked(ev.RejectProposal) == [asked]
        assert "Rejected; its agent can read why." in rows_of(stage.app)[0]


async def test_pausing_is_one_key_and_resuming_asks() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "j", "P")
        await until(pilot, lambda: "billing PAUSED" in text_of(stage.app))
        assert stage.asked(ev.PauseAgent) == [ev.PauseAgent("main", "billing", True)]
        await press(pilot, "P")
        await until(pilot, lambda: "Let billing go on?" in text_of(stage.app))
        await press(pilot, "enter")
        assert len(stage.asked(ev.PauseAgent)) == 1
        await press(pilot, "P")
        await until(pilot, lambda: "Let billing go on?" in text_of(stage.app))
        stage.wait()
        await press(pilot, "y")
        assert stage.asked(ev.PauseAgent)[1:] == [ev.PauseAgent("main", "billing", False)]


async def test_an_agent_without_a_proposal_can_be_paused_too() -> None:
    stage = DecisionStage()
    stage.desk.proposals = ()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "P")
        await until(pilot, lambda: "Pause billing" in text_of(stage.app))
        stage.wait()
        await press(pilot, "down", "enter")
        assert stage.asked(ev.PauseAgent) == [ev.PauseAgent("main", "billing", True)]


async def test_decided_proposals_are_listed_when_asked_for_and_cannot_be_decided_again() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "v")
        await until(pilot, lambda: "rejected: wrong" in text_of(stage.app))
        await press(pilot, "G")
        await until(pilot, lambda: "rejected: wrong amount. Enter shows" in text_of(stage.app))
        stage.wait()
        for key in ("A", "X", "e"):
            await press(pilot, key)
            assert "This is decided already." in rows_of(stage.app)[0]
        assert stage.asked(ev.SendDraft) == []
        assert stage.asked(ev.RejectProposal) == []


async def test_a_decided_proposal_is_looked_at_and_no_more() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "v")
        await until(pilot, lambda: "rejected: wrong amount" in text_of(stage.app))
        await press(pilot, "G", "enter")
        await until(pilot, lambda: "digest" in text_of(stage.app))
        await press(pilot)
        stage.wait()
        await press(pilot, "A", "X", "y", "e")
        await until(pilot, lambda: isinstance(stage.app.screen, ReviewScreen))
        assert stage.asked(ev.SendDraft) == []
        assert stage.asked(ev.RejectProposal) == []
        assert "· rejected: wrong amount" in text_of(stage.app)


async def test_proposals_of_several_accounts_name_theirs() -> None:
    stage = DecisionStage()
    stage.desk.proposals = (PROPOSALS[0], replace(PROPOSALS[1], account="second"))
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        assert "main/lead-gen" in rows_of(stage.app)[2]
        assert "second/billing" in rows_of(stage.app)[3]
        await press(pilot, "j")
        await until(pilot, lambda: ev.ReviewDraft("p2", "second") in stage.asked(ev.ReviewDraft))


async def test_the_whole_mail_opens_on_a_screen_of_its_own_and_comes_back_to_the_list() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, ReviewScreen))
        await until(pilot, lambda: "Approve for lead-gen" in rows_of(stage.app)[0])
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(stage.app.screen, ApprovalsScreen))
        assert stage.asked(ev.SendDraft) == []


async def test_editing_opens_the_proposal_of_its_account() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "e")
        await until(pilot, lambda: stage.asked(ev.OpenDraft))
        assert stage.asked(ev.OpenDraft) == [ev.OpenDraft("p1", "main")]


async def test_a_lapsed_proposal_cannot_be_approved_and_says_so() -> None:
    lapsed = replace(PROPOSED, expires_at=NOON)
    stage = DecisionStage(lapsed)
    stage.desk.proposals = (replace(PROPOSALS[0], expires_at=NOON),)
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        await until(pilot, lambda: "This proposal has lapsed" in text_of(stage.app))
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []


async def test_a_revision_is_told_read_anew_and_marked_unseen_again() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.approvals(pilot)
        stage.wait()
        await until(pilot, lambda: rows_of(stage.app)[2].startswith("▌  lead-gen"))
        fresh = replace(PROPOSED, revision=4, digest=digest_of("fourth"))
        stage.desk.reviews["p1"] = fresh
        stage.desk.proposals = (replace(PROPOSALS[0], revision=4), *PROPOSALS[1:])
        stage.engine.emit(stage.desk.listed_anew())
        await until(pilot, lambda: fresh.short_digest in text_of(stage.app))
        assert "lead-gen revised it: this is revision 4." in rows_of(stage.app)[0]
        assert rows_of(stage.app)[2].startswith("▌● lead-gen")


async def test_an_empty_list_says_how_agents_propose_mail() -> None:
    stage = DecisionStage()
    stage.desk.proposals, stage.desk.agents = (), ()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.approvals(pilot)
        text = text_of(stage.app)
        assert "Nothing waits for you." in text
        assert "agentmail-tui draft --from-agent NAME" in " ".join(text.split())
        await press(pilot, "A")
        assert "Nothing is under the cursor." in rows_of(stage.app)[0]
        await press(pilot, "P")
        assert "No agent has proposed anything yet." in rows_of(stage.app)[0]
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_ten_thousand_proposals_are_a_list_like_any_other(size: tuple[int, int]) -> None:
    stage = DecisionStage()
    stage.desk.proposals = tuple(
        replace(proposal(f"n{n}", "lead-gen", "a@b.example", "x"), subject=phrase("Number {}", n))
        for n in range(10_000)
    )
    async with stage.app.run_test(size=size) as pilot:
        await stage.approvals(pilot)
        await press(pilot, "G")
        await until(pilot, lambda: "Number 9999" in text_of(stage.app))
        assert "Waiting 10,000" in text_of(stage.app)
        assert ui("Number 9999") == stage.app.screen.list.current.subject  # type: ignore[attr-defined]
