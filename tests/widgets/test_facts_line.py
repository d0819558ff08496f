"""Facts that fit, facts that leave, and facts that are cut."""

from __future__ import annotations

import pytest

from services.safe_text import ui
from tests.widgets.stage import Stage, screen_rows, settled
from widgets.facts_line import Fact, FactsLine

FACTS = (
    Fact(ui("encrypted, or it does not leave"), "good", 1),
    Fact(ui("the message that it answers is locked, and is not quoted"), "caution", 2),
    Fact(ui("2 files, 1.4 MB"), "text", 4),
    Fact(ui("saved 12:05"), "muted", 7),
)


@pytest.mark.parametrize(
    ("width", "row"),
    [
        (140, (" encrypted, or it does not leave · the message that it answers is locked, and is not "
              "quoted · 2 files, 1.4 MB · saved 12:05")),
        (100, (" encrypted, or it does not leave · the message that it answers is locked, and is not "
              "quoted")),
        (80, " encrypted, or it does not leave · the message that it answers is locked, and …"),
    ],
)  # fmt: skip
async def test_what_must_be_there_is_cut_before_it_leaves(width: int, row: str) -> None:
    line = FactsLine()
    async with Stage(line).run_test(size=(width, 2)) as pilot:
        line.show_facts(FACTS)
        await settled(pilot.app)
        assert screen_rows(pilot.app)[0].rstrip() == row
