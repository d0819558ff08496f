"""A mail by Amazon SES in the review: the way out, both parts, headers and files, all of it seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.draft import VIA_SES, BodyFormat, Draft
from services.outbound.approvals.comparing import compare as compare_drafts
from services.outbound.gate.plan import Plan
from services.outbound.gate.reviewing import changed, review
from services.outbound_events import SendDraft
from services.outbound_models import ReviewRecipient, ReviewView
from services.safe_text import clean_line, ui
from tests.fakes.fake_decisions import BUYER, OWN, PROPOSED, lines
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import DecisionStage
from tests.tui.test_decision_snapshots import _drawn
from tests.tui.test_snapshots import SIZES, compare

HTML = '<h2>Order 42</h2>\n<p><a href="https://example.com/orders/42">Open</a></p>'
BY_SES = replace(
    OWN, encrypted=False, in_clear=ui("all of it"),
    recipients=(BUYER, ReviewRecipient(ui("boss@elsewhere.example"), ui("bcc (oversight)"))),
    service=ui("Amazon SES as ops-bot@agents.example.com, eu-west-1"),
    body=lines("Order 42\n\nOpen [1]\n\n[1] https://example.com/orders/42"), html=lines(HTML),
    headers=((ui("X-Workflow-Name"), ui("order-status")),),
    files=(replace(OWN.files[0], encrypted=False),),
)  # fmt: skip
LONG = replace(
    PROPOSED, service=BY_SES.service, body=lines("short"),
    html=lines("\n".join(f"<p>{number}</p>" for number in range(200))),
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "80x24", "140x40"])
async def test_a_review_of_html_by_ses_looks_as_agreed(size: tuple[int, int]) -> None:
    stage = DecisionStage(BY_SES)
    async with stage.app.run_test(size=size) as pilot:
        await stage.review(pilot, BY_SES.draft_id)
        stage.wait()
        await _drawn(pilot, stage, "" if size[0] < 80 else "Ctrl+X send")
        compare("review-html", size, rows_of(stage.app))


async def test_all_of_it_can_be_read_under_each_other() -> None:
    stage = DecisionStage(BY_SES)
    seen = ""
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.review(pilot, BY_SES.draft_id)
        for _ in range(6):
            seen += text_of(stage.app)
            await press(pilot, "pagedown")
    for words in (
        "Via      Amazon SES as ops-bot@agents.example.com, eu-west-1",
        "boss@elsewhere.example", "inside of the mail", "sha256", "X-Workflow-Name: order-status",
        "Text part, made of the HTML, 5 lines", "HTML part, as written, as source, 2 lines",
        "<h2>Order 42</h2>", "in clear: everybody on the way can read all of it",
    ):  # fmt: skip
        assert words in seen, words


async def test_an_agents_html_is_approved_only_when_its_source_was_on_screen() -> None:
    stage = DecisionStage(LONG)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await stage.review(pilot, LONG.draft_id)
        stage.wait()
        await press(pilot, "A")
        assert not stage.asked(SendDraft)
        assert "text is folded" in text_of(stage.app)
        await press(pilot, "T")
        await stage.look_through(pilot)
        await asyncio.sleep(0)
        await press(pilot, "A")
        await until(pilot, lambda: stage.asked(SendDraft))
    assert stage.asked(SendDraft)[0].digest == LONG.digest


def plan(body: str, other: str, written: BodyFormat) -> Plan:
    return Plan(
        account="work", sender="a@b.example", draft_id="d", revision=1, agent="", agent_says="",
        encrypted=False, mails=(), body=body, alternative=other, format=written, via=VIA_SES,
        service="Amazon SES",
    )  # fmt: skip


def test_parts_are_shown_in_the_order_of_the_mail_whichever_was_written() -> None:
    written = review(plan("<p>x</p>\n", "x\n", BodyFormat.HTML))
    assert (written.body, written.html, written.is_html_made) == (
        lines("x"), lines("<p>x</p>"), False,
    )  # fmt: skip
    made = review(plan("**x**", "<p><b>x</b></p>", BodyFormat.MARKDOWN))
    assert (made.body, made.html, made.is_html_made) == (
        lines("**x**"), lines("<p><b>x</b></p>"), True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (plan("x", "", BodyFormat.PLAIN), "The text is plain now; it was html."),
        (plan("x", "z", BodyFormat.HTML), "The other part, which is made of the text, is different."),
        (replace(plan("x", "y", BodyFormat.HTML), via="", service="Assmbl"),
         "It would leave by Assmbl."),
        (replace(plan("x", "y", BodyFormat.HTML), service="Amazon SES, eu-west-1"),
         "It would leave by Amazon SES, eu-west-1."),
    ],
    ids=["format", "other-part", "way", "region"],
)  # fmt: skip
def test_another_way_or_part_is_told_when_a_decision_is_void(new: Plan, told: str) -> None:
    old = plan("x", "y", BodyFormat.HTML)
    assert old.digest != new.digest
    assert told in changed(old, new)


def test_what_an_agent_changed_about_way_and_format_stands_in_the_comparison() -> None:
    old = Draft("d", revision=1, body="x")
    new = replace(old, revision=2, via=VIA_SES, format=BodyFormat.HTML)
    told = [f"{line.sign}{line.text}" for line in compare_drafts(old, new).lines]
    assert told == ["@Way out", "+Amazon SES", "@Format", "+html"]


async def test_hostile_html_in_the_review_draws_neither_markup_nor_escapes() -> None:
    source = "[bold red]x[/] <img src=x onerror=y> \x1b[2J\u202egnp \x9b31m"
    shown = review(plan(source, "t", BodyFormat.HTML))
    hostile: ReviewView = replace(BY_SES, html=shown.html, headers=((clean_line("X"), clean_line("[b]y[/b]")),))  # fmt: skip
    stage = DecisionStage(hostile)
    seen = ""
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.review(pilot, hostile.draft_id)
        seen = text_of(stage.app)
    assert "[bold red]x[/] <img src=x onerror=y>" in seen
    assert "X: [b]y[/b]" in seen
    assert not any(char in seen for char in "\x1b\x9b\u202e")
