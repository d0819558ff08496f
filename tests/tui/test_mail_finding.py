"""Finding mail on its screen: the search field, the server's search, filters, mailboxes."""

from __future__ import annotations

import pytest

from services import events, requests
from services.config import Settings
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tests.widgets.stage import settled
from tui.situation import Context

SMALL = (80, 24)
WIDE = (140, 40)


async def test_escape_drops_the_selection_first_and_then_the_filters() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"ledger", "enter", "x")
        messages = stage.mail.panes.messages
        assert messages.selected_count == 1
        await press(pilot, "escape")
        assert messages.selected_count == 0
        assert messages.count == 1
        await press(pilot, "escape")
        assert messages.count == 8


async def test_searching_narrows_as_typed_and_enter_keeps_it() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"work")
        assert stage.mail.panes.messages.count == 1
        assert rows_of(stage.app)[-1].startswith(" /work")
        await press(pilot, "enter")
        assert "“work” · 1 found · Esc clears" in rows_of(stage.app)[1]
        assert stage.mail.panes.messages.count == 1
        assert stage.mail.panes.context is Context.LIST


async def test_the_search_field_takes_the_row_of_the_hints_and_moves_nothing_else() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        # The first picture may be one without a mail, and keys are held until there is one.
        await until(pilot, lambda: stage.mail.panes.messages.count and not stage.app._keys._held)
        await settled(stage.app)
        before = rows_of(stage.app)
        await press(pilot, "/")
        assert rows_of(stage.app)[1:-1] == before[1:-1]
        assert "Esc clear" in rows_of(stage.app)[-1]
        await press(pilot, "escape")
        assert rows_of(stage.app) == before


async def test_escape_while_searching_clears_it() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"work", "escape")
        assert stage.mail.panes.messages.count == 8
        assert not stage.mail.finding.typing


async def test_letters_in_the_search_field_are_text_and_no_commands() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"ed#zq")
        assert stage.engine.requests == []
        assert stage.mail.finding.view.filter.text == "ed#zq"


@pytest.mark.parametrize("keys", [["ctrl+r"], ["enter", "S"]])
async def test_words_can_be_sent_to_the_server_and_results_say_where_they_are_from(
    keys: list[str],
) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"contract", *keys)
        assert stage.asked(requests.SearchServer) == [requests.SearchServer("contract")]
        assert "server results for “contract” · 1 found" in rows_of(stage.app)[1]
        await press(pilot, "escape", "escape")
        assert stage.mail.panes.messages.count == 8


async def test_a_stale_server_answer_is_dropped() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"contract", "ctrl+r", "escape", "escape")
        stage.engine.emit(events.SearchAnswered(1, "contract", ("m5",)))
        await press(pilot)
        assert stage.mail.panes.messages.count == 8


async def test_the_list_can_be_narrowed_to_a_label() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "\\", *"op", "enter")
        assert stage.mail.panes.messages.count == 1
        assert "label ops" in rows_of(stage.app)[1]


@pytest.mark.parametrize(
    ("keys", "count", "title"),
    [
        ("gu", 3, "Unread 3"),
        ("gv", 3, "Unverified 3"),
        ("ga", 0, "Archived 0"),
        ("ge", 8, "All mail 8"),
        ("J", 3, "Unread 3"),
        ("K", 8, "All mail 8"),
        ("Fu", 3, "Inbox 3"),
        ("Fv", 5, "Inbox 5"),
        ("guge", 8, "All mail 8"),
        ("gugi", 8, "Inbox 8"),
    ],
)
async def test_keys_go_to_mailboxes_and_filters(keys: str, count: int, title: str) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, *keys)
        assert stage.mail.panes.messages.count == count
        assert title in rows_of(stage.app)[0]


async def test_a_begun_sequence_shows_what_may_follow() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        await press(pilot, "g")
        assert "i inbox" in rows_of(stage.app)[-1]
        await press(pilot, "i")
        assert "i inbox" not in rows_of(stage.app)[-1]


async def test_a_filter_without_hits_names_its_way_out() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"zzz", "enter")
        await until(pilot, lambda: "No message fits. Esc clears" in text_of(stage.app))


async def test_the_palette_finds_and_runs_a_command() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "ctrl+p", *"archiv")
        await until(pilot, lambda: "Archive or bring back" in text_of(stage.app))
        await press(pilot, "enter")
        assert stage.engine.requests == [requests.Archive(("m0",), archived=True)]


async def test_help_shows_the_live_keys_of_the_pane_and_can_be_searched() -> None:
    stage = Stage(settings=Settings(keys={"archive": ("A",), "fly": ("x",)}))
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "?")
        await until(pilot, lambda: "Keys in the message list" in text_of(stage.app))
        await press(pilot, "/", *"archives", "enter")
        assert "A                  Archive or bring back" in text_of(stage.app)
        assert "Undo" not in text_of(stage.app)
        await press(pilot, "escape", "G")
        assert 'There is no command "fly".' in text_of(stage.app)
        await press(pilot, "escape")
        assert len(stage.app.screen_stack) == 1
