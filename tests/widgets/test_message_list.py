"""The list by keys, mouse and new sources: cursor and selection go by message id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

from services.models import RowFlag, RowSource
from services.safe_text import ui
from tests.fakes.rows import FakeManyRows, FakeRows, make_row
from tests.widgets.stage import Stage, click, clock, press, resized, screen_rows, settled
from widgets.message_list import MessageList


class Listing:
    """A list on a stage."""

    def __init__(self, pilot: Pilot[None], app: Stage, messages: MessageList) -> None:
        self.pilot, self.app, self.list = pilot, app, messages

    async def rows(self) -> list[str]:
        await settled(self.app)
        return screen_rows(self.app)

    def heard(self, kind: type) -> list[object]:
        return [message for message in self.app.heard if isinstance(message, kind)]


@asynccontextmanager
async def listing(source: RowSource, height: int = 10) -> AsyncIterator[Listing]:
    messages = MessageList(clock=clock)

    def ready(_stage: Stage) -> None:
        messages.show(source)
        messages.focus()

    app = Stage(messages, ready=ready)
    async with app.run_test(size=(80, height)) as pilot:
        await settled(pilot.app)
        yield Listing(pilot, app, messages)


def cursor_line(rows: list[str]) -> int:
    return next(y for y, row in enumerate(rows) if row.startswith("▌"))


async def test_the_first_message_has_the_cursor() -> None:
    async with listing(FakeManyRows(50)) as stage:
        assert stage.list.cursor_id == "m0"
        assert (await stage.rows())[0].startswith("▌  ✓")


async def test_a_step_moves_one_row_and_says_so() -> None:
    async with listing(FakeManyRows(50)) as stage:
        await press(stage.pilot, "down", "down", "up")
        assert stage.list.cursor_id == "m1"
        heard = stage.heard(MessageList.CursorMoved)
        assert [message.message_id for message in heard] == ["m0", "m1", "m2", "m1"]


async def test_a_step_draws_two_lines_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    draw = MessageList.line

    def counted(self: MessageList, number: int, width: int) -> Strip | None:
        drawn.append(number)
        return draw(self, number, width)

    async with listing(FakeManyRows(50)) as stage:
        await settled(stage.app)
        monkeypatch.setattr(MessageList, "line", counted)
        await press(stage.pilot, "down")
        await settled(stage.app)
        assert drawn == [0, 1]


async def test_only_visible_rows_are_decoded() -> None:
    source = FakeManyRows(100_000)
    async with listing(source) as stage:
        await press(stage.pilot, "end")
        await stage.rows()
        assert source.decoded <= 20


async def test_the_end_and_the_start_are_reached_at_once() -> None:
    async with listing(FakeManyRows(100_000)) as stage:
        await press(stage.pilot, "end")
        assert stage.list.cursor_id == "m99999"
        assert cursor_line(await stage.rows()) == 9
        await press(stage.pilot, "home")
        assert cursor_line(await stage.rows()) == 0


async def test_a_step_beyond_the_screen_scrolls_by_half_of_it() -> None:
    async with listing(FakeManyRows(50)) as stage:
        for _ in range(10):
            await press(stage.pilot, "down")
        assert stage.list.cursor_id == "m10"
        assert cursor_line(await stage.rows()) == 5


async def test_a_page_keeps_the_cursors_line() -> None:
    async with listing(FakeManyRows(50)) as stage:
        await press(stage.pilot, "down", "down", "pagedown")
        assert stage.list.cursor_id == "m12"
        assert cursor_line(await stage.rows()) == 2
        await press(stage.pilot, "pageup")
        assert stage.list.cursor_id == "m2"


async def test_new_mail_above_moves_neither_message_nor_screen_line() -> None:
    async with listing(FakeManyRows(50)) as stage:
        await press(stage.pilot, "pagedown", "down", "down", "down")
        before = await stage.rows()
        current = stage.list.cursor_id
        stage.list.show(FakeManyRows(55, shift=5))
        assert stage.list.cursor_id == current
        assert await stage.rows() == before


async def test_new_mail_is_seen_at_once_when_the_start_of_the_list_is_on_screen() -> None:
    async with listing(FakeManyRows(50)) as stage:
        await press(stage.pilot, "down")
        before = await stage.rows()
        stage.list.show(FakeManyRows(52, shift=2))
        assert stage.list.cursor_id == "m1"
        assert stage.list.top == 0
        assert cursor_line(await stage.rows()) == 3
        assert (await stage.rows())[4] == before[2]


async def test_a_cursor_whose_message_is_gone_keeps_its_place() -> None:
    rows = [make_row(number) for number in range(20)]
    async with listing(FakeRows(rows)) as stage:
        await press(stage.pilot, "down", "down")
        stage.list.show(FakeRows([row for row in rows if row.message_id != "m2"]))
        assert stage.list.cursor_id == "m3"
        assert stage.list.position == 2
        await settled(stage.app)
        heard = stage.heard(MessageList.CursorMoved)
        assert heard[-1].message_id == "m3"
        stage.list.show(FakeRows([]))
        assert stage.list.cursor_id is None
        stage.list.show(FakeRows(rows))
        assert stage.list.cursor_id == "m0"


async def test_a_shorter_list_keeps_the_cursor_on_the_last_row() -> None:
    rows = [make_row(number) for number in range(20)]
    async with listing(FakeRows(rows)) as stage:
        await press(stage.pilot, "end")
        stage.list.show(FakeRows(rows[:3]))
        assert stage.list.cursor_id == "m2"
        assert "Sender 0" in (await stage.rows())[0]


async def test_a_source_with_one_change_paints_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [make_row(number) for number in range(20)]
    drawn: list[int] = []
    draw = MessageList.line

    def counted(self: MessageList, number: int, width: int) -> Strip | None:
        drawn.append(number)
        return draw(self, number, width)

    async with listing(FakeRows(rows)) as stage:
        await settled(stage.app)
        monkeypatch.setattr(MessageList, "line", counted)
        rows[4] = make_row(4, flags=RowFlag.VERIFIED | RowFlag.UNREAD)
        stage.list.show(FakeRows(rows))
        assert "●" in (await stage.rows())[4]
        assert set(drawn) == {4}


async def test_selection_goes_by_message_and_not_by_place() -> None:
    async with listing(FakeManyRows(50)) as stage:
        stage.list.action_toggle_select()
        stage.list.action_toggle_select()
        assert stage.list.selected_ids == {"m0", "m1"}
        stage.list.show(FakeManyRows(52, shift=2))
        assert stage.list.selected_ids == {"m0", "m1"}
        assert stage.list.target_ids() == ("m0", "m1")
        rows = await stage.rows()
        assert [row[2] for row in rows[:4]].count("×") == 2
        stage.list.show(FakeRows([make_row(1), make_row(5)]))
        assert stage.list.selected_ids == {"m1"}


async def test_a_range_follows_the_cursor_and_shrinks_again() -> None:
    async with listing(FakeManyRows(50)) as stage:
        stage.list.action_select_range()
        await press(stage.pilot, "down", "down", "down", "up")
        assert stage.list.selected_ids == {"m0", "m1", "m2"}
        assert [row[2] for row in (await stage.rows())[:5]] == ["×", "×", "×", " ", " "]
        stage.list.action_select_range()
        await press(stage.pilot, "down", "down")
        assert stage.list.selected_count == 3
        counts = [message.count for message in stage.heard(MessageList.SelectionChanged)]
        assert counts[-1] == 3


async def test_a_range_is_kept_when_new_mail_arrives_inside_the_list() -> None:
    async with listing(FakeManyRows(50)) as stage:
        stage.list.action_select_range()
        await press(stage.pilot, "down", "down")
        stage.list.show(FakeManyRows(53, shift=3))
        assert stage.list.selected_ids == {"m0", "m1", "m2"}


async def test_all_messages_can_be_selected_and_released() -> None:
    async with listing(FakeManyRows(1_000)) as stage:
        stage.list.select_all()
        assert stage.list.selected_count == 1_000
        stage.list.clear_selection()
        assert stage.list.selected_ids == frozenset()
        assert stage.list.target_ids() == ("m0",)


async def test_the_next_unread_message_is_found_in_both_directions() -> None:
    async with listing(FakeManyRows(50)) as stage:
        stage.list.action_next_unread()
        assert stage.list.cursor_id == "m3"
        stage.list.action_next_unread()
        assert stage.list.cursor_id == "m10"
        stage.list.action_previous_unread()
        assert stage.list.cursor_id == "m3"
        stage.list.action_previous_unread()
        assert stage.list.cursor_id == "m3"


async def test_a_source_that_knows_its_flags_is_asked_instead_of_decoded() -> None:
    class Indexed(FakeManyRows):
        def find_flag(self, flag: RowFlag, start: int, step: int) -> int | None:
            assert flag is RowFlag.UNREAD
            return 40_000 if step > 0 and start < 40_000 else None

    source = Indexed(100_000)
    async with listing(source) as stage:
        stage.list.action_next_unread()
        await stage.rows()
        assert stage.list.position == 40_000
        assert source.decoded < 30


async def test_a_click_moves_and_a_second_click_opens() -> None:
    async with listing(FakeManyRows(50)) as stage:
        await click(stage.pilot, MessageList, (20, 4))
        assert stage.list.cursor_id == "m4"
        assert not stage.heard(MessageList.Opened)
        await click(stage.pilot, MessageList, (20, 4))
        assert [message.message_id for message in stage.heard(MessageList.Opened)] == ["m4"]


async def test_enter_opens_the_message_under_the_cursor() -> None:
    async with listing(FakeManyRows(50)) as stage:
        await press(stage.pilot, "down", "enter")
        assert [message.message_id for message in stage.heard(MessageList.Opened)] == ["m1"]


async def test_the_wheel_scrolls_and_takes_a_cursor_at_the_edge_along() -> None:
    async with listing(FakeManyRows(50)) as stage:
        stage.list.scroll_rows(3)
        rows = await stage.rows()
        assert "Sender 3 " in rows[0]
        assert stage.list.cursor_id == "m3"
        stage.list.scroll_rows(-3)
        assert stage.list.cursor_id == "m3"


async def test_an_empty_list_says_what_to_do() -> None:
    async with listing(FakeRows([])) as stage:
        stage.list.show_empty(ui("No mail here. r looks for new mail."))
        assert "No mail here. r looks for new mail." in (await stage.rows())[1]
        await press(stage.pilot, "down", "end", "pagedown", "enter")
        stage.list.action_toggle_select()
        stage.list.action_next_unread()
        assert stage.list.target_ids() == ()


async def test_a_message_can_be_gone_to_by_its_id() -> None:
    async with listing(FakeManyRows(5_000)) as stage:
        assert stage.list.move_to("m4000")
        assert not stage.list.move_to("m9000")
        assert "Sender 4000" in (await stage.rows())[cursor_line(await stage.rows())]


async def test_a_resize_keeps_the_cursor_in_sight() -> None:
    async with listing(FakeManyRows(50), height=20) as stage:
        await press(stage.pilot, *["down"] * 18)
        await resized(stage.pilot, 60, 8)
        rows = await stage.rows()
        assert "Sender 18" in rows[cursor_line(rows)]
        await resized(stage.pilot, 140, 40)
        rows = await stage.rows()
        assert "Sender 18" in rows[cursor_line(rows)]
