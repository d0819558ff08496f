"""The mail screen over a fake engine: opening, reading, the cursor, and what is told."""

from __future__ import annotations

import pytest
from textual import events as tevents

from services import events, requests
from services.models import RowFlag, SyncPhase, SyncState
from services.safe_text import ui
from tests.fakes.fake_engine import rendered
from tests.fakes.rows import NOON, make_row, sample_rows
from tests.tui.app_stage import Stage, many_rows, press, rows_of, text_of, until
from tui import app
from tui.command import ALL
from tui.commands import COMMANDS
from tui.screens import reading
from tui.screens.mail_commands import handlers
from tui.situation import Context

SMALL = (80, 24)


async def test_every_command_of_the_table_has_a_handler() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL):
        await stage.mail.complete()
        expected = {one.id for one in COMMANDS if one.contexts & ALL}
        assert set(handlers(stage.mail)) == expected


async def test_the_list_is_painted_from_the_first_snapshot() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot)
        rows = rows_of(stage.app)
        assert "ops-bot@agents.example.com  Inbox 8" in rows[0]
        assert rows[1].startswith("▌● ✓")
        assert "[URGENT] wire transfer today" in rows[2]


async def test_keys_typed_before_the_first_messages_are_kept_and_run_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "EARLY_SECONDS", 1_000.0)
    stage = Stage(silent=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "j", "/", *"job", "enter", "e")
        assert stage.engine.requests == []
        stage.engine.publish(sample_rows().rows)
        await until(pilot, lambda: stage.engine.requests)
        assert stage.engine.requests == [requests.Archive(("m3",), archived=True)]


async def test_opening_shows_the_message_and_marks_it_read_after_it_was_painted() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        assert stage.engine.requests == [requests.OpenMessage("m0")]
        stage.engine.emit(stage.engine.late[0])
        await until(pilot, lambda: stage.asked(requests.MarkRead))
        assert "this is the text." in text_of(stage.app)
        assert stage.asked(requests.MarkRead) == [requests.MarkRead(("m0",), is_read=True)]


async def test_the_list_stays_on_a_narrow_screen_until_there_is_a_message_to_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "SLOW_SECONDS", 1_000.0)
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot)
        before = rows_of(stage.app)
        await press(pilot, "enter")
        assert rows_of(stage.app)[1:-1] == before[1:-1]
        assert stage.mail.panes.context is Context.READER
        stage.engine.emit(stage.engine.late[0])
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        assert stage.app.focused is stage.mail.panes.reader.reader


async def test_a_message_left_before_it_came_stays_unread_and_does_not_come() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter", "q")
        stage.engine.emit(stage.engine.late[0])
        await press(pilot, "j")
        assert stage.mail.panes.context is Context.LIST
        assert "this is the text." not in text_of(stage.app)
        assert stage.asked(requests.MarkRead) == []


async def test_a_late_answer_to_an_older_open_is_dropped() -> None:
    rows = many_rows(3)
    messages = {row.message_id: rendered(row, f"body of {row.message_id}") for row in rows}
    stage = Stage(rows, slow=True, messages=messages)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter", "J")
        first, second = stage.engine.late
        stage.engine.emit(second)
        stage.engine.emit(first)
        await until(pilot, lambda: "body of m1" in text_of(stage.app))
        assert "body of m0" not in text_of(stage.app)


async def test_next_while_reading_opens_the_one_that_took_the_place_of_a_read_one() -> None:
    unread = RowFlag.UNREAD | RowFlag.VERIFIED
    stage = Stage([make_row(number, flags=unread) for number in range(4)])
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "u", "enter")
        await until(pilot, lambda: len(stage.asked(requests.MarkRead)) == 1)
        await press(pilot, "J")
        await until(pilot, lambda: len(stage.asked(requests.MarkRead)) == 2)
        assert stage.asked(requests.OpenMessage) == [
            requests.OpenMessage("m0"),
            requests.OpenMessage("m1"),
        ]


async def test_new_mail_never_moves_the_cursor_s_message() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "j")
        fresh = [make_row(100 + number, received_at=NOON + 900) for number in range(5)]
        stage.engine.publish([*fresh, *sample_rows().rows])
        await until(pilot, lambda: stage.mail.panes.messages.count == 13)
        await press(pilot)
        assert stage.mail.panes.messages.cursor_id == "m2"


