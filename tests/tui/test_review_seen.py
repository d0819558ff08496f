"""A review is decided on what was on screen: folded text, other widths, counted files, a moment to look."""

from __future__ import annotations

from dataclasses import replace

from services import outbound_events as ev
from services.outbound_models import CheckLevel, CheckView, ReviewRecipient, ReviewView
from services.safe_text import EMPTY, clean_line, phrase, ui
from tests.fakes.fake_decisions import BUYER, OWN, PROPOSED, lines
from tests.tui.app_stage import press, text_of
from tests.tui.decision_stage import LONG, LONG_PROPOSAL, SMALL, DecisionStage
from tests.widgets.stage import resized


async def test_a_long_text_is_folded_with_its_exact_size() -> None:
    stage = DecisionStage(LONG)
    async with stage.app.run_test(size=(80, 60)) as pilot:
        await stage.review(pilot)
        rest = LONG.body[24:]
        words = f"▸ {len(rest)} lines more, {sum(map(len, rest)):,} characters (T shows them)"
        assert words in text_of(stage.app)
        assert "line 23 of many" in text_of(stage.app)
        assert "line 24 of many" not in text_of(stage.app)
        await press(pilot, "T", "G")
        assert "line 213 of many" in text_of(stage.app)


async def test_one_line_as_long_as_a_book_is_folded_too() -> None:
    stage = DecisionStage(replace(OWN, body=(ui("first"), clean_line("x" * 999), ui("a" * 50_000))))
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        await press(pilot, "G")
        assert "▸ 1 line more, 50,000 characters" in text_of(stage.app)


async def test_a_proposal_is_not_approved_until_all_of_its_text_was_on_screen() -> None:
    stage = DecisionStage(LONG_PROPOSAL)
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        stage.wait()
        await press(pilot, "A")
        assert "text is folded: T shows it" in text_of(stage.app)
        await press(pilot, "T")
        stage.wait()
        await press(pilot, "A", "G", "A")
        stage.wait()
        await press(pilot, "A")
        assert "rows not seen yet: Space" in text_of(stage.app)
        assert stage.asked(ev.SendDraft) == []
        # A burst is painted once: the pages that it passed were on no screen.
        await press(pilot, "g", "g", *["space"] * 60)
        assert "rows not seen yet: Space" in text_of(stage.app)
        while "not seen yet" in text_of(stage.app):
            await press(pilot, "space")
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == [ev.SendDraft("p1", LONG_PROPOSAL.digest, "main")]


async def test_folding_the_text_again_takes_the_approval_away() -> None:
    stage = DecisionStage(LONG_PROPOSAL)
    async with stage.app.run_test(size=(80, 300)) as pilot:
        await stage.review(pilot, "p1")
        await press(pilot, "T")
        await press(pilot, "T")
        stage.wait()
        await press(pilot, "A")
        assert stage.asked(ev.SendDraft) == []
        await press(pilot, "T")
        stage.wait()
        await press(pilot, "A")
        assert len(stage.asked(ev.SendDraft)) == 1


async def test_a_narrower_window_keeps_what_was_seen_and_asks_for_the_rest() -> None:
    stage = DecisionStage(replace(PROPOSED, body=lines("\n".join(f"row {n}" for n in range(30)))))
    async with stage.app.run_test(size=(80, 60)) as pilot:
        await stage.review(pilot, "p1")
        assert "not seen yet" not in text_of(stage.app)
        await resized(pilot, 60, 20)
        # The head has less room now: what it cannot show any more has to be seen below.
        assert "row 29" not in text_of(stage.app)
        await stage.look_through(pilot)
        await press(pilot, "A")
        assert len(stage.asked(ev.SendDraft)) == 1


async def test_an_own_long_text_may_stay_folded_but_no_fact_may_be_unseen() -> None:
    many = tuple(
        ReviewRecipient(phrase("agent{}@agents.example.com", number), ui("to"), is_external=False)
        for number in range(40)
    )
    stage = DecisionStage(replace(LONG, recipients=many))
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        assert "40 recipients, listed below" in text_of(stage.app)
        stage.wait()
        await press(pilot, "ctrl+x")
        assert stage.asked(ev.SendDraft) == []
        await stage.look_through(pilot)
        await press(pilot, "ctrl+x")
        assert len(stage.asked(ev.SendDraft)) == 1


async def test_what_the_head_only_counts_is_listed_in_full() -> None:
    recipients = (
        BUYER,
        *(replace(BUYER, address=phrase("buyer{}@b.example", n)) for n in range(9)),
    )
    stage = DecisionStage(replace(OWN, recipients=recipients, encrypted=False))
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        assert "10 recipients, listed below · 10 external" in text_of(stage.app)
        seen = text_of(stage.app)
        for _ in range(6):
            await press(pilot, "space")
            seen += text_of(stage.app)
        assert all(recipient.address in seen for recipient in recipients)


async def test_a_dialog_over_the_review_lets_the_moment_run_anew() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot, "p1")
        stage.wait()
        await press(pilot, "X", "escape", "A")
        assert stage.asked(ev.SendDraft) == []
        stage.wait()
        await press(pilot, "A")
        assert len(stage.asked(ev.SendDraft)) == 1


async def test_more_checks_than_fit_are_counted_and_listed() -> None:
    checks = tuple(
        CheckView(
            f"check{number}", CheckLevel.CAUTION, phrase("Something to think of, {}.", number)
        )
        for number in range(9)
    )
    stage = DecisionStage(replace(OWN, checks=checks))
    async with stage.app.run_test(size=SMALL) as pilot:
        await stage.review(pilot)
        assert "8 more checks above, 8 against it" in text_of(stage.app)
        seen = text_of(stage.app)
        for _ in range(4):
            await press(pilot, "space")
            seen += text_of(stage.app)
        assert all(check.sentence in seen for check in checks)


def test_a_review_without_text_says_so() -> None:
    from widgets.glyphs import UNICODE
    from widgets.review_lines import Shape, review_lines

    view: ReviewView = replace(OWN, body=(EMPTY, ui("  ")), files=())
    told = [line.facts[0][0] for line in review_lines(view, Shape(), UNICODE)]
    assert told == ["No text"]
