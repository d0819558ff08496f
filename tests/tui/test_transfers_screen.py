"""The Transfers screen over transfers in memory: its rows, its order, its keys at three sizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from services.safe_text import ui
from services.transfer_events import CancelTransfers, RetryTransfers
from services.transfer_models import TransferState
from tests.fakes.fake_transfers import ROWS, FakeTransfers, row
from tests.tui.app_stage import SSH, Stage, press, rows_of, text_of, until
from tests.tui.test_snapshots import SIZES, compare
from widgets.transfer_list import TransferList

SMALL = (80, 24)


async def shown(pilot: Pilot[int], stage: Stage, words: str = "Transfers") -> TransferList:
    await press(pilot, "g", "t")
    await until(pilot, lambda: words in text_of(stage.app))
    await press(pilot)
    return stage.app.screen.query_one(TransferList)


def staged(rows: tuple[object, ...] = ROWS, **more: object) -> tuple[Stage, FakeTransfers]:
    desk = FakeTransfers(rows)  # type: ignore[arg-type]
    return Stage(outbound=desk, **more), desk  # type: ignore[arg-type]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["transfers", "transfers-saved", "transfers-empty"])
async def test_the_screen_looks_as_it_was_agreed(name: str, size: tuple[int, int]) -> None:
    stage, _ = staged(() if name.endswith("empty") else ROWS)
    async with stage.app.run_test(size=size) as pilot:
        await shown(pilot, stage)
        if name.endswith("saved"):
            await press(pilot, "j", "j", "j")
        compare(name, size, rows_of(stage.app))


async def test_a_terminal_without_unicode_tells_the_same() -> None:
    stage, _ = staged(environ={**SSH, "LANG": "C"})
    async with stage.app.run_test(size=SMALL) as pilot:
        await shown(pilot, stage)
        text = "\n".join(rows_of(stage.app))
        assert text.isascii()
        assert "v report.pdf" in text
        assert "! minutes.pdf" in text


async def test_what_has_ended_goes_below_what_moves_and_the_cursor_stays_on_its_file() -> None:
    stage, desk = staged()
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage)
        await press(pilot, "j", "j")
        desk.move(replace(ROWS[0], state=TransferState.DONE, sentence=ui("Saved as ~/report.pdf.")))
        desk.move(row("new.bin", TransferState.FETCHING, can_cancel=True))
        await until(pilot, lambda: "~/report.pdf" in text_of(stage.app))
        names = [str(one.name) for one in listed.records]
        assert names[1:4] == ["figures.xlsx", "new.bin", "report.pdf"]
        assert listed.current is not None
        assert listed.current.name == "figures.xlsx"


async def test_keys_act_on_the_file_under_the_cursor_or_say_why_they_cannot() -> None:
    stage, desk = staged()
    async with stage.app.run_test(size=SMALL) as pilot:
        await shown(pilot, stage)
        await press(pilot, "x", "r")
        assert desk.asked[-1] == CancelTransfers(transfer_ids=("report.pdf",))
        assert "This file is on its way." in text_of(stage.app)
        await press(pilot, "j", "j", "j", "j", "r", "x")
        assert desk.asked[-1] == RetryTransfers(("notes.txt",))
        assert "does not move any more" in text_of(stage.app)
        await press(pilot, "G", "r")
        assert "The outbox tries this again by itself." in text_of(stage.app)
        await press(pilot, "k", "o")
        assert "This file was not saved here." in text_of(stage.app)
        await press(pilot, "k", "k", "o")
        await until(pilot, lambda: "own program?" in text_of(stage.app))
        await press(pilot, "escape")
        await press(pilot, "C")
        await until(pilot, lambda: "minutes.pdf" not in text_of(stage.app))
        assert "report.pdf" in text_of(stage.app)


async def test_a_file_that_stalls_says_so_instead_of_its_last_speed() -> None:
    stage, desk = staged()
    now = [1_000.0]
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage)
        listed._clock = lambda: now[0]
        desk.move(replace(ROWS[0], speed=2_500_000))
        await until(pilot, lambda: "2.5 MB/s" in text_of(stage.app))
        now[0] += 6
        listed.tick()
        await until(pilot, lambda: "stalled" in text_of(stage.app))
        assert "2.5 MB/s" not in text_of(stage.app)
        desk.move(ROWS[0])
        await until(pilot, lambda: "1.2 MB/s" in text_of(stage.app))


async def test_a_thousand_files_are_listed_and_moved_through() -> None:
    many = tuple(row(f"file {n}", TransferState.QUEUED, can_cancel=True) for n in range(1_000))
    stage, _ = staged(many)
    async with stage.app.run_test(size=SMALL) as pilot:
        await shown(pilot, stage)
        await press(pilot, "G")
        await until(pilot, lambda: "file 999" in text_of(stage.app))
