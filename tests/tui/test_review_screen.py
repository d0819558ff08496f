"""The review screen: what it shows, which key sends, and everything that must not (mail_clients.md §6)."""

from __future__ import annotations

import pytest
from textual import events as tevents

from services import outbound_events as ev
from tests.fakes.fake_decisions import OWN, RESEARCH
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import EVERY_KEY, SMALL, DecisionStage
from tui.screens.mail import MailScreen
from tui.screens.review import Outcome

SENDING = {"ctrl+x", "y"}
LEADS_AWAY = {"q", "escape", "e", "s", "X", "?", "f1", ":", "ctrl+p"}


async def test_the_review_shows_exactly_what_will_be_sent() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        text = text_of(stage.app)
        assert "From     ops-bot@agents.example.com" in text
        assert "To       internal · research@agents.example.com" in text
        assert "pinned 12 Oct 2026, verified by voice" in text
        assert f"▣ {RESEARCH.fingerprint}" in text
        assert "in clear: Subject, addresses, file names" in text
        assert "Subject  Quarterly numbers" in text
        assert "Please check column F before noon." in text
        assert "1.4 MB · ▣ encrypted · sha256" in text
        assert "report.pdf" in text
        assert f"digest {OWN.short_digest}" in text
        assert "leaves 10 s later, with undo" in text
        assert "! This is the first mail to research since its key changed." in text
        assert "approval not needed: internal" in text


async def test_whole_hashes_and_types_are_a_key_away() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        assert OWN.files[0].sha256 not in text_of(stage.app)
        await press(pilot, "h")
        shown = "".join(row.strip() for row in rows_of(stage.app))
        assert OWN.files[0].sha256 in shown
        assert "application/pdf" in shown


@pytest.mark.parametrize("key", sorted(SENDING))
async def test_the_sending_key_sends_the_digest_on_screen_and_closes_the_review(key: str) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        assert OWN.short_digest in text_of(stage.app)
        stage.wait()
        await press(pilot, key)
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))
        assert stage.asked(ev.SendDraft) == [ev.SendDraft("d3", OWN.digest, "main")]
        await until(pilot, lambda: stage.outcomes == [Outcome.SENT])


async def test_a_key_typed_ahead_of_the_review_sends_nothing() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        await press(pilot, "ctrl+x", "y")
        stage.wait(0.2)
        await press(pilot, "ctrl+x", "y")
        assert stage.asked(ev.SendDraft) == []
        assert "Not all of it was on screen for long enough yet" in rows_of(stage.app)[0]
        stage.wait(0.1)
        await press(pilot, "y")
        assert len(stage.asked(ev.SendDraft)) == 1


@pytest.mark.parametrize(("draft_id", "deciding"), [("d3", SENDING), ("p1", {"A"})])
async def test_no_other_key_sends_or_approves(draft_id: str, deciding: set[str]) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        screen = await stage.review(pilot, draft_id)
        stage.wait()
        await press(pilot, *(key for key in EVERY_KEY if key not in deciding | LEADS_AWAY))
        assert stage.app.screen is screen
        for key in sorted(LEADS_AWAY):
            stage.wait()
            await press(pilot, key)
            while stage.app.screen is not screen and len(stage.app.screen_stack) > 2:
                await press(pilot, "escape")
            if stage.app.screen is not screen:
                screen = await stage.review(pilot, draft_id)
        assert stage.asked(ev.SendDraft) == []


@pytest.mark.parametrize("draft_id", ["d3", "p1"])
async def test_pasted_text_decides_nothing(draft_id: str) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        screen = await stage.review(pilot, draft_id)
        stage.wait()
        screen.post_message(tevents.Paste("yA\x18y\n"))
        await press(pilot)
        assert stage.asked(ev.SendDraft) == []


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_leaving_decides_nothing(key: str) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        stage.wait()
        await press(pilot, key)
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))
        await until(pilot, lambda: stage.outcomes == [None])
        assert stage.outbound_requests == [ev.ReviewDraft("p1", "main")]


@pytest.mark.parametrize(("key", "outcome"), [("e", Outcome.EDIT), ("s", Outcome.LATER)])
async def test_changing_is_left_to_who_opened_the_review(key: str, outcome: Outcome) -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        await press(pilot, key)
        await until(pilot, lambda: stage.outcomes == [outcome])
        assert stage.asked(ev.SendDraft) == []


async def test_when_a_proposal_leaves_is_no_afterthought() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        await press(pilot, "s")
        assert "Edit it first" in rows_of(stage.app)[0]
        assert stage.outcomes == []
