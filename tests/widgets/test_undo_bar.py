"""The bar of a mail that leaves in some seconds, while the clock of the machine is set."""

from __future__ import annotations

import pytest

from services.safe_text import ui
from tests.services.outbound.office_stage import Clock
from tests.widgets.stage import Stage
from widgets.undo_bar import UndoBar


@pytest.mark.parametrize("back", [5, 60, 3_600])
async def test_a_clock_that_is_set_back_adds_no_second(back: int) -> None:
    clock = Clock(1_000.0)
    bar = UndoBar(clock=clock)
    async with Stage(bar).run_test():
        bar.show_until(1_010, ui("u"))
        clock.now += 4
        bar.tick()
        assert bar.seconds == 6
        clock.now -= back
        bar.tick()
        bar.show_until(1_010, ui("u"))
        assert (bar.seconds, bool(bar.display)) == (6, True)
        clock.now += 6
        bar.tick()
        assert (bar.seconds, bool(bar.display)) == (0, False)


async def test_the_next_mail_has_its_own_seconds() -> None:
    clock = Clock(1_000.0)
    bar = UndoBar(clock=clock)
    async with Stage(bar).run_test():
        bar.show_until(1_003, ui("u"))
        bar.end()
        assert not bar.display
        bar.show_until(1_010, ui("u"))
        assert bar.seconds == 10
