"""From the mail screen to writing and sending: keys, counts beside the mailboxes, taking back."""

from __future__ import annotations

import pytest

from services.draft import DraftKind
from services.events import RequestFailed
from services.outbound_events import (
    BeginDraft,
    CancelSend,
    OutboundCounted,
    OutboundDone,
    SendCancelled,
    SendQueued,
)
from services.outbound_models import OutboundCounts
from services.requests import Undo
from services.safe_text import ui
from tests.fakes.rows import NOON
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tui import keymap
from tui.command import ALL, TYPING
from tui.commands import BY_ID
from tui.presets import PRESETS
from tui.screens.mail import MailScreen
from tui.screens.side_screen import SideScreen
from tui.situation import Context
from widgets.undo_bar import UndoBar

SMALL = (80, 24)
WIDE = (140, 40)


def queued(stage: Stage, seconds: int = 10) -> SendQueued:
    return SendQueued(9, "d1", ("e1", "e2"), int(NOON) + 300 + seconds, ui("Leaves in 10 s."))


@pytest.mark.parametrize(
    ("key", "kind"),
    [("c", DraftKind.NEW), ("r", DraftKind.REPLY), ("R", DraftKind.REPLY_ALL),
     ("f", DraftKind.FORWARD), ("E", DraftKind.EDIT_AS_NEW)],
)  # fmt: skip
async def test_one_key_begins_a_message_or_an_answer(key: str, kind: DraftKind) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        await press(pilot, key)
        await until(pilot, lambda: not isinstance(stage.app.screen, MailScreen))
        begun = [one for one in stage.engine.requests if isinstance(one, BeginDraft)]
        assert [(one.kind, one.message_id) for one in begun] == [
            (kind, "" if kind is DraftKind.NEW else "m0")
        ]


@pytest.mark.parametrize(
    ("key", "context"),
    [("d", Context.DRAFTS), ("p", Context.APPROVALS), ("o", Context.OUTBOX),
     ("S", Context.OUTBOX), ("t", Context.TRANSFERS), ("A", Context.AUDIT), ("T", Context.TRASH),
     ("O", Context.SHELF), ("H", Context.SHELF)],
)  # fmt: skip
async def test_two_keys_show_a_screen_and_escape_leads_back(key: str, context: Context) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        await press(pilot, "g", key)
        await until(pilot, lambda: getattr(stage.app.screen, "CONTEXT", None) is context)
        await press(pilot, "escape")
        await until(pilot, lambda: stage.app.screen is stage.mail)


@pytest.mark.parametrize("key", ["d", "p", "o", "S", "t", "A", "T", "O", "H"])
async def test_each_of_them_has_all_its_commands_and_leads_to_the_others(key: str) -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        await press(pilot, "g", key)
        await until(pilot, lambda: isinstance(stage.app.screen, SideScreen))
        screen = stage.app.screen
        assert isinstance(screen, SideScreen)
        known = {one.id for one in BY_ID.values() if screen.CONTEXT in one.contexts}
        assert known <= set(screen._run)
        for other in (*"dpoStATOH", key):
            await press(pilot, "g", other)
        await until(pilot, lambda: getattr(stage.app.screen, "CONTEXT", None) is screen.CONTEXT)
        assert len(stage.app.screen_stack) == 2
        await press(pilot, "escape")
        await until(pilot, lambda: stage.app.screen is stage.mail)


@pytest.mark.parametrize("preset", PRESETS)
def test_where_text_is_typed_no_printable_key_is_a_command(preset: str) -> None:
    for context in TYPING:
        for sequence in keymap.build(preset).owners[context]:
            assert len(sequence[0]) > 1
            assert sequence[0] != "space"


@pytest.mark.parametrize("preset", PRESETS)
def test_help_palette_and_leaving_have_a_key_on_every_screen(preset: str) -> None:
    built = keymap.build(preset)
    for context in Context:
        owners = set(built.owners[context].values())
        assert {"help", "palette", "quit_anywhere"} <= owners
        assert context in ALL or {one for one in owners if one.startswith("leave_")}, context


