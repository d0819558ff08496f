"""The mail screen over a fake engine: what each key asks for and what the screen then shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual import events as tevents

from services import events, requests
from services.config import Settings
from services.models import RowFlag, SyncPhase, SyncState
from services.safe_text import ui
from tests.fakes.fake_engine import rendered
from tests.fakes.rows import NOON, make_row, sample_rows
from tests.tui.app_stage import SSH, Stage, many_rows, press, rows_of, text_of, until
from tui.command import ALL
from tui.commands import COMMANDS
from tui.screens.mail_commands import handlers
from tui.situation import Context

SMALL = (80, 24)
WIDE = (140, 40)


def asked(stage: Stage, kind: type) -> list[object]:
    return [request for request in stage.engine.requests if isinstance(request, kind)]


async def test_every_command_of_the_table_has_a_handler() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL):
        await stage.mail.complete()
        expected = {one.id for one in COMMANDS if one.contexts & ALL}
        assert set(handlers(stage.mail)) == expected


async def test_the_list_is_painted_from_the_first_snapshot() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        rows = rows_of(stage.app)
        assert "ops-bot@agents.example.com  Inbox 8" in rows[0]
        assert rows[1].startswith("▌● ✓")
        assert "[URGENT] wire transfer today" in rows[2]


async def test_keys_typed_before_the_first_messages_are_kept_and_run_in_order() -> None:
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
        await until(pilot, lambda: asked(stage, requests.MarkRead))
        assert "this is the text." in text_of(stage.app)
        assert asked(stage, requests.MarkRead) == [requests.MarkRead(("m0",), is_read=True)]


async def test_the_list_stays_on_a_narrow_screen_until_there_is_a_message_to_read() -> None:
    stage = Stage(slow=True)
    async with stage.app.run_test(size=SMALL) as pilot:
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
        await pilot.pause()
        await press(pilot, "j")
        assert stage.mail.panes.context is Context.LIST
        assert "this is the text." not in text_of(stage.app)
        assert asked(stage, requests.MarkRead) == []


async def test_labels_of_the_open_message_are_told_and_kept_up_to_date() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        assert "Labels" not in text_of(stage.app)
        await press(pilot, "l")
        stage.clock.now += 1
        await press(pilot, *"urgent", "enter")
        await until(pilot, lambda: "Labels    urgent" in text_of(stage.app))


async def test_a_change_names_the_key_that_takes_it_back() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        stage.engine.emit(events.Notice(ui("Archived 1 message."), undoable=True))
        await until(pilot, lambda: "Archived 1 message. z takes it back." in text_of(stage.app))


async def test_manual_marking_leaves_an_opened_message_unread() -> None:
    stage = Stage(settings=Settings(mark_read="manual"))
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        assert asked(stage, requests.MarkRead) == []


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
        await until(pilot, lambda: len(asked(stage, requests.MarkRead)) == 1)
        await press(pilot, "J")
        await until(pilot, lambda: len(asked(stage, requests.MarkRead)) == 2)
        assert asked(stage, requests.OpenMessage) == [
            requests.OpenMessage("m0"),
            requests.OpenMessage("m1"),
        ]


@pytest.mark.parametrize(
    ("keys", "request_"),
    [
        (["e"], requests.Archive(("m0",), archived=True)),
        (["u"], requests.MarkRead(("m0",), is_read=True)),
        (["j", "j", "u"], requests.MarkRead(("m2",), is_read=False)),
        (["I"], requests.MarkRead(("m0",), is_read=True)),
        (["U"], requests.MarkRead(("m0",), is_read=False)),
        (["x", "x", "I"], requests.MarkRead(("m0", "m1"), is_read=True)),
        (["v", "j", "j", "U"], requests.MarkRead(("m0", "m1", "m2"), is_read=False)),
        (["*", "a", "e"], requests.Archive(tuple(f"m{n}" for n in range(8)), archived=True)),
        (["z"], requests.Undo()),
        (["ctrl+r"], requests.Refresh()),
        (["g", "ctrl+r"], requests.Refresh(full=True)),
        (["g", "r"], requests.ReadRaw("m0")),
    ],
)
async def test_a_key_asks_the_engine(keys: list[str], request_: object) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, *keys)
        assert request_ in stage.engine.requests


async def test_archiving_in_archived_brings_back_and_the_hint_says_so() -> None:
    archived = replace(sample_rows().rows[0], flags=RowFlag.ARCHIVED | RowFlag.VERIFIED)
    stage = Stage([archived, *sample_rows().rows[1:]])
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "g", "a")
        assert "e bring back" in rows_of(stage.app)[-1]
        await press(pilot, "e")
        assert stage.engine.requests == [requests.Archive(("m0",), archived=False)]


async def test_the_cursor_takes_the_next_row_when_its_message_is_archived() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "e")
        assert stage.mail.panes.messages.cursor_id == "m2"
        await press(pilot, "z")
        assert stage.mail.panes.messages.cursor_id == "m2"


async def test_new_mail_never_moves_the_cursor_s_message() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "j")
        fresh = [make_row(100 + number, received_at=NOON + 900) for number in range(5)]
        stage.engine.publish([*fresh, *sample_rows().rows])
        await pilot.pause()
        assert stage.mail.panes.messages.cursor_id == "m2"


async def test_an_untouched_list_stays_on_the_newest_during_the_first_walk() -> None:
    syncing = SyncState(SyncPhase.SYNCING, fetched=100)
    stage = Stage(many_rows(3), sync=syncing)
    async with stage.app.run_test(size=SMALL) as pilot:
        stage.engine.emit(events.SyncStateChanged(syncing))
        await pilot.pause()
        newer = make_row(100, received_at=NOON + 900)
        stage.engine.publish([newer, *many_rows(3)])
        await pilot.pause()
        assert stage.mail.panes.messages.cursor_id == "m100"
        await press(pilot, "j")
        stage.engine.publish([make_row(101, received_at=NOON + 990), newer, *many_rows(3)])
        await pilot.pause()
        assert stage.mail.panes.messages.cursor_id == "m0"


async def test_deleting_asks_first_with_the_focus_on_the_safe_answer() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "d")
        await until(pilot, lambda: "Delete this message for good?" in text_of(stage.app))
        assert "“[URGENT] wire transfer today”" in text_of(stage.app)
        stage.clock.now += 1
        await press(pilot, "enter")
        assert asked(stage, requests.Delete) == []
        await press(pilot, "#")
        stage.clock.now += 1
        await press(pilot, "right", "enter")
        assert asked(stage, requests.Delete) == [requests.Delete(("m1",))]


async def test_where_there_is_a_trash_the_question_says_so() -> None:
    stage = Stage(trash=True)
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "d")
        await until(pilot, lambda: "Move this message to the trash?" in text_of(stage.app))
        assert "brings it back from there" in text_of(stage.app)
        assert "for good" not in text_of(stage.app)


@pytest.mark.parametrize("keys", [["y"], ["right", "enter"], ["tab", "space", "enter"]])
async def test_keys_typed_ahead_cannot_confirm_a_deletion(keys: list[str]) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "d", *keys)
        assert asked(stage, requests.Delete) == []
        assert "Delete this message for good?" in text_of(stage.app)
        stage.clock.now += 0.25
        await press(pilot, "y")
        assert asked(stage, requests.Delete) == [requests.Delete(("m0",))]


async def test_a_selection_is_counted_in_hints_and_question() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        await press(pilot, "x", "x", "x")
        assert "e archive 3" in rows_of(stage.app)[-1]
        await press(pilot, "d")
        await until(pilot, lambda: "Delete 3 messages for good?" in text_of(stage.app))
        assert "and 2 more" in text_of(stage.app)


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
        assert asked(stage, requests.SearchServer) == [requests.SearchServer("contract")]
        assert "server results for “contract” · 1 found" in rows_of(stage.app)[1]
        await press(pilot, "escape", "escape")
        assert stage.mail.panes.messages.count == 8


async def test_a_stale_server_answer_is_dropped() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"contract", "ctrl+r", "escape", "escape")
        stage.engine.emit(events.SearchAnswered(1, "contract", ("m5",)))
        await pilot.pause()
        assert stage.mail.panes.messages.count == 8


async def test_labels_are_completed_from_known_ones() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "l", *"o")
        await until(pilot, lambda: "[ ] ops" in text_of(stage.app))
        await press(pilot, "enter")
        assert asked(stage, requests.ChangeLabels) == [requests.ChangeLabels(("m0",), ("ops",), ())]


async def test_a_label_that_is_held_is_taken_off() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "G", "k", "k", "k", "l")
        await until(pilot, lambda: "[x] ci" in text_of(stage.app))
        await press(pilot, "enter")
        assert asked(stage, requests.ChangeLabels) == [requests.ChangeLabels(("m4",), (), ("ci",))]


async def test_several_labels_are_changed_at_once() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "l", "tab", *"new", "tab", "enter")
        assert asked(stage, requests.ChangeLabels) == [
            requests.ChangeLabels(("m0",), ("ci", "new"), ())
        ]


async def test_a_label_that_cannot_be_is_refused_while_it_is_typed() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "l", *("x" * 65))
        await until(pilot, lambda: "at most 64 characters" in text_of(stage.app))
        await press(pilot, "enter")
        assert asked(stage, requests.ChangeLabels) == []


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


async def test_the_mailbox_list_opens_over_a_narrow_screen_and_chooses() -> None:
    stage = Stage()
    async with stage.app.run_test(size=(60, 20)) as pilot:
        await press(pilot, "m", "j", "enter")
        assert "Unread 3" in rows_of(stage.app)[0]
        await press(pilot, "m", "escape")
        assert len(stage.app.screen_stack) == 1


async def test_panes_come_with_the_width() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        panes = stage.mail.panes
        assert (panes.split, panes.has_places) == (False, False)
        await pilot.resize_terminal(110, 30)
        await pilot.pause()
        assert (panes.split, panes.has_places) == (True, False)
        await pilot.resize_terminal(140, 40)
        await pilot.pause()
        assert (panes.split, panes.has_places) == (True, True)


async def test_in_one_pane_the_reader_takes_the_place_of_the_list_and_gives_it_back() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "enter")
        assert not stage.mail.panes.messages.region.area
        await press(pilot, "q")
        assert stage.mail.panes.messages.region.area
        assert stage.mail.panes.context is Context.LIST


async def test_tab_goes_round_the_panes_on_screen() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        panes, seen = stage.mail.panes, []
        for _ in range(3):
            await press(pilot, "tab")
            seen.append(panes.context)
        assert seen == [Context.READER, Context.MAILBOXES, Context.LIST]


async def test_the_reader_follows_a_resting_cursor_without_marking_it_read() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        await press(pilot, "j")
        await until(pilot, lambda: requests.OpenMessage("m1") in stage.engine.requests)
        await until(pilot, lambda: "this is the text." in text_of(stage.app))
        assert asked(stage, requests.MarkRead) == []
        await press(pilot, "enter")
        await until(pilot, lambda: asked(stage, requests.MarkRead))


@pytest.mark.parametrize(
    ("environ", "preview", "follows"),
    [(SSH, "auto", False), (SSH, "right", True), (None, "auto", True), (None, "off", False)],
)
def test_the_reader_follows_unless_it_would_cost_a_slow_line(
    environ: dict[str, str] | None, preview: str, follows: bool
) -> None:
    stage = Stage(environ=environ, settings=Settings(preview=preview))
    assert stage.app._session.follows is follows


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


async def test_a_filter_without_hits_names_its_way_out() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "/", *"zzz", "enter")
        await until(pilot, lambda: "No message fits. Esc clears" in text_of(stage.app))


async def test_a_read_only_instance_changes_nothing_and_says_why() -> None:
    stage = Stage(sync=SyncState(SyncPhase.READ_ONLY))
    async with stage.app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        await press(pilot, "e", "d", "u", "z")
        assert stage.engine.requests == []
        assert "Another instance writes" in text_of(stage.app)
        assert "archive" not in rows_of(stage.app)[-1]


async def test_a_pasted_text_outside_of_a_field_runs_nothing() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await pilot.pause()
        stage.app.post_message(tevents.Paste("edzq#y"))
        await pilot.pause()
        assert stage.engine.requests == []
        assert stage.app.return_value is None


async def test_thousands_of_messages_are_changed_with_one_request() -> None:
    stage = Stage(many_rows(5_000))
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "*", "a", "e")
        (request,) = asked(stage, requests.Archive)
        assert isinstance(request, requests.Archive)
        assert len(request.message_ids) == 5_000


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
        await pilot.pause()
        await pilot.click("#messages", offset=(20, 2))
        assert stage.mail.panes.messages.cursor_id == "m2"
        await pilot.click("#messages", offset=(20, 2))
        await until(pilot, lambda: asked(stage, requests.OpenMessage))
