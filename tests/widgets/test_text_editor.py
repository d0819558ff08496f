"""The editor as a person sees it, headless; what it writes to a terminal is in tests/tui."""

from __future__ import annotations

import pytest
from textual import events
from textual.pilot import Pilot

from tests.widgets.stage import Stage, click, hostile_strings, press, screen_rows, settled
from tests.widgets.test_terminal_bytes import foreign
from widgets.text_buffer import TextBuffer
from widgets.text_editor import TextEditor


async def shown(pilot: Pilot[None], editor: TextEditor) -> list[str]:
    await settled(pilot.app)
    return [row.rstrip() for row in screen_rows(pilot.app)]


async def test_text_is_wrapped_at_words_and_the_cursor_follows_the_rows() -> None:
    editor = TextEditor()
    app = Stage(editor)
    async with app.run_test(size=(22, 8)) as pilot:
        editor.focus()
        editor.insert("Please check column F before noon.\n\nThanks")
        assert await shown(pilot, editor) == [
            " Please check column", " F before noon.", "", " Thanks", "", "", "", "",
        ]  # fmt: skip
        await press(pilot, "up", "up")
        assert editor.buffer.cursor == (0, 26)
        await press(pilot, "home")
        assert editor.buffer.cursor == (0, 20)
        await press(pilot, "up", "end")
        assert editor.buffer.cursor == (0, 19)


async def test_a_goal_cell_is_kept_over_short_rows() -> None:
    editor = TextEditor()
    async with Stage(editor).run_test(size=(40, 8)) as pilot:
        editor.focus()
        editor.insert("a long first line\nab\nanother long line")
        await press(pilot, "up", "up")
        assert editor.buffer.cursor == (0, 17)
        await press(pilot, "left", "down", "down")
        assert editor.buffer.cursor == (2, 16)


async def test_selecting_replacing_cutting_and_putting_back() -> None:
    editor = TextEditor()
    async with Stage(editor).run_test(size=(40, 8)) as pilot:
        editor.focus()
        editor.insert("one two three")
        await press(pilot, "ctrl+shift+left", "x")
        assert editor.buffer.text == "one two x"
        await press(pilot, "home", "ctrl+k", "ctrl+v", "enter", "ctrl+v")
        assert editor.buffer.text == "one two x\none two x"
        await press(pilot, "alt+a", "backspace")
        assert editor.buffer.text == ""
        await press(pilot, "ctrl+z")
        assert editor.buffer.text == "one two x\none two x"


async def test_a_megabyte_is_pasted_as_one_change_and_shown_at_its_end() -> None:
    editor = TextEditor()
    async with Stage(editor).run_test(size=(40, 8)) as pilot:
        editor.focus()
        for text in ("lorem ipsum dolor\n" * 58_000, "lorem ipsum " * 87_000, "x" * 1_050_000):
            editor.post_message(events.Paste(text))
            rows = await shown(pilot, editor)
            assert any(rows[:-1])
            assert len(editor.buffer.text) == len(text)
            await press(pilot, "a", "up", "b", "ctrl+z", "ctrl+z", "ctrl+z")
            assert editor.buffer.text == ""


async def test_another_text_comes_with_its_own_undo_history() -> None:
    editor = TextEditor()
    first, second = TextBuffer("first"), TextBuffer("second")
    async with Stage(editor).run_test(size=(40, 4)) as pilot:
        editor.focus()
        editor.show_buffer(first)
        await press(pilot, "1")
        editor.show_buffer(second)
        await press(pilot, "2", "ctrl+z")
        assert second.text == "second"
        editor.show_buffer(first)
        await press(pilot, "ctrl+z")
        assert first.text == "first"


@pytest.mark.parametrize("chosen", [False, True], ids=["plain", "selected"])
async def test_hostile_text_is_drawn_without_a_control_character(chosen: bool) -> None:
    editor = TextEditor()
    async with Stage(editor).run_test(size=(60, 12)) as pilot:
        editor.focus()
        for name, text in hostile_strings():
            editor.show_buffer(TextBuffer(text))
            if chosen:
                editor.action_select_all()
            await settled(pilot.app)
            for row in screen_rows(pilot.app):
                assert foreign(row.replace("\u200c", "").replace("\u200d", "").encode()) == [], name


async def test_a_click_puts_the_cursor_and_a_drag_selects() -> None:
    editor = TextEditor()
    async with Stage(editor).run_test(size=(40, 6)) as pilot:
        editor.insert("first line\nsecond line")
        await click(pilot, editor, (7, 1))
        assert editor.buffer.cursor == (1, 6)
        await pilot.mouse_down(editor, offset=(1, 0))
        await pilot.hover(editor, offset=(6, 0))
        await pilot.mouse_up(editor, offset=(6, 0))
        assert editor.buffer.selected == "first"