async def test_what_waits_stands_beside_the_mailboxes_and_is_shown_by_enter() -> None:
    stage = Stage()
    async with stage.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        await until(pilot, lambda: stage.engine.counts_asked == 1)
        assert "Drafts" not in text_of(stage.app)
        stage.engine.emit(OutboundCounted(OutboundCounts(2, 3, 1, 1)))
        await until(pilot, lambda: "Outbox" in text_of(stage.app))
        rows = [row[:21].strip(" ▌▕").split() for row in rows_of(stage.app)]
        assert ["Approvals", "3"] in rows
        assert ["Drafts", "2"] in rows
        assert ["Outbox", "2"] in rows
        await press(pilot, "m", *"jjjj", "enter")
        await until(pilot, lambda: getattr(stage.app.screen, "CONTEXT", None) is Context.APPROVALS)
        await press(pilot, "escape")
        stage.engine.emit(OutboundCounted(OutboundCounts()))
        await until(pilot, lambda: "Outbox" not in text_of(stage.app))


async def test_on_a_narrow_screen_the_dialog_of_mailboxes_leads_there_too() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        stage.engine.emit(OutboundCounted(OutboundCounts(drafts=2)))
        await until(pilot, lambda: stage.mail.panes.places.outgoing.drafts == 2)
        await press(pilot, "m")
        await until(pilot, lambda: "Drafts" in text_of(stage.app))
        await press(pilot, *"jjjj", "enter")
        await until(pilot, lambda: getattr(stage.app.screen, "CONTEXT", None) is Context.DRAFTS)


async def test_undo_takes_back_what_was_just_sent_before_it_undoes_anything_else() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        stage.engine.emit(queued(stage))
        await until(pilot, lambda: stage.mail.outbound.can_take_back)
        await press(pilot, "z")
        assert CancelSend(("e1", "e2")) in stage.engine.requests
        assert Undo() not in stage.engine.requests
        stage.engine.emit(SendCancelled(10, "d1", ui("Taken back; the draft is there again.")))
        await until(pilot, lambda: "g d shows the drafts" in text_of(stage.app))
        await press(pilot, "z")
        assert stage.engine.requests.count(Undo()) == 1


async def test_the_list_of_drafts_counts_down_too_and_its_undo_takes_back_what_was_sent() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        await press(pilot, "g", "d")
        await until(pilot, lambda: getattr(stage.app.screen, "CONTEXT", None) is Context.DRAFTS)
        stage.engine.emit(queued(stage))
        await until(pilot, lambda: "z takes it back" in text_of(stage.app))
        assert "z bring back" in text_of(stage.app)
        await press(pilot, "z")
        assert CancelSend(("e1", "e2")) in stage.engine.requests
        stage.engine.emit(SendCancelled(10, "d1", ui("Taken back; the draft is there again.")))
        await until(pilot, lambda: "Taken back" in text_of(stage.app))
        await until(pilot, lambda: "z bring back" not in text_of(stage.app))


async def test_undo_does_not_reach_for_what_has_left() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        stage.engine.emit(queued(stage, seconds=0))
        await until(pilot, lambda: "Leaves in" in text_of(stage.app))
        await press(pilot, "z")
        assert Undo() in stage.engine.requests


async def test_counts_that_cannot_be_had_disturb_nobody_and_other_failures_are_told() -> None:
    stage = Stage()
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        stage.mail.outbound._counting = 77
        stage.engine.emit(RequestFailed(77, ui("This mailbox cannot send.")))
        stage.engine.emit(OutboundDone(78, ui("The agent is paused.")))
        await until(pilot, lambda: "The agent is paused." in text_of(stage.app))
        assert "cannot send" not in text_of(stage.app)
        stage.engine.emit(RequestFailed(79, ui("The disk is full.")))
        await until(pilot, lambda: "The disk is full." in text_of(stage.app))


def test_no_key_of_the_mail_screen_sends() -> None:
    sending = {one.id for one in BY_ID.values() if one.group in ("Send", "Decide")}
    assert not {one for one in sending if BY_ID[one].contexts & ALL}


@pytest.mark.parametrize(("left", "shown"), [(10.9, 10), (10.0, 10), (1.2, 1), (0.3, 1), (0, 0)])
def test_the_bar_never_promises_more_seconds_than_the_delay(left: float, shown: int) -> None:
    bar = UndoBar(clock=lambda: 1_000 - left)
    bar._until = 1_000
    assert bar.seconds == shown
