"""Several accounts on the mail screen: marks, switching by key, trouble, drafts and keys of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.events import MailboxChanged
from services.key_events import ReadKeys
from services.models import SyncPhase
from services.outbound_events import DraftsListed, SaveDraft
from services.outbound_models import DraftRow
from services.requests import ForAccount
from services.safe_text import ui
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.account_stage import (
    ACCOUNTS,
    BILLING,
    MARKS,
    OPS,
    RESEARCH,
    account_stage,
    shared_rows,
    tell_states,
)
from tests.tui.app_stage import Stage, press, rows_of, text_of, until
from tests.tui.compose_stage import begin, compose_of
from tests.tui.test_snapshots import SIZES, compare
from tui.account_states import AccountStates
from tui.screens.accounts_dialog import matching
from tui.screens.drafts import DraftsScreen
from widgets.account_list import AccountLine, AccountList


async def opened(pilot: object, stage: Stage, count: int = 8) -> None:
    await until(pilot, lambda: stage.mail.panes.messages.count == count)  # type: ignore[arg-type]
    await stage.mail.complete()


# ── what is seen ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "80x24", "140x40"])
async def test_several_accounts_look_as_agreed(size: tuple[int, int]) -> None:
    for name, keys in {
        "accounts-all": (),
        "accounts-one": ("L", "L"),
        "accounts-switcher": ("g", "@"),
        "accounts-mailboxes": ("m",),
    }.items():
        stage = account_stage()
        async with stage.app.run_test(size=size) as pilot:
            await opened(pilot, stage)
            tell_states(stage, billing=SyncPhase.SIGNED_OUT)
            await press(pilot, *keys)
            await until(pilot, lambda stage=stage: not stage.mail.following.is_waiting)
            await press(pilot)
            compare(name, size, rows_of(stage.app))


@pytest.mark.parametrize("size", SIZES, ids=["60x20", "80x24", "140x40"])
async def test_an_open_message_and_a_draft_say_whose_they_are(size: tuple[int, int]) -> None:
    stage = account_stage(outbound=FakeDrafts())
    async with stage.app.run_test(size=size) as pilot:
        await opened(pilot, stage)
        await press(pilot, "j", "enter")
        await until(pilot, lambda: "Hello," in text_of(stage.app))
        await press(pilot)
        compare("accounts-reader", size, rows_of(stage.app))
        await begin(pilot, stage, "r")
        compare("accounts-compose", size, rows_of(stage.app))


async def test_in_ascii_every_mark_is_ascii() -> None:
    stage = account_stage(environ={"TERM": "linux", "LANG": "C"})
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        assert "\n".join(rows_of(stage.app)).isascii()
        assert " research " in text_of(stage.app)


@pytest.mark.parametrize(
    "name",
    ["\x1b]0;pwned\x07", "[/50% off]", "\u202eevil", "a" * 300, "[@click=app.quit]x"],
    ids=["escape", "markup", "bidi", "long", "click"],
)
async def test_a_hostile_address_of_an_inbox_is_text(name: str) -> None:
    from dataclasses import replace

    from tui.account_marks import marks_of

    marks = marks_of((*ACCOUNTS, replace(ACCOUNTS[0], name="x", address=f"{name}@a.example")))
    stage = Stage(shared_rows(), accounts=marks)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "g", "@")
        shown = text_of(stage.app)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        await press(pilot, "escape", "H")
        assert stage.mail.accounts.chosen == "x"
        assert "\x1b" not in text_of(stage.app)


# ── switching ────────────────────────────────────────────────────────────────────────────────────


async def test_keys_lead_through_all_accounts_and_back() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        assert "All accounts  Inbox 8" in rows_of(stage.app)[0]
        seen = []
        for _ in range(4):
            await press(pilot, "L")
            seen.append((stage.mail.accounts.chosen, stage.mail.panes.messages.count))
        assert seen == [(OPS, 3), (RESEARCH, 3), (BILLING, 2), ("", 8)]
        await press(pilot, "H")
        assert stage.mail.accounts.chosen == BILLING
        assert "billing@agentmail.to  Inbox 2" in rows_of(stage.app)[0]


async def test_the_switcher_finds_an_account_by_a_few_letters() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "g", "@", *"rese", "enter")
        assert stage.mail.accounts.chosen == RESEARCH
        await press(pilot, "g", "@", *"agents.example", "enter")
        assert stage.mail.accounts.chosen == OPS, "the best fit, not the one that is shown"
        await press(pilot, "g", "@", "up", "enter")
        assert stage.mail.accounts.chosen == ""
        await press(pilot, "g", "@", *"zzz", "enter")
        assert "Accounts" in text_of(stage.app), "nothing fits, nothing is chosen"
        await press(pilot, "escape")
        assert stage.mail.accounts.chosen == ""


async def test_only_this_account_keeps_the_cursor_on_its_message_and_so_does_the_way_back() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "j", "j", "j", "j")
        current = stage.mail.panes.messages.cursor_id
        await press(pilot, "F", "a")
        assert stage.mail.accounts.chosen == RESEARCH
        assert stage.mail.panes.messages.cursor_id == current
        await press(pilot, "F", "a")
        assert stage.mail.accounts.chosen == ""
        assert stage.mail.panes.messages.cursor_id == current


async def test_other_mailboxes_and_filters_stay_within_the_account() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "L", "g", "u")
        view = stage.mail.finding.view.filter
        assert (view.account, view.mailbox.value) == (OPS, "unread")
        await press(pilot, "F", "v", "escape", "J")
        assert stage.mail.accounts.chosen == OPS


@pytest.mark.parametrize("size", [(80, 24), (140, 40)], ids=["80x24", "140x40"])
async def test_switching_while_a_message_is_open_shows_the_list_of_the_other_account(
    size: tuple[int, int],
) -> None:
    stage = account_stage()
    async with stage.app.run_test(size=size) as pilot:
        await opened(pilot, stage)
        await press(pilot, "enter")
        await until(pilot, lambda: "Hello," in text_of(stage.app))
        await press(pilot, "g", "@", *"bill", "enter")
        await until(pilot, lambda: not stage.mail.following.is_waiting)
        assert stage.mail.accounts.chosen == BILLING
        assert stage.mail.panes.messages.has_focus
        await press(pilot, "enter")
        await until(pilot, lambda: (stage.mail.reading.message_id or "").startswith(BILLING))


async def test_the_rows_of_one_account_do_not_say_again_whose_they_are() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        name = next(mark.name for mark in MARKS if mark.name == OPS)
        assert any(f" {name} " in row for row in rows_of(stage.app)[1:])
        await press(pilot, "L")
        await until(pilot, lambda: not any(f" {name} " in row for row in rows_of(stage.app)[1:]))
        assert stage.mail.accounts.chosen == OPS
        await press(pilot, "H")
        await until(pilot, lambda: any(f" {name} " in row for row in rows_of(stage.app)[1:]))


async def test_one_account_alone_has_no_marks_and_says_how_to_add_another() -> None:
    stage = Stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "g", "@")
        assert "accounts add" in text_of(stage.app)
        assert "All accounts" not in text_of(stage.app)


# ── trouble ──────────────────────────────────────────────────────────────────────────────────────


async def test_one_signed_out_account_is_named_and_does_not_hide_that_others_are_in_step() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        tell_states(stage, billing=SyncPhase.SIGNED_OUT)
        await until(pilot, lambda: "billing signed out" in rows_of(stage.app)[0])
        assert "synced" in rows_of(stage.app)[0]
        assert "enter a token" not in rows_of(stage.app)[-1]
        await press(pilot, "L")
        assert "signed out" not in rows_of(stage.app)[0]
        await press(pilot, "H", "H")
        assert "signed out" in rows_of(stage.app)[0]


@pytest.mark.parametrize("account", [OPS, RESEARCH, BILLING])
async def test_among_all_accounts_the_mail_of_a_signed_out_one_offers_its_token(
    account: str,
) -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        tell_states(stage, **{account: SyncPhase.SIGNED_OUT})
        await until(pilot, lambda: "signed out" in rows_of(stage.app)[0])
        for _ in range(3):
            theirs = stage.mail.accounts.current == account
            assert stage.mail.attention.situation().signed_out is theirs
            await press(pilot, "j")


def test_states_of_accounts_are_told_in_few_words() -> None:
    from services.models import SyncState

    states = AccountStates()
    synced, out = SyncState(SyncPhase.SYNCED, synced_at=9), SyncState(SyncPhase.SIGNED_OUT)
    states.take(out, ((OPS, synced), (RESEARCH, out), (BILLING, out)))
    assert states.of("") == synced
    assert states.troubles(MARKS) == "2 of 3 accounts not in step"
    states.take(out, ((OPS, out),))
    assert states.of("") == out
    assert states.troubles(MARKS) == ""


def test_a_long_state_of_an_account_does_not_touch_the_count_before_it() -> None:
    accounts = AccountList()
    accounts.show_lines([AccountLine("", None, ui("All"), 7, ui("offline since 21:06"))], "")
    row = "".join(text for text, _ in accounts.parts(0, 70))
    assert "7 offline" in row
    assert len(row) == 70


def test_letters_find_accounts_by_name_and_address() -> None:
    lines = [AccountLine(mark.name, mark, mark.title) for mark in MARKS]
    assert [line.name for line in matching(lines, "agentmail.to")] == [BILLING]
    assert next(line.name for line in matching(lines, "R")) == RESEARCH
    assert matching(lines, "") == tuple(lines)
    longer = replace(lines[0], name="research-2")
    assert next(line.name for line in matching([longer, *lines], "research")) == RESEARCH


# ── writing and keys ─────────────────────────────────────────────────────────────────────────────


async def test_a_new_message_leaves_from_the_account_that_is_shown() -> None:
    drafts = FakeDrafts()
    stage = account_stage(outbound=drafts)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        assert (await begin(pilot, stage)).account == OPS, "the default one"
        await press(pilot, "escape", "H")
        assert (await begin(pilot, stage)).account == BILLING
        assert "billing@agentmail.to" in rows_of(stage.app)[0]


async def test_the_account_of_a_draft_can_be_changed_and_it_is_saved_there_only() -> None:
    drafts = FakeDrafts()
    stage = account_stage(outbound=drafts)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        draft = await begin(pilot, stage)
        await press(pilot, *"x@y.example", "enter", *"hello")
        await press(pilot, "ctrl+s", "ctrl+g", "f", *"bill", "enter")
        await until(pilot, lambda: compose_of(stage).writer == BILLING)
        moved = compose_of(stage).draft
        assert moved is not None
        assert moved.draft_id != draft.draft_id
        assert moved.value.subject == "hello"
        assert list(drafts.kept) == [moved.draft_id]
        await press(pilot, *" there", "ctrl+s")
        assert [one.account for one in drafts.requests if isinstance(one, SaveDraft)][-1] == BILLING
        assert list(drafts.kept) == [moved.draft_id]


async def test_switching_while_a_draft_is_open_leaves_the_draft_to_its_account() -> None:
    drafts = FakeDrafts()
    stage = account_stage(outbound=drafts)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await begin(pilot, stage)
        await press(pilot, *"x@y.example", "escape", "H", "g", "c")
        assert compose_of(stage).writer == OPS
        await press(pilot, "ctrl+s")
        assert {one.account for one in drafts.requests if isinstance(one, SaveDraft)} == {OPS}


async def test_drafts_of_all_accounts_are_listed_or_those_of_the_chosen_one() -> None:
    rows = tuple(
        DraftRow(f"d{number}", 0, subject=ui("a draft"), account=mark.name)
        for number, mark in enumerate(MARKS)
    )
    drafts = FakeDrafts()
    drafts.rows = lambda: rows  # type: ignore[method-assign]
    stage = account_stage(outbound=drafts)
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "g", "d")
        screen = stage.app.screen
        assert isinstance(screen, DraftsScreen)
        assert len(screen.list.records) == 3
        assert "All accounts  Drafts 3" in rows_of(stage.app)[0]
        assert "billing " in text_of(stage.app)
        await press(pilot, "q", "H", "g", "d")
        screen = stage.app.screen
        assert isinstance(screen, DraftsScreen)
        assert (len(screen.list.records), screen.list.current) == (1, rows[2])
        stage.engine.emit(DraftsListed(0, rows))
        await press(pilot)
        assert len(screen.list.records) == 1


async def test_the_keys_screen_is_about_the_account_of_the_message() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "j", "g", "k")
        asked = [one for one in stage.engine.requests if isinstance(one, ForAccount)]
        assert asked[-1] == ForAccount(RESEARCH, ReadKeys(ask_directory=True))
        assert "research@agents.example.com" in rows_of(stage.app)[0]


async def test_an_account_that_goes_leaves_no_row_behind() -> None:
    stage = account_stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, stage)
        await press(pilot, "H")
        left = [row for row in shared_rows() if row.account != BILLING]
        stage.engine.publish(left)
        stage.engine.emit(MailboxChanged(stage.engine.published.counts))  # type: ignore[union-attr]
        await until(pilot, lambda: stage.mail.panes.messages.count == 0)
        await press(pilot, "L")
        assert stage.mail.panes.messages.count == 6


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
async def test_the_first_picture_has_the_rows_and_marks_of_the_apps_first_frame(
    size: tuple[int, int],
) -> None:
    import pyte

    from tests.fakes.rows import NOON, FakeRows
    from tui.first_picture import draw
    from widgets.glyphs import glyphs

    stage = account_stage()
    async with stage.app.run_test(size=size) as pilot:
        await opened(pilot, stage)
        shown = rows_of(stage.app)
    screen = pyte.Screen(*size)
    marks = {mark.name: mark for mark in MARKS}
    rows = FakeRows(shared_rows())
    frame = draw(rows, size, glyphs(unicode=True), "dark", NOON + 300.0, marks)
    pyte.Stream(screen).feed(frame)
    assert [line.rstrip() for line in screen.display[1:-1]] == shown[1:-1]
