"""What a review says when the decision fails, is void, or was taken elsewhere meanwhile."""

from __future__ import annotations

from dataclasses import replace

from services import outbound_events as ev
from services.outbound_models import CheckLevel, CheckView
from services.safe_text import ui
from tests.fakes.fake_decisions import OWN, PROPOSED, digest_of, file, proposal
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import SMALL, DecisionStage
from tui.screens.review import Outcome


async def test_a_decision_on_what_has_changed_sends_nothing_and_shows_what_changed() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        changed = replace(OWN, digest=digest_of("changed"), files=(file("report.pdf", 9_000_000),))
        stage.desk.voids["d3"] = changed
        stage.wait()
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: changed.short_digest in text_of(stage.app))
        text = text_of(stage.app)
        assert "! Not sent: this is not what you decided on any more" in text
        assert "The file report.pdf has changed." in text
        assert OWN.short_digest not in text
        # The new mail was not on screen long enough: the same key again decides nothing.
        await press(pilot, "ctrl+x")
        assert len(stage.asked(ev.SendDraft)) == 1
        stage.wait()
        await press(pilot, "ctrl+x")
        assert stage.asked(ev.SendDraft)[1:] == [ev.SendDraft("d3", changed.digest, "main")]


async def test_a_refused_mail_cannot_be_sent_and_says_why_and_what_to_do() -> None:
    refused = replace(
        OWN,
        refusal=ui("research has another key than the pinned one."),
        next_step=ui("Compare the keys: g k."),
        checks=(CheckView("changed_key", CheckLevel.REFUSED, ui("The key has changed.")),),
    )
    stage = DecisionStage(refused)
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        assert "! Cannot be sent: research has another key than the pinned one." in text_of(
            stage.app
        )
        assert "Compare the keys: g k." in text_of(stage.app)
        assert "Ctrl+X" not in rows_of(stage.app)[-1]
        stage.wait()
        await press(pilot, "ctrl+x")
        assert "research has another key" in rows_of(stage.app)[0]
        assert stage.asked(ev.SendDraft) == []


async def test_a_failed_decision_leaves_it_pending_with_the_reason() -> None:
    stage = DecisionStage()
    stage.desk.fails[ev.SendDraft] = "The limit of 20 mails an hour is reached."
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        stage.wait()
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: "limit of 20 mails" in text_of(stage.app))
        assert stage.outcomes == []
        del stage.desk.fails[ev.SendDraft]
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: stage.outcomes == [Outcome.SENT])


async def test_a_second_press_while_the_first_is_carried_out_asks_nothing_more() -> None:
    stage = DecisionStage()
    stage.desk.silent.add(ev.SendDraft)
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        stage.wait()
        await press(pilot, "ctrl+x", "ctrl+x", "y")
        assert len(stage.asked(ev.SendDraft)) == 1
        assert "It is being handed to the outbox." in text_of(stage.app)


async def test_rejecting_wants_a_reason_and_names_the_digest_on_screen() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        await press(pilot, "X")
        await until(pilot, lambda: "Reject what lead-gen proposes" in text_of(stage.app))
        await press(pilot)
        stage.wait()
        await press(pilot, "enter")
        assert stage.asked(ev.RejectProposal) == []
        await press(pilot, *"too cheap", "enter")
        await until(pilot, lambda: stage.outcomes)
        asked = ev.RejectProposal("main", "p1", PROPOSED.digest, "too cheap")
        assert stage.asked(ev.RejectProposal) == [asked]
        await until(pilot, lambda: stage.outcomes == [Outcome.REJECTED])


async def test_a_proposal_shows_who_proposed_it_what_it_says_and_how_long_it_holds() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        text = text_of(stage.app)
        assert "Agent    lead-gen · revision 3 · lapses in 20 h" in text
        assert "lead-gen says" in text
        assert "They asked for an offer in their web form." in text
        assert "To       external · sales@bigco.com" in text
        assert "+ first contact" in text
        assert "Copy     external · oversight@example.com" in text
        assert "in clear: everybody on the way can read all of it" in text


async def test_the_comparison_shows_what_the_revision_changed_and_approves_nothing() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        stage.wait()
        await press(pilot, "d")
        text = text_of(stage.app)
        assert "revision 3 against 2: 1 line added, 1 line removed" in text
        assert " - we can offer 20 % off" in text
        assert " + we can offer 10 % off until Friday." in text
        assert " @ To: sales@bigco.com, was info@bigco.com" in text
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        await press(pilot, "d")
        stage.wait()
        await press(pilot, "A")
        assert len(stage.asked(ev.SendDraft)) == 1


async def test_a_proposal_that_lapses_says_so_and_closes_nothing_else() -> None:
    lapsed = replace(PROPOSED, expires_at=NOON + 299)
    stage = DecisionStage(lapsed)
    async with stage.app.run_test(size=SMALL) as pilot:
        screen = await stage.review(pilot, "p1")
        await until(pilot, lambda: "This proposal has lapsed" in text_of(stage.app))
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        assert stage.app.screen is screen


async def test_a_proposal_decided_elsewhere_can_not_be_decided_here() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        stage.wait()
        stage.engine.emit(ev.ProposalsListed(0, (), ()))
        await until(pilot, lambda: "This was decided elsewhere" in text_of(stage.app))
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []


async def test_a_revision_that_comes_meanwhile_is_read_and_has_to_be_seen_again() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        stage.wait()
        fresh = replace(PROPOSED, revision=4, digest=digest_of("fourth"))
        stage.desk.reviews["p1"] = fresh
        row = proposal("p1", "lead-gen", "sales@bigco.com", "Intro call?", revision=4)
        stage.engine.emit(ev.ProposalsListed(0, (row,), ()))
        await until(pilot, lambda: fresh.short_digest in text_of(stage.app))
        assert "lead-gen revised it: this is revision 4." in rows_of(stage.app)[0]
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == [ev.SendDraft("p1", fresh.digest, "main")]


async def test_a_draft_that_cannot_be_read_says_why_in_its_place() -> None:
    stage = DecisionStage()
    stage.desk.fails[ev.ReviewDraft] = "The file report.pdf is gone."
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.open_review(pilot)
        await until(pilot, lambda: "The file report.pdf is gone." in text_of(stage.app))
        stage.wait()
        await press(pilot, "ctrl+x")
        assert stage.asked(ev.SendDraft) == []
