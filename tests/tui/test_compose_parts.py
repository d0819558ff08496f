"""Recipients, files and details of a draft, by keyboard over drafts in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual import events

from services.draft import Draft, DraftKind
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.compose_stage import begin, compose_of, letters, stage_with, suggested
from tui.screens.compose import ComposeScreen

SIZE = (80, 24)


# ── recipients ───────────────────────────────────────────────────────────────────────────────────


async def test_enter_takes_a_suggestion_in_place_of_what_is_no_address_yet() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        await press(pilot, *"mar")
        await suggested(pilot, drafts, "mar")
        assert "Maria Ortiz" in text_of(stage.app)
        assert rows_of(stage.app)[2].startswith(" Subject ")
        await press(pilot, "down", "down", "enter")
        assert compose_of(stage).fields["to"].value == "market@agents.example.com, "


async def test_an_address_that_was_typed_whole_is_not_replaced_by_a_suggestion() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, *"maria@shop.exampl")
        await suggested(pilot, drafts, "maria@shop.exampl")
        assert "Maria Ortiz" in text_of(stage.app)
        await press(pilot, "enter", *"Hello")
        assert draft.value.to == ("maria@shop.exampl",)
        assert draft.value.subject == "Hello"


async def test_tab_takes_the_best_suggestion_and_the_next_recipient_is_completed_alone() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        for typed, found in (("rese", "research@"), ("ortiz", "Maria Ortiz <")):
            await press(pilot, *typed)
            await suggested(pilot, drafts, typed)
            assert found in text_of(stage.app)
            await press(pilot, "tab")
        await press(pilot, "tab")
        shown = rows_of(stage.app)[1]
        assert shown == " To       research@agents.example.com, Maria Ortiz <maria@shop.example>"
        assert draft.value.to == ("research@agents.example.com", "Maria Ortiz <maria@shop.example>")


async def test_tab_never_takes_what_only_the_first_letters_meant() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "o")
        await suggested(pilot, drafts, "o")
        assert "research@" in text_of(stage.app)
        await press(pilot, *"rtiz", "tab", "tab")
        assert draft.value.to == ("Maria Ortiz <maria@shop.example>",)


async def test_escape_hides_suggestions_before_it_leaves() -> None:
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        await begin(pilot, stage)
        await press(pilot, *"rese")
        await suggested(pilot, drafts, "rese")
        assert "research@" in text_of(stage.app)
        await press(pilot, "escape")
        assert "research@" not in text_of(stage.app)
        assert isinstance(stage.app.screen, ComposeScreen)


async def test_pasted_lines_are_recipients_and_hold_no_control_characters() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        compose_of(stage).fields["to"].post_message(events.Paste("a@x.y\r\nb@x.y\x1b[31m\x07\r\n"))
        await press(pilot)
        assert "\x1b" not in compose_of(stage).fields["to"].value
        assert draft.value.to[0] == "a@x.y"
        assert len(draft.value.to) == 2


async def test_cc_and_bcc_are_shown_when_wanted_or_filled() -> None:
    drafts = FakeDrafts(begun=replace(Draft.begin(), bcc=("audit@x.y",)))
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        rows = rows_of(stage.app)
        assert rows[2].startswith(" Bcc      audit@x.y")
        await press(pilot, "ctrl+r", *letters("c@x.y"))
        assert draft.value.cc == ("c@x.y",)


# ── files ────────────────────────────────────────────────────────────────────────────────────────


async def test_files_are_chosen_marked_attached_and_taken_away(tmp_path: Path) -> None:
    for name, size in (("a.pdf", 1_000), ("b.txt", 20), ("c d.bin", 3)):
        (tmp_path / name).write_bytes(b"x" * size)
    drafts = FakeDrafts()
    stage = stage_with(drafts)
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+t", "ctrl+u", *letters(f"{tmp_path}/"))
        await until(pilot, lambda: "c d.bin" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "ctrl+t", "down", "ctrl+t", "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
        assert [file.name for file in draft.value.files] == ["a.pdf", "c d.bin"]
        assert "2 files, 1.0 KB" in text_of(stage.app)
        await press(pilot, "tab", "tab", "delete")
        assert [file.name for file in draft.value.files] == ["c d.bin"]


async def test_files_dropped_on_the_window_are_marked(tmp_path: Path) -> None:
    names = ["one file.pdf", "two.txt"]
    for name in names:
        (tmp_path / name).write_text("x")
    dropped = f"'{tmp_path}/one file.pdf' file://{tmp_path}/two.txt"
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+t")
        stage.app.screen.query_one("#path").post_message(events.Paste(dropped))
        await until(pilot, lambda: "2 marked" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "enter")
        await until(pilot, lambda: draft.value.files)
        assert sorted(file.name for file in draft.value.files) == names


# ── details ──────────────────────────────────────────────────────────────────────────────────────


async def test_details_are_taken_or_the_mistake_is_told() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "ctrl+g", "d")
        stage.clock.now += 1
        await press(pilot, *letters("job-7\nX-Job\n12,000\n\n3\n\npages=4.5\n"))
        assert "Headers are written as Name: value" in text_of(stage.app)
        await press(pilot, "up", "up", "up", "up", "up", *letters(": seven"))
        await press(pilot, *["enter"] * 6)
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
    base, usage = draft.base, draft.base.usage
    assert usage is not None
    assert (base.correlation_id, base.headers) == ("job-7", (("X-Job", "seven"),))
    assert (usage.tokens_input, usage.outcomes_returned) == (12_000, 3)
    assert usage.custom_units == {"pages": 4.5}


async def test_a_marketplace_request_shows_the_price_first() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, *letters("market@agents.example.com\n"), "ctrl+g", "m")
        await until(pilot, lambda: "0.02 USD for each outcome" in text_of(stage.app))
        stage.clock.now += 1
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: isinstance(stage.app.screen, ComposeScreen))
        assert draft.value.kind is DraftKind.MARKET_REQUEST
