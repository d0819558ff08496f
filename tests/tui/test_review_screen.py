"""The review screen: what it shows, which key sends, and everything that must not (mail_clients.md §6)."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from textual import events as tevents

from services import outbound_events as ev
from services.outbound_models import CheckLevel, CheckView, ReviewRecipient, ReviewView
from services.safe_text import EMPTY, clean_line, phrase, ui
from tests.fakes.fake_decisions import (
    BUYER,
    OWN,
    PROPOSED,
    RESEARCH,
    digest_of,
    file,
    lines,
    proposal,
)
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import SMALL, DecisionStage
from tui.screens.mail import MailScreen
from tui.screens.review import Outcome

SENDING = {"ctrl+x", "y"}
LONG = replace(
    OWN, body=lines("\n".join(f"line {number} of many" for number in range(214))), files=()
)
LONG_PROPOSAL = replace(PROPOSED, body=LONG.body, digest=digest_of("long"))
LEADS_AWAY = {"q", "escape", "e", "s", "X", "?", "f1", ":", "ctrl+p"}
EVERY_KEY = [
    *string.ascii_letters, *string.digits, *"!#$%&'()*+,-./;<=>@[\\]^_`{|}~", "enter", "space",
    "tab", "escape", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown", "up",
    "down", "left", "right", *(f"f{number}" for number in range(1, 12)),
    *(f"ctrl+{letter}" for letter in "abdefgklnorstuvwxyz"),
]  # fmt: skip


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
        await pilot.resize_terminal(60, 20)
        await until(pilot, lambda: len(rows_of(stage.app)) == 20)
        await press(pilot)
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
