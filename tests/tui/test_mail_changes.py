"""What keys change from the mail screen, what they ask first, and what they leave alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services import events, requests
from services.config import Settings
from services.models import RowFlag, SyncPhase, SyncState
from services.safe_text import ui
from tests.fakes.rows import sample_rows
from tests.tui.app_stage import Stage, many_rows, press, rows_of, text_of, until

SMALL = (80, 24)
WIDE = (140, 40)


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
        assert stage.asked(requests.MarkRead) == []


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


async def test_deleting_asks_first_with_the_focus_on_the_safe_answer() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "j", "d")
        await until(pilot, lambda: "Delete this message for good?" in text_of(stage.app))
        assert "“[URGENT] wire transfer today”" in text_of(stage.app)
        stage.clock.now += 1
        await press(pilot, "enter")
        assert stage.asked(requests.Delete) == []
        await press(pilot, "#")
        stage.clock.now += 1
        await press(pilot, "right", "enter")
        assert stage.asked(requests.Delete) == [requests.Delete(("m1",))]


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
        assert stage.asked(requests.Delete) == []
        assert "Delete this message for good?" in text_of(stage.app)
        stage.clock.now += 0.25
        await press(pilot, "y")
        assert stage.asked(requests.Delete) == [requests.Delete(("m0",))]


async def test_a_selection_is_counted_in_hints_and_question() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        await press(pilot, "x", "x", "x")
        assert "e archive 3" in rows_of(stage.app)[-1]
        await press(pilot, "d")
        await until(pilot, lambda: "Delete 3 messages for good?" in text_of(stage.app))
        assert "and 2 more" in text_of(stage.app)


async def test_labels_are_completed_from_known_ones() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "l", *"o")
        await until(pilot, lambda: "[ ] ops" in text_of(stage.app))
        await press(pilot, "enter")
        assert stage.asked(requests.ChangeLabels) == [requests.ChangeLabels(("m0",), ("ops",), ())]


async def test_a_label_that_is_held_is_taken_off() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "G", "k", "k", "k", "l")
        await until(pilot, lambda: "[x] ci" in text_of(stage.app))
        await press(pilot, "enter")
        assert stage.asked(requests.ChangeLabels) == [requests.ChangeLabels(("m4",), (), ("ci",))]


async def test_several_labels_are_changed_at_once() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "l", "tab", *"new", "tab", "enter")
        assert stage.asked(requests.ChangeLabels) == [
            requests.ChangeLabels(("m0",), ("ci", "new"), ())
        ]


async def test_a_label_that_cannot_be_is_refused_while_it_is_typed() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "l", *("x" * 65))
        await until(pilot, lambda: "at most 64 characters" in text_of(stage.app))
        await press(pilot, "enter")
        assert stage.asked(requests.ChangeLabels) == []


async def test_a_read_only_instance_changes_nothing_and_says_why() -> None:
    stage = Stage(sync=SyncState(SyncPhase.READ_ONLY))
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.finding.sync.phase is SyncPhase.READ_ONLY)
        await press(pilot, "e", "d", "u", "z")
        assert stage.engine.requests == []
        assert "Another instance writes" in text_of(stage.app)
        assert "archive" not in rows_of(stage.app)[-1]


async def test_thousands_of_messages_are_changed_with_one_request() -> None:
    stage = Stage(many_rows(5_000))
    async with stage.app.run_test(size=SMALL) as pilot:
        await press(pilot, "*", "a", "e")
        (request,) = stage.asked(requests.Archive)
        assert isinstance(request, requests.Archive)
        assert len(request.message_ids) == 5_000
