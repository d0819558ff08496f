"""The panes of the mail screen: which stand at which width, how the reader follows the cursor."""

from __future__ import annotations

import pytest

from services import requests
from services.config import Settings
from tests.tui.app_stage import SSH, Stage, press, rows_of, text_of, until
from tests.widgets.stage import resized
from tui.situation import Context

SMALL = (80, 24)
WIDE = (140, 40)


async def test_the_mailbox_list_opens_over_a_narrow_screen_and_chooses() -> None:
    stage = Stage()
    async with stage.app.run_test(size=(60, 20)) as pilot:
        await press(pilot, "m", "j", "enter")
        assert "Unread 3" in rows_of(stage.app)[0]
        await press(pilot, "m", "escape")
        assert len(stage.app.screen_stack) == 1


async def test_panes_come_with_the_width() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot)
        panes = stage.mail.panes
        assert (panes.split, panes.has_places) == (False, False)
        await resized(pilot, 110, 30)
        assert (panes.split, panes.has_places) == (True, False)
        await resized(pilot, 140, 40)
        assert (panes.split, panes.has_places) == (True, True)


async def test_in_one_pane_the_reader_takes_the_place_of_the_list_and_gives_it_back() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        assert not stage.mail.panes.messages.region.area
        await press(pilot, "q")
        assert stage.mail.panes.messages.region.area
        assert stage.mail.panes.context is Context.LIST


async def test_tab_goes_round_the_panes_on_screen() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        panes, seen = stage.mail.panes, []
        for _ in range(3):
            await press(pilot, "tab")
            seen.append(panes.context)
        assert seen == [Context.READER, Context.MAILBOXES, Context.LIST]


async def test_the_reader_follows_a_resting_cursor_without_marking_it_read() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        await press(pilot, "j")
        await until(pilot, lambda: requests.OpenMessage("m1") in stage.engine.requests)
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        assert stage.asked(requests.MarkRead) == []
        await press(pilot, "enter")
        await until(pilot, lambda: stage.asked(requests.MarkRead))


@pytest.mark.parametrize(
    ("environ", "preview", "follows"),
    [(SSH, "auto", False), (SSH, "right", True), (None, "auto", True), (None, "off", False)],
)
def test_the_reader_follows_unless_it_would_cost_a_slow_line(
    environ: dict[str, str] | None, preview: str, follows: bool
) -> None:
    stage = Stage(environ=environ, settings=Settings(preview=preview))
    assert stage.app._session.follows is follows
