"""Hostile strings through every surface of the app that shows mail: literal, alive, no actions (T02–T04)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services import events, requests
from services.models import LabelCount
from services.safe_text import SafeText, clean_line, clean_text, clean_url, ui
from services.shown_mail import Link
from tests.fakes.fake_engine import rendered
from tests.fakes.rows import make_row
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tests.widgets.stage import hostile_strings
from tui.hints import help_sections
from tui.labels import LabelState
from tui.screens.label_dialog import LabelFilterDialog

STRINGS = hostile_strings()
MARKUP = [
    "sale [/50% off] now",
    "[@click=app.quit]press me[/]",
    "[@click=app.save_screenshot('x.svg')]shot[/]",
    "[link=https://evil.example]bank[/link]",
    "[URGENT] x",
    "[team-list] x",
    "[PATCH v2 1/3] x",
    ":warning: x",
    "[$error]x[/]",
    "[b",
    "\\[b]",
    "[a [b] c]",
    "$primary",
    "{} {0} {x} %s",
]
# Several at a time, because each text walks through every screen.
_SHORT = [text[:120] for _, text in STRINGS]
ALL = [" | ".join(_SHORT[start : start + 10]) for start in range(0, len(_SHORT), 10)]
ALL += [" | ".join(MARKUP[start::3]) for start in range(3)]
WIDE = (110, 24)


def hostile_stage(text: str) -> Stage:
    line = clean_line(text)
    row = replace(make_row(0), subject=line, sender=line, address=line, labels=(line,))
    link = Link(1, line, clean_url(text), line, line)
    message = replace(
        rendered(row, text), links=(link,), notes=(line,), to=line, cc=line, reply_to=line
    )
    return Stage([row, make_row(1)], messages={"m0": message})


def clean(written: str) -> bool:
    return all(char == "\n" or ord(char) >= 0x20 for char in written) and not any(
        "\x7f" <= char <= "\x9f" or char in "\u202e\u202d\u2066\u2067\u200b\ufeff"
        for char in written
    )


@pytest.mark.parametrize("text", ALL, ids=[f"text{number}" for number in range(len(ALL))])
async def test_a_hostile_string_is_literal_on_every_surface(text: str) -> None:
    stage = hostile_stage(text)
    seen: list[str] = []
    async with stage.app.run_test(size=WIDE, notifications=True) as pilot:

        async def look(*keys: str) -> None:
            await press(pilot, *keys)
            seen.append(text_of(stage.app))

        await look("enter")
        await look("h")
        await look("L")
        await look("escape", "l")
        await look("escape", "\\")
        await look("escape", "d")
        await look("escape", "ctrl+p")
        await look("escape", "?")
        await look("escape", "q", "m")
        await look("escape")
        line = clean_line(text)
        stage.engine.emit(events.Notice(line, events.Severity.ERROR, next_step=line))
        stage.engine.emit(events.Notice(line))
        await press(pilot)
        await look("g", "i")
        stage.mail.finding.go(stage.mail.finding.view.searching(text))
        await press(pilot)
        await look("y")
        assert stage.app._exception is None
        assert stage.app.return_value is None
        assert [screen for screen in seen if not clean(screen)] == []
    assert not any(isinstance(one, requests.Delete) for one in stage.engine.requests)


@pytest.mark.parametrize("text", ["[URGENT] x", "[PATCH v2 1/3] x", ":warning: x", "[$error]x[/]"])
async def test_ordinary_brackets_are_shown_to_the_letter(text: str) -> None:
    stage = hostile_stage(text)
    async with stage.app.run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "enter", "d")
        await until(pilot, lambda: f"“{text}”" in text_of(stage.app))
        await press(pilot, "escape", "l")
        await until(pilot, lambda: f"[x] {text}" in text_of(stage.app))
        assert rows_of(stage.app)[1].count(text) >= 2


@pytest.mark.parametrize("text", [" ".join(MARKUP[1:4])], ids=["click and link"])
async def test_clicks_on_mail_text_run_no_action(text: str) -> None:
    stage = hostile_stage(text)
    async with stage.app.run_test(size=(60, 12)) as pilot:
        await press(pilot, "enter")
        for y in range(1, 6):
            for x in range(2, 50, 16):
                await pilot.click(offset=(x, y))
        assert stage.app.return_value is None
        assert stage.app._exception is None


async def test_raw_mail_and_failures_with_hostile_text_stay_literal() -> None:
    text = "\x1b]0;x\x07[/b]"
    stage = hostile_stage(text)
    async with stage.app.run_test(size=WIDE, notifications=True) as pilot:
        await press(pilot, "enter", "g", "r")
        number = len(stage.engine.requests)
        lines = tuple(SafeText(line) for line in clean_text(text).text.split("\n"))
        stage.engine.emit(events.RawRead(number, "m0", lines))
        await until(pilot, lambda: "[/b]" in text_of(stage.app))
        stage.engine.emit(events.RequestFailed(99, clean_line(text)))
        await press(pilot)
        assert clean(text_of(stage.app))


async def test_a_label_s_raw_form_is_what_is_asked_for_not_its_shown_form() -> None:
    raw = "pay\u200bpal"
    shown = clean_line(raw)
    assert shown != raw
    states = (LabelState(raw, shown),)
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        chosen: list[object] = []
        stage.app.push_screen(LabelFilterDialog(states, stage.clock), chosen.append)
        await press(pilot)
        await press(pilot, "enter")
        assert chosen[0].add == (raw,)
    assert LabelCount(raw, shown, 1).label == raw


def test_help_and_palette_hold_no_mail_text() -> None:
    stage = Stage()
    keymap = stage.app._session.keymap
    for context in keymap.owners:
        for title, lines in help_sections(keymap, context):
            assert isinstance(title, SafeText)
            assert all(line.help == ui(str(line.help)) for line in lines)
