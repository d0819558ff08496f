"""The screens of what the agent sent and of what is held, and the reader of them and of the trash:
rows, sentences, keys, raw mail and files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from services.draft import Draft, DraftKind
from services.events import RequestFailed
from services.outbound_events import BeginDraft, DraftOpened
from services.requests import ForAccount
from services.safe_text import clean_line, phrase, ui
from services.shelf_events import ListShelf, ReadShelved, ReadShelvedRaw, ShelvesCounted
from services.shelves import Shelf
from services.transfer_events import FilesSaved, SaveAttachments
from tests.fakes.fake_shelves import FakeShelves
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tests.tui.test_snapshots import SIZES, compare
from tui.screens.shelved_mail import ShelvedMailScreen
from widgets.shelf_list import ShelfList

SMALL = (80, 24)
WIDE = (140, 40)
KEYS = {Shelf.TRASH: "T", Shelf.SENT: "O", Shelf.HELD: "H"}
HEADINGS = {Shelf.TRASH: "Trash", Shelf.SENT: "All sent mail", Shelf.HELD: "Held mail"}


async def shown(pilot: Pilot[int], stage: Stage, shelf: Shelf) -> ShelfList:
    await press(pilot, "g", KEYS[shelf])
    await until(pilot, lambda: HEADINGS[shelf] in text_of(stage.app))
    await press(pilot)
    return stage.app.screen.query_one(ShelfList)


async def read(pilot: Pilot[int], stage: Stage) -> None:
    await press(pilot, "enter")
    await until(pilot, lambda: "this is the text" in text_of(stage.app))


async def save(pilot: Pilot[int], stage: Stage) -> None:
    """Save the first file; a dialog takes no key in its first moment."""
    await press(pilot, "S")
    await until(pilot, lambda: "Save in a folder" in text_of(stage.app))
    stage.clock.now += 1
    await press(pilot, "enter")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["all-sent", "held", "held-none"])
async def test_the_screens_look_as_they_were_agreed(name: str, size: tuple[int, int]) -> None:
    stage = Stage(outbound=FakeShelves(**({"rows": ()} if name == "held-none" else {})))
    async with stage.app.run_test(size=size) as pilot:
        await shown(pilot, stage, Shelf.SENT if name == "all-sent" else Shelf.HELD)
        compare(name, size, rows_of(stage.app))


@pytest.mark.parametrize("shelf", list(Shelf), ids=lambda shelf: shelf.value)
async def test_each_asks_for_its_own_and_nothing_in_it_can_be_changed(shelf: Shelf) -> None:
    shelves = FakeShelves()
    stage = Stage(outbound=shelves)
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, shelf)
        first = listed.records[0].message_id
        await press(pilot, "a", "l", "d", "u", "s")
        if shelf is not Shelf.SENT:
            await press(pilot, "r", "R", "f", "E")
        if shelf is not Shelf.TRASH:
            await press(pilot, "e")
        await read(pilot, stage)
        await press(pilot, "e", "d", "a")
        if shelf is not Shelf.SENT:
            await press(pilot, "r", "R", "f", "E")
            assert "What lies here is only read" in text_of(stage.app)
        assert stage.engine.requests == [ListShelf(shelf), ReadShelved(shelf, first)]
        await press(pilot, "g", "r")
        await until(pilot, lambda: "as it came" in text_of(stage.app))
        assert shelves.asked[-1] == ReadShelvedRaw(shelf, first)
        await press(pilot, "g", "r")
        await until(pilot, lambda: "this is the text" in text_of(stage.app))
        await press(pilot, "q", "q")
        await until(pilot, lambda: stage.app.screen is stage.mail)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("r", DraftKind.REPLY),
        ("R", DraftKind.REPLY_ALL),
        ("f", DraftKind.FORWARD),
        ("E", DraftKind.EDIT_AS_NEW),
    ],
    ids=["reply", "reply-to-all", "forward", "edit-as-new"],
)
async def test_what_was_sent_is_answered_from_the_list_and_from_the_message(
    key: str, kind: DraftKind
) -> None:
    shelves = FakeShelves()
    stage = Stage(outbound=shelves)
    async with stage.app.run_test(size=WIDE) as pilot:
        listed = await shown(pilot, stage, Shelf.SENT)
        first = listed.records[0].message_id
        assert "r reply" in text_of(stage.app)
        await press(pilot, key)
        await until(pilot, lambda: shelves.asked[-1:] == [BeginDraft(kind, first)])
        number = len(stage.engine.requests)
        stage.engine.emit(DraftOpened(number, replace(Draft.begin(kind), subject="again")))
        await until(pilot, lambda: "again" in text_of(stage.app))
        await press(pilot, "escape")
        await until(pilot, lambda: HEADINGS[Shelf.SENT] in text_of(stage.app))
        await read(pilot, stage)
        before = len(shelves.asked)
        await press(pilot, key)
        await until(pilot, lambda: BeginDraft(kind, first) in shelves.asked[before:])


async def test_files_of_the_trash_are_saved_and_told_where_they_lie(tmp_path: Path) -> None:
    shelves = FakeShelves()
    stage = Stage(outbound=shelves)
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, Shelf.TRASH)
        row = next(row for row in listed.records if row.attachments)
        while listed.current is not row:
            await press(pilot, "j")
        await read(pilot, stage)
        assert "S save" in text_of(stage.app)
        await save(pilot, stage)
        await until(pilot, lambda: isinstance(shelves.asked[-1], SaveAttachments))
        request: Any = shelves.asked[-1]
        assert (request.message_id, request.indexes) == (row.message_id, (0,))
        await until(pilot, lambda: isinstance(stage.app.screen, ShelvedMailScreen))
        number = len(stage.engine.requests)
        told = phrase("Saved in {}.", clean_line("/somewhere"))
        stage.engine.emit(FilesSaved(number, row.message_id, told, (tmp_path / "a.txt",)))
        await until(pilot, lambda: "Saved in /somewhere." in text_of(stage.app))
        await save(pilot, stage)
        await until(pilot, lambda: len(stage.engine.requests) > number)
        await until(pilot, lambda: isinstance(stage.app.screen, ShelvedMailScreen))
        stage.engine.emit(RequestFailed(len(stage.engine.requests), ui("The disk is full.")))
        await until(pilot, lambda: "The disk is full." in text_of(stage.app))
        assert "this is the text" in text_of(stage.app)


async def test_a_file_that_is_there_after_its_screen_was_left_is_told_all_the_same(
    tmp_path: Path,
) -> None:
    shelves = FakeShelves()
    stage = Stage(outbound=shelves)
    async with stage.app.run_test(size=SMALL) as pilot:
        listed = await shown(pilot, stage, Shelf.TRASH)
        row = next(row for row in listed.records if row.attachments)
        while listed.current is not row:
            await press(pilot, "j")
        await read(pilot, stage)
        await save(pilot, stage)
        await until(pilot, lambda: isinstance(shelves.asked[-1], SaveAttachments))
        number = len(stage.engine.requests)
        await until(pilot, lambda: isinstance(stage.app.screen, ShelvedMailScreen))
        await press(pilot, "q", "q")
        await until(pilot, lambda: stage.app.screen is stage.mail)
        stage.engine.emit(
            FilesSaved(number, row.message_id, ui("Saved in a folder."), (tmp_path / "a.txt",))
        )
        await until(pilot, lambda: "Saved in a folder." in text_of(stage.app))


# ── beside the mailboxes ─────────────────────────────────────────────────────────────────────────


async def test_what_lies_beside_stands_in_the_mailbox_list_and_is_shown_by_enter() -> None:
    shelves = FakeShelves()
    stage = Stage(outbound=shelves)
    async with stage.app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        assert "Held mail" not in text_of(stage.app)
        stage.engine.emit(ShelvesCounted(held=3, sent=True))
        await until(pilot, lambda: "All sent mail" in text_of(stage.app))
        rows = [row[:21].strip(" ▌▕").split() for row in rows_of(stage.app)]
        assert ["Held", "mail", "3"] in rows
        assert ["All", "sent", "mail"] in rows
        assert ["Trash"] not in rows
        await press(pilot, "m", *"jjjj", "enter")
        await until(pilot, lambda: ListShelf(Shelf.HELD) in shelves.asked)
        await press(pilot, "q")
        stage.engine.emit(ShelvesCounted(held=100, more_held=True, trashed=True))
        await until(pilot, lambda: "100+" in text_of(stage.app))
        assert "All sent mail" not in text_of(stage.app)
        stage.engine.emit(ShelvesCounted(held=1, account="other"))
        await until(pilot, lambda: "101+" in text_of(stage.app))
        stage.engine.emit(ShelvesCounted())
        stage.engine.emit(ShelvesCounted(account="other"))
        await until(pilot, lambda: "Held mail" not in text_of(stage.app))


async def test_on_a_narrow_screen_the_dialog_of_mailboxes_shows_it_too() -> None:
    shelves = FakeShelves()
    stage = Stage(outbound=shelves)
    async with stage.app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == 8)
        stage.engine.emit(ShelvesCounted(sent=True))
        await until(pilot, lambda: stage.mail.panes.places.beside.sent)
        await press(pilot, "m")
        await until(pilot, lambda: "All sent mail" in text_of(stage.app))
        await press(pilot, *"jjjj", "enter")
        await until(pilot, lambda: ListShelf(Shelf.SENT) in shelves.asked)
        assert not any(isinstance(one, ForAccount) for one in shelves.asked)
