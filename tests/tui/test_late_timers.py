"""A timer that was stopped after it had struck, as happens on a busy machine: it changes nothing."""

from __future__ import annotations

import pytest
from textual.timer import Timer

from services.safe_text import ui
from tests.tui.app_stage import Stage, press, text_of, until
from tests.widgets.stage import settled
from tui.screens import reading
from widgets.status_line import StatusLine

SMALL = (80, 24)


@pytest.fixture(autouse=True)
def nothing_strikes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SLOW_SECONDS", 1_000.0)


def strike(timer: Timer | None) -> None:
    """Let a timer do what it does, whatever has become of it."""
    assert timer is not None
    assert timer._callback is not None
    timer._callback()


async def test_a_message_that_came_is_not_painted_over_by_the_words_of_waiting() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        timer = stage.mail.reading._waiting
        stage.engine.emit(stage.engine.late[0])
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        strike(timer)
        await settled(stage.app)
        assert "this is the text." in text_of(stage.app)
        assert "Fetching" not in text_of(stage.app)


async def test_a_message_that_takes_its_time_is_waited_for_with_words() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        strike(stage.mail.reading._waiting)
        await settled(stage.app)
        assert "Fetching the message …" in text_of(stage.app)


async def test_the_words_of_waiting_for_one_message_are_not_said_of_the_next() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        first = stage.mail.reading._waiting
        await press(pilot, "J")
        second = stage.mail.reading._waiting
        assert second is not first
        strike(first)
        assert stage.mail.reading._waiting is second


async def test_a_sentence_is_not_taken_away_by_the_timer_of_the_one_before() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL):
        status = stage.app.screen.query_one(StatusLine)
        status.show_notice(ui("The first."))
        timer = status._timer
        status.show_notice(ui("The second."))
        strike(timer)
        await settled(stage.app)
        assert "The second." in text_of(stage.app)
        strike(status._timer)
        await settled(stage.app)
        assert "The second." not in text_of(stage.app)
