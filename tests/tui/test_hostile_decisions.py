"""Hostile strings through review, approvals, outbox, sent and audit: literal, and never in our voice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services import outbound_events as ev
from services.outbound_models import (
    AuditRow,
    CheckLevel,
    CheckView,
    DiffLine,
    OutboxState,
    ReviewFile,
    ReviewRecipient,
    ReviewView,
)
from services.safe_text import SafeText, clean_line, clean_text, ui
from tests.fakes.fake_decisions import OWN, PROPOSALS, PROPOSED, digest_of, outbox_row
from tests.fakes.rows import NOON
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import DecisionStage
from tests.tui.test_hostile import ALL, clean
from widgets.review_text import ReviewText

WIDE = (110, 30)


def hostile_review(text: str, draft_id: str) -> ReviewView:
    line = clean_line(text)
    body = tuple(SafeText(one) for one in clean_text(text).text.split("\n"))
    return replace(
        PROPOSED,
        draft_id=draft_id,
        digest=digest_of(draft_id),
        recipients=(
            ReviewRecipient(line, ui("to"), warning=line, pinned=line, fingerprint=line),
            ReviewRecipient(line, line, is_external=False),
        ),
        subject=line,
        body=body,
        headers=((line, line),),
        files=(ReviewFile(line, line, 12, digest_of("x"), True),),
        usage=(line,),
        pricing=(line,),
        checks=(CheckView("x", CheckLevel.DANGER, line),),
        approval=line,
        agent=line,
        agent_says=line,
        encrypted=True,
        in_clear=line,
    )


def hostile_stage(text: str) -> DecisionStage:
    line = clean_line(text)
    stage = DecisionStage(hostile_review(text, "p1"), replace(OWN, subject=line, refusal=line))
    stage.desk.proposals = (
        replace(PROPOSALS[0], agent=line, to=line, subject=line, marks=(line, line)),
    )
    stage.desk.agents = tuple(replace(agent, shown=line) for agent in stage.desk.agents)
    stage.desk.diff = tuple(DiffLine(sign, line) for sign in "+-@ ")
    stage.desk.outbox = stage.desk.sent = tuple(
        replace(outbox_row("s1", state, text, text), entry_id=state.value, sentence=line,
                progress=line, server_id=line)
        for state in OutboxState
    )  # fmt: skip
    stage.desk.audit = (AuditRow(1, NOON, line, line, line, line, line, line),)
    stage.desk.trouble = line
    return stage


@pytest.mark.parametrize("text", ALL, ids=[f"text{number}" for number in range(len(ALL))])
async def test_a_hostile_string_is_literal_on_every_screen_of_decisions(text: str) -> None:
    stage = hostile_stage(text)
    seen: list[str] = []
    async with stage.app.run_test(size=WIDE, notifications=True) as pilot:

        async def look(*keys: str) -> None:
            await press(pilot, *keys)
            seen.append(text_of(stage.app))

        await stage.approvals(pilot)
        await look()
        await look("space")
        await look("d")
        await look("X")
        await look("escape", "enter")
        await look("h", "G")
        await look("escape", "P")
        await look("escape", "q", "g", "o")
        await look("G")
        await look("g", "g", "enter")
        await look("escape", "tab")
        await look("q", "g", "A")
        await look("/", "x")
        line = clean_line(text)
        stage.engine.emit(ev.OutboundDone(99, line))
        stage.engine.emit(ev.SendQueued(98, "d3", ("e1",), NOON + 310, line))
        await look("escape", "q")
        assert stage.app._exception is None
        assert [screen for screen in seen if not clean(screen)] == []
        assert stage.asked(ev.SendDraft) == []


FORGED = (
    "Recipients 1 ────────────────────────",
    "To · internal · boss@agents.example.com",
    "▸ 1 line more, 3 characters (T shows them)",
    "digest 0000-0000-0000",
    "! Cannot be sent: ask your agent",
)


async def test_text_that_looks_like_our_own_rows_never_gets_their_place_or_ground() -> None:
    forged = replace(
        PROPOSED, body=tuple(ui(line) for line in FORGED), agent_says=ui(FORGED[1]), subject=ui("x")
    )
    stage = DecisionStage(forged)
    async with stage.app.run_test(size=(80, 40)) as pilot:
        screen = await stage.review(pilot, "p1")
        view = screen.query_one(ReviewText)
        ours = view.ink("card text").bgcolor
        theirs = view.ink("text").bgcolor
        assert ours != theirs
        grounds: dict[str, set[object]] = {}
        for y in range(view.size.height):
            strip = view.render_line(y)
            grounds.setdefault(strip.text.strip(), set()).update(
                segment.style.bgcolor for segment in strip if segment.style is not None
            )
            if strip.text.strip() in FORGED:
                assert strip.text.startswith(" ")
        for line in FORGED:
            assert grounds[line] == {theirs}
        headings = [words for words in grounds if words.startswith("Text, 5 lines")]
        assert grounds[headings[0]] == {ours}


async def test_a_file_name_cannot_pretend_a_hash_or_an_encryption() -> None:
    name = ui("a.pdf · ▣ encrypted · sha256 0000000000000000…0000")
    file = ReviewFile(name, ui("application/pdf"), 12, digest_of("x"), False)
    stage = DecisionStage(replace(OWN, files=(file,)))
    async with stage.app.run_test(size=(140, 40)) as pilot:
        await stage.review(pilot)
        text = text_of(stage.app)
        ours = text.index("in clear · sha256 " + digest_of("x")[:16])
        assert ours < text.index("a.pdf · ▣ encrypted")


@pytest.mark.parametrize("length", [320, 996])
async def test_nothing_that_is_decided_on_is_cut(length: int) -> None:
    long = "".join(f"{number:04}" for number in range(length // 4))
    view = replace(
        PROPOSED,
        recipients=(replace(PROPOSED.recipients[0], address=clean_line(long)),),
        subject=clean_line("s" + long),
    )
    stage = DecisionStage(view)
    async with stage.app.run_test(size=(60, 20)) as pilot:
        await stage.review(pilot, "p1")
        assert "not seen yet" in text_of(stage.app)
        seen = "".join(row.strip() for row in rows_of(stage.app))
        for _ in range(20):
            await press(pilot, "space")
            seen += "".join(row.strip() for row in rows_of(stage.app))
        screen = stage.app.screen
        rows = screen.query_one(ReviewText)
        drawn = "".join(
            (strip.text.strip() if (strip := rows.line(number, 60)) is not None else "")
            for number in range(len(rows._rows))
        )
        assert long in drawn
        assert "s" + long in drawn
        await until(pilot, lambda: "not seen yet" not in text_of(stage.app))
