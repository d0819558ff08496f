"""Choosing among thousands of inboxes of a key: as many are listed as can be painted at once."""

from __future__ import annotations

import time

from textual.app import App
from textual.widgets import OptionList

from services.safe_text import clean_line
from tests.tui.app_stage import Clock, until
from tests.widgets.stage import settled
from tui.first_run import InboxChoice
from tui.screens.inbox_dialog import LISTED, InboxDialog
from widgets.plain import Plain


def choices(count: int) -> list[InboxChoice]:
    return [
        InboxChoice(f"bot{n}@a.example", clean_line(f"bot{n}@a.example  [red]{n}\x1b[31m"))
        for n in range(count)
    ]


async def test_thousands_of_inboxes_are_narrowed_and_marked_without_being_listed() -> None:
    app: App[None] = App()
    chosen: list[tuple[str, ...] | None] = []
    clock = Clock()
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = InboxDialog(choices(5_000), clock)
        await app.push_screen(dialog, chosen.append)
        title = dialog.query_one(".dialog-title", Plain)
        assert dialog.query_one(OptionList).option_count == LISTED
        assert "5,000 inboxes; 100 of 5,000 listed" in str(title.render())
        clock.now += 1
        await pilot.press(*"bot499")
        await settled(app)
        assert dialog.query_one(OptionList).option_count == 11
        await pilot.press("ctrl+a")
        await settled(app)
        assert "11 marked" in str(title.render())
        await pilot.press(*["backspace"] * 6)
        await settled(app)
        await pilot.press("ctrl+a", "enter")
        await until(pilot, lambda: chosen)
    (found,) = chosen
    assert found is not None
    assert len(found) == 5_000


async def test_names_of_inboxes_are_no_markup() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)):
        dialog = InboxDialog(choices(2), time.monotonic)
        await app.push_screen(dialog)
        prompt = dialog.query_one(OptionList).get_option_at_index(0).prompt
        assert "[red]0" in str(prompt)
        assert "\x1b" not in str(prompt)


async def test_a_click_marks_and_leaves_the_dialog_open() -> None:
    app: App[None] = App()
    chosen: list[tuple[str, ...] | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = InboxDialog(choices(3), time.monotonic)
        await app.push_screen(dialog, chosen.append)
        await pilot.click(OptionList, offset=(2, 1))
        await settled(app)
        assert "[x] bot1@" in str(dialog.options.get_option_at_index(1).prompt)
        assert app.screen is dialog
    assert chosen == []
