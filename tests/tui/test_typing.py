"""Search words typed faster than the list can be filtered."""

from __future__ import annotations

import pytest
from textual.widget import Widget

from tests.tui.app_stage import Stage, many_rows, press

WORDS = "number 7"


@pytest.mark.parametrize("after", [(), ("left", "home"), ("down",), ("enter",)], ids=str)
async def test_a_burst_of_letters_filters_once_by_the_last_text(after: tuple[str, ...]) -> None:
    stage = Stage(many_rows(100))
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "/")
        snapshot = stage.engine.snapshot
        assert snapshot is not None
        snapshot.selected.clear()
        await press(pilot, *WORDS, *after)
        assert [wanted.text for wanted in snapshot.selected] == [WORDS]
        shown = stage.mail.finding.rows
        assert len(shown) == stage.mail.panes.messages.count == 19


async def test_the_field_shows_what_is_typed_before_the_list_is_filtered_by_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = Stage(many_rows(100))
    seen: list[str] = []
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "/")
        field, compositor = stage.app.focused, stage.mail._compositor
        paint = compositor.update_widgets

        def painted(widgets: set[Widget]) -> None:
            if field in widgets:
                seen.append("field")
            paint(widgets)

        monkeypatch.setattr(compositor, "update_widgets", painted)
        monkeypatch.setattr(stage.mail.finding, "go", lambda *_, **__: seen.append("list"))
        await press(pilot, "n")
        assert seen[0] == "field"
        assert seen.count("list") == 1
