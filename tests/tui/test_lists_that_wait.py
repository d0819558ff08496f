"""What a list beside the mail says until it was told what to list."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from services.events import RequestFailed
from services.outbound_events import ListOutbox, ListProposals
from services.safe_text import ui
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import DecisionStage
from tests.widgets.stage import settled
from tui.screens import side_screen
from tui.screens.approvals import ApprovalsScreen

SIZE = (80, 24)
WAITING = [("p", ListProposals), ("o", ListOutbox)]


def list_of(stage: DecisionStage) -> str:
    """What stands under the status line, whose notices go after some seconds."""
    return "\n".join(rows_of(stage.app)[1:])


@pytest.mark.parametrize(("key", "request_type"), WAITING)
async def test_a_list_that_is_not_read_yet_says_so_and_then_why_it_cannot_be(
    key: str, request_type: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_screen, "SLOW_SECONDS", 0.001)
    stage = DecisionStage()
    stage.desk.silent.add(request_type)
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", key)
        await until(pilot, lambda: "Reading …" in text_of(stage.app))
        number = next(
            at for at, one in enumerate(stage.engine.requests, 1) if isinstance(one, request_type)
        )
        stage.engine.emit(RequestFailed(number, ui("The disk cannot be read."), ui("Look at it.")))
        await until(pilot, lambda: "The disk cannot be read." in list_of(stage))
        assert "Reading …" not in text_of(stage.app)


async def test_a_list_that_was_read_says_nothing_of_waiting() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await stage.approvals(pilot)
        screen = stage.app.screen
        assert isinstance(screen, ApprovalsScreen)
        screen.list.show_records((), ui("Nothing waits for you."))
        screen.call_later(partial(screen.list.say_meanwhile, ui("Reading …")))
        await settled(stage.app)
        assert "Nothing waits for you." in text_of(stage.app)


async def test_a_list_that_cannot_be_read_again_stays_and_another_one_says_why() -> None:
    stage = DecisionStage()
    async with stage.app.run_test(size=SIZE) as pilot:
        await press(pilot, "g", "o")
        await until(pilot, lambda: "Quarterly numbers" in text_of(stage.app))
        stage.desk.fails[ListOutbox] = "The disk cannot be read."
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: len(stage.asked(ListOutbox)) == 2)
        await press(pilot)
        assert "Quarterly numbers" in list_of(stage)
        await press(pilot, "tab")
        await until(pilot, lambda: "The disk cannot be read." in list_of(stage))
        waited_longer = asyncio.Event()
        stage.app.screen.set_timer(side_screen.SLOW_SECONDS, waited_longer.set)
        await waited_longer.wait()
        await press(pilot)
        assert "The disk cannot be read." in list_of(stage)
        assert "Quarterly numbers" not in list_of(stage)
        stage.desk.fails.clear()
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: "Contract wording" in text_of(stage.app))
