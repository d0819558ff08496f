"""What a list beside the mail says until it was told what to list."""

from __future__ import annotations

from functools import partial

import pytest

from services.events import RequestFailed
from services.outbound_events import ListOutbox, ListProposals
from services.safe_text import ui
from tests.tui.app_stage import press, text_of, until
from tests.tui.decision_stage import DecisionStage
from tests.widgets.stage import settled
from tui.screens import side_screen
from tui.screens.approvals import ApprovalsScreen

SIZE = (80, 24)
WAITING = [("p", ListProposals), ("o", ListOutbox)]


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
        await until(pilot, lambda: text_of(stage.app).count("The disk cannot be read.") == 2)
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
