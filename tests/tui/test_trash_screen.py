"""The Trash screen over a trash in memory: its rows and sentences, its keys, at three sizes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from services.safe_text import clean_line, ui
from services.shelf_events import ListShelf, ReadShelved, RestoreTrashed, ShelfListed
from services.shelves import Shelf
from tests.fakes.fake_shelves import FakeShelves, hostile
from tests.fakes.rows import sample_rows
from tests.tui.app_stage import SSH, Stage, press, rows_of, text_of, until
from tests.tui.test_snapshots import SIZES, compare
from tests.widgets.stage import hostile_strings
from tui.screens.mail import MailScreen
from widgets.shelf_list import ShelfList

SMALL = (80, 24)


def staged(**more: Any) -> tuple[Stage, FakeShelves]:
    environ = more.pop("environ", None)
    trash = FakeShelves(**more)
    return Stage(outbound=trash, environ=environ), trash


async def shown(pilot: Pilot[int], stage: Stage, words: str) -> ShelfList:
    await press(pilot, "g", "T")
    await until(pilot, lambda: words in text_of(stage.app))
    await press(pilot)
    return stage.app.screen.query_one(ShelfList)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["trash", "trash-cut", "trash-none", "trash-read"])
async def test_the_screen_looks_as_it_was_agreed(name: str, size: tuple[int, int]) -> None:
    told: dict[str, Any] = {
        "trash-cut": {"more": True, "remark": ui("a1 has no trash: what is deleted is gone.")},
        "trash-none": {"none": ui("The service of this account has no trash.")},
    }.get(name, {})
    stage, _ = staged(**told)
    async with stage.app.run_test(size=size) as pilot:
        await shown(pilot, stage, "Trash")
        if name.endswith("read"):
            await press(pilot, "enter")
            await until(pilot, lambda: "this is the text" in text_of(stage.app))
            await press(pilot)
        compare(name, size, rows_of(stage.app))


async def test_enter_reads_and_e_brings_back_and_the_row_is_gone_only_then() -> None:
    stage, trash = staged()
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, "Trash")
        _, second, *others = [row.message_id for row in listed.records]
        await press(pilot, "j", "enter")
        assert trash.asked[-1] == ReadShelved(Shelf.TRASH, second)
        await until(pilot, lambda: "this is the text" in text_of(stage.app))
        await press(pilot, "e", "x", "q")
        assert trash.asked[-1] == ReadShelved(Shelf.TRASH, second)
        trash.silent = True
        await press(pilot, "e", "e")
        assert [one for one in trash.asked if isinstance(one, RestoreTrashed)] == [
            RestoreTrashed(second)
        ]
        assert "being brought back already" in text_of(stage.app)
        assert len(listed.records) == len(others) + 2
        await press(pilot, "k")
        trash.silent = False
        await press(pilot, "e")
        await until(pilot, lambda: "in the inbox again" in text_of(stage.app))
        assert [row.message_id for row in listed.records] == [second, *others]
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(stage.app.screen, MailScreen))


async def test_a_refused_restore_is_told_and_can_be_tried_again() -> None:
    stage, trash = staged(refuses=ui("The key may not do that."))
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, "Trash")
        count = len(listed.records)
        for tries in (1, 2):
            await press(pilot, "e")
            await until(pilot, lambda: "may not do that" in text_of(stage.app))
            assert sum(isinstance(one, RestoreTrashed) for one in trash.asked) == tries
        assert len(listed.records) == count


async def test_a_slow_service_is_waited_for_and_an_old_answer_is_not_shown() -> None:
    stage, trash = staged(silent=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, "Asking the service")
        await press(pilot, "e", "enter")
        assert stage.engine.requests == [ListShelf(Shelf.TRASH)]
        number = len(stage.engine.requests)
        await press(pilot, "ctrl+r")
        trash.emit(ShelfListed(number, trash.rows))
        await press(pilot)
        assert len(listed.records) == 0
        trash.emit(ShelfListed(number + 1, trash.rows[:1]))
        await until(pilot, lambda: len(listed.records) == 1)


async def test_an_empty_trash_says_so_and_no_key_does_anything() -> None:
    stage, _ = staged(rows=())
    async with stage.app.run_test(size=SMALL) as pilot:
        await shown(pilot, stage, "No mail that came in lies in the trash")
        await press(pilot, "j", "G", "enter", "e")
        assert stage.engine.requests == [ListShelf(Shelf.TRASH)]
        assert "Nothing is under the cursor." in text_of(stage.app)


async def test_hostile_text_in_the_trash_stays_text_without_unicode_too() -> None:
    row = sample_rows().rows[0]
    rows = [
        hostile(replace(row, message_id=f"h{number}"), clean_line(text[:120]))
        for number, (_, text) in enumerate(hostile_strings())
    ]
    stage, _ = staged(rows=tuple(rows), environ=SSH)
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, "Trash")
        for left in range(len(rows) - 1, -1, -1):
            await press(pilot, "enter", "q", "e")
            await until(pilot, lambda left=left: len(listed.records) == left)