async def test_an_untouched_list_stays_on_the_newest_during_the_first_walk() -> None:
    syncing = SyncState(SyncPhase.SYNCING, fetched=100)
    stage = Stage(many_rows(3), sync=syncing)
    async with stage.app.run_test(size=SMALL) as pilot:
        stage.engine.emit(events.SyncStateChanged(syncing))
        await press(pilot)
        newer = make_row(100, received_at=NOON + 900)
        stage.engine.publish([newer, *many_rows(3)])
        await press(pilot)
        assert stage.mail.panes.messages.cursor_id == "m100"
        await press(pilot, "j")
        stage.engine.publish([make_row(101, received_at=NOON + 990), newer, *many_rows(3)])
        await press(pilot)
        assert stage.mail.panes.messages.cursor_id == "m0"


async def test_headers_raw_reveal_and_links_of_a_message() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter", "H")
        assert requests.OpenMessage("m0", reveal=True) in stage.engine.requests
        await press(pilot, "g", "r")
        await until(pilot, lambda: "raw body" in text_of(stage.app))
        await press(pilot, "q")
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        await press(pilot, "L")
        assert "This message has no links." in text_of(stage.app)


async def test_a_message_that_cannot_be_fetched_says_so_in_the_reader() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        failed = events.RequestFailed(1, ui("The service cannot be reached."), ui("Try later."))
        stage.engine.emit(failed)
        await until(pilot, lambda: "cannot be reached. Try later." in text_of(stage.app))


async def test_failures_are_toasts_without_markup_and_successes_are_not() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL, notifications=True) as pilot:
        stage.engine.emit(events.Notice(ui("All is well.")))
        await until(pilot, lambda: "All is well." in rows_of(stage.app)[0])
        assert len(stage.app._notifications) == 0
        refused = events.Notice(ui("Refused [/50% off] now"), events.Severity.ERROR)
        stage.engine.emit(refused)
        await until(pilot, lambda: "[/50% off]" in "".join(rows_of(stage.app)[1:]))
        assert len(stage.app._notifications) == 1


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        (SyncState(SyncPhase.SYNCED), "No mail yet. Ctrl+R looks again"),
        (SyncState(SyncPhase.SYNCING), "Fetching your mail. ? shows all keys"),
        (SyncState(SyncPhase.STARTING), "Fetching your mail."),
        (SyncState(SyncPhase.OFFLINE, sentence=ui("No connection.")), "No connection. Ctrl+R"),
        (SyncState(SyncPhase.OFFLINE), "nothing is cached yet. Ctrl+R tries again."),
        (SyncState(SyncPhase.OFFLINE_START), "Fetching your mail."),
        (SyncState(SyncPhase.SIGNED_OUT), "Signed out. g s enters a token."),
        (SyncState(SyncPhase.BUSY), "The service is busy."),
        (SyncState(SyncPhase.READ_ONLY), "Another instance fetches this mailbox"),
    ],
)
async def test_an_empty_mailbox_says_why_and_what_to_press(sync: SyncState, said: str) -> None:
    stage = Stage([], sync=sync)
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: said in text_of(stage.app))


async def test_a_pasted_text_outside_of_a_field_runs_nothing() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot)
        stage.app.post_message(tevents.Paste("edzq#y"))
        await press(pilot)
        assert stage.engine.requests == []
        assert stage.app.return_value is None


async def test_copying_is_capped_and_does_not_claim_success() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "y")
        assert "sent to your terminal's clipboard" in rows_of(stage.app)[0]
        assert stage.app.clipboard == "sender0@mail.example"


async def test_ctrl_c_says_how_to_leave_and_stays() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "ctrl+c")
        await until(pilot, lambda: "Ctrl+Q leaves" in text_of(stage.app))
        assert stage.app.return_value is None


@pytest.mark.parametrize(
    "keys", [["q"], ["ctrl+q"], ["enter", "ctrl+q"], ["d", "ctrl+q"], ["/", "a", "ctrl+q"]]
)
async def test_quitting_stops_the_engine_once(keys: list[str]) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, *keys)
    stage.app.wait_stopped()
    assert stage.engine.stopped == 1
    assert stage.app.return_code == 0


async def test_a_click_moves_the_cursor_and_another_opens() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot)
        await pilot.click("#messages", offset=(20, 2))
        await press(pilot)
        assert stage.mail.panes.messages.cursor_id == "m2"
        await pilot.click("#messages", offset=(20, 2))
        await until(pilot, lambda: stage.asked(requests.OpenMessage))
