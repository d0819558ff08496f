"""Pasted text: in one piece, never as keys, and nothing of it where a line cannot take it."""

from __future__ import annotations

from typing import Any

import pytest
from textual import events

from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import Stage, press, text_of, until
from tests.tui.compose_stage import begin, compose_of, letters, stage_with
from tests.widgets.terminal import Terminal
from tui.paste_parser import END, START, PasteParser

SIZE = (80, 24)
STAGE = ["-m", "tests.tui.compose_stage"]
CROWD = ", ".join(f"person{number}@agents.example.com" for number in range(5_000))
TYPED = (
    f"ab{START}two\nlines \x1b[31m red{END}j\x1b[A{START}{END}"
    f"{START}\x1b{END}q\x1b[<0;3;4M{START}x{START}dy\x00{END}z"
)
MEANT = [
    "a", "b", ["two\nlines \x1b[31m red"], "j", "up", [""], ["\x1b"], "q", (2, 3),
    [f"x{START}dy"], "z",
]  # fmt: skip


def read(parser: PasteParser, data: str, size: int) -> list[Any]:
    """What a parser makes of data that comes in pieces: names of keys, lists with pastes, places."""
    found: list[Any] = []
    for start in range(0, len(data), size):
        for message in parser.feed(data[start : start + size]):
            if isinstance(message, events.Key):
                found.append(message.key)
            elif isinstance(message, events.Paste):
                found.append([message.text])
            elif isinstance(message, events.MouseEvent):
                found.append((message.x, message.y))
    return found


@pytest.mark.parametrize("size", [*range(1, 14), 50, 1_000])
def test_a_paste_is_one_piece_and_no_keys_however_it_is_cut(size: int) -> None:
    assert read(PasteParser(), TYPED, size) == MEANT


def test_a_mark_that_comes_in_two_reads_begins_a_paste_even_after_a_pause() -> None:
    parser = PasteParser()
    begun = read(parser, START[:3], 3)
    # A sequence that does not go on is given up: its time is over.
    parser._timeout_time = 0.0
    given_up = [message for message in parser.tick() if isinstance(message, events.Key)]
    assert not begun
    assert given_up
    rest = read(parser, f"{START[3:]}dy{END}j", 100)
    assert rest[-2:] == [["dy"], "j"]
    assert "d" not in rest


async def test_more_than_a_line_takes_is_not_pasted_at_all_and_that_is_said() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=(140, 40), notifications=True) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, *letters("ann@x.y, "))
        stage.app.post_message(events.Paste("a" * 1_000_000))
        await until(pilot, lambda: "Nothing pasted" in text_of(stage.app))
        assert "1,000,009" in text_of(stage.app)
        stage.app.post_message(events.Paste(CROWD))
        await until(pilot, lambda: "One mail goes to few people." in text_of(stage.app))
        assert compose_of(stage).fields["to"].value == "ann@x.y, "
        stage.app.post_message(events.Paste("bob@x.y\ncy@x.y"))
        await until(pilot, lambda: len(draft.value.to) == 3)
        assert draft.value.to == ("ann@x.y", "bob@x.y", "cy@x.y")
        # Together with what stands there it would be too much as well.
        stage.app.post_message(events.Paste("d" * 19_990))
        await until(pilot, lambda: "not 20,0" in text_of(stage.app))
        assert len(draft.value.to) == 3


async def test_a_field_without_a_status_line_says_it_too() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SIZE, notifications=True) as pilot:
        await press(pilot, "ctrl+p")
        await press(pilot, *letters("repl"))
        stage.app.post_message(events.Paste("x" * 100_000))
        await until(pilot, lambda: "Nothing pasted" in text_of(stage.app))
        assert "repl" in text_of(stage.app)


async def test_a_text_of_a_megabyte_is_pasted_where_texts_are_written() -> None:
    stage = stage_with(FakeDrafts())
    async with stage.app.run_test(size=SIZE) as pilot:
        draft = await begin(pilot, stage)
        await press(pilot, "tab", "tab")
        stage.app.post_message(events.Paste("All of it.\n" * 90_000))
        await until(pilot, lambda: len(draft.value.body) == 990_000)


def test_a_megabyte_into_a_field_of_a_terminal_is_refused_and_the_next_key_is_taken() -> None:
    with Terminal(STAGE) as terminal:
        terminal.until(lambda screen: "read" in screen.display[-1])
        terminal.painted("c")
        terminal.until(lambda screen: screen.display[1].startswith(" To"))
        terminal.painted("ann@x.y")
        terminal.press(START)
        for _ in range(1_000):
            terminal.press("dy " * 333 + "\x1b")
        terminal.press(END)
        terminal.until(lambda screen: "Nothing pasted" in screen.display[0])
        terminal.painted("z")
        assert terminal.screen.display[1].split() == ["To", "ann@x.yz"]


def test_an_odd_byte_within_a_paste_makes_no_keys_of_the_rest() -> None:
    with Terminal(STAGE) as terminal:
        terminal.until(lambda screen: "read" in screen.display[-1])
        terminal.painted("c")
        terminal.until(lambda screen: screen.display[1].startswith(" To"))
        terminal.painted("\t")
        terminal.press_bytes(START.encode() + b"odd \xff byte" + END.encode())
        terminal.until(lambda screen: "odd \ufffd byte" in screen.display[2])
