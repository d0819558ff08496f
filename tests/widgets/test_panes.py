"""Mailbox list, status line, hint bar, query line, plain text: what they show and what they post."""

from __future__ import annotations

import pytest
from textual.widgets import Input

from services.models import LabelCount, Mailbox, MailboxCounts, MailFilter, SyncPhase, SyncState
from services.safe_text import clean_line, ui
from tests.fakes.rows import NOON
from tests.widgets.stage import (
    Gallery,
    Stage,
    click,
    hostile_strings,
    press,
    resized,
    screen_rows,
    settled,
)
from widgets.hint_bar import Hint, HintBar
from widgets.mailbox_list import MailboxList
from widgets.plain import Plain
from widgets.query_line import QueryLine
from widgets.status_line import StatusLine, Tile

COUNTS = MailboxCounts(
    inbox=12_345,
    unread=12,
    unverified=9,
    archived=4,
    total=12_349,
    labels=(LabelCount("ci", ui("ci"), 3), LabelCount("invoices", ui("invoices"), 18)),
)


# ── mailbox list ─────────────────────────────────────────────────────────────────────────────────


def places_stage() -> tuple[MailboxList, Stage]:
    places = MailboxList()
    return places, Stage(places, ready=lambda _stage: places.show_counts(COUNTS))


async def test_mailboxes_and_labels_stand_with_exact_counts() -> None:
    _places, app = places_stage()
    async with app.run_test(size=(20, 10)) as pilot:
        await settled(pilot.app)
        assert [row.rstrip() for row in screen_rows(app)[:7]] == [
            "▌Inbox       12,345",
            " Unread          12",
            " Unverified       9",
            " Archived         4",
            " ─ labels",
            " ci               3",
            " invoices        18",
        ]


async def test_the_cursor_steps_over_the_heading() -> None:
    places, app = places_stage()
    async with app.run_test(size=(20, 10)) as pilot:
        places.focus()
        await press(pilot, "down", "down", "down", "down", "enter")
        assert places.cursor_filter == MailFilter(Mailbox.INBOX, label="ci")
        chosen = [heard for heard in app.heard if isinstance(heard, MailboxList.Chosen)]
        assert [one.filter for one in chosen] == [MailFilter(Mailbox.INBOX, label="ci")]
        await press(pilot, "up")
        assert places.cursor_filter == MailFilter(Mailbox.ARCHIVED)


async def test_one_click_chooses_and_the_heading_does_nothing() -> None:
    places, app = places_stage()
    async with app.run_test(size=(20, 10)) as pilot:
        await settled(pilot.app)
        await click(pilot, MailboxList, (3, 1))
        await click(pilot, MailboxList, (3, 4))
        chosen = [heard for heard in app.heard if isinstance(heard, MailboxList.Chosen)]
        assert [one.filter for one in chosen] == [MailFilter(Mailbox.UNREAD)]
        assert places.cursor_filter == MailFilter(Mailbox.UNREAD)


async def test_new_counts_leave_the_cursor_on_its_mailbox() -> None:
    places, app = places_stage()
    async with app.run_test(size=(20, 10)) as pilot:
        app.screen.set_focus(None)
        await settled(pilot.app)
        places.show_current(MailFilter(Mailbox.INBOX, label="invoices"))
        more = (LabelCount("aaa", ui("aaa"), 1), *COUNTS.labels)
        places.show_counts(MailboxCounts(inbox=1, labels=more))
        await settled(pilot.app)
        assert places.cursor_filter == MailFilter(Mailbox.INBOX, label="invoices")
        assert screen_rows(app)[7].startswith("▌invoices")


async def test_a_text_search_leaves_its_mailbox_marked() -> None:
    places, app = places_stage()
    async with app.run_test(size=(20, 10)) as pilot:
        app.screen.set_focus(None)
        await settled(pilot.app)
        places.show_current(MailFilter(Mailbox.UNREAD, text="invoice", unread=True))
        await settled(pilot.app)
        assert screen_rows(app)[1].startswith("▌Unread")


# ── status line ──────────────────────────────────────────────────────────────────────────────────

SYNCED = SyncState(SyncPhase.SYNCED, synced_at=NOON)
ACCOUNT = ui("ops-bot@agents.example.com")


def status_stage() -> tuple[StatusLine, Stage]:
    status = StatusLine()

    def ready(_stage: Stage) -> None:
        status.show_state(SYNCED, COUNTS, ACCOUNT)
        status.show_place(ui("Inbox"), 128, 3)

    return status, Stage(status, ready=ready)


async def test_the_line_tells_account_mailbox_counts_state_and_place() -> None:
    _status, app = status_stage()
    async with app.run_test(size=(80, 3)) as pilot:
        await settled(pilot.app)
        assert screen_rows(app)[0] == (
            " ops-bot@agents.example.com  Inbox 128  ●12  !9           synced 12:00    3/128 "
        )


async def test_a_narrow_line_keeps_the_mailbox_and_the_state() -> None:
    _status, app = status_stage()
    async with app.run_test(size=(40, 3)) as pilot:
        await settled(pilot.app)
        row = screen_rows(app)[0]
        assert "Inbox 128" in row
        assert "synced 12:00" in row
        assert "ops-bot" not in row


async def test_a_notice_takes_the_place_of_the_state_until_the_next_key() -> None:
    status, app = status_stage()
    async with app.run_test(size=(80, 3)) as pilot:
        status.show_notice(ui("3 messages archived."), next_step=ui("z takes it back."))
        await settled(pilot.app)
        row = screen_rows(app)[0]
        assert "3 messages archived. z takes it back." in row
        assert "synced" not in row
        status.clear_notice()
        await settled(pilot.app)
        assert "synced 12:00" in screen_rows(app)[0]


async def test_a_notice_longer_than_the_line_is_cut_and_not_wrapped() -> None:
    status, app = status_stage()
    async with app.run_test(size=(60, 3)) as pilot:
        status.show_notice(ui("x" * 200), "error")
        await settled(pilot.app)
        assert screen_rows(app)[0].endswith("…    3/128 ")
        assert screen_rows(app)[1].strip() == ""


async def test_a_changed_number_paints_only_its_own_stretch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, app = status_stage()
    async with app.run_test(size=(80, 3)) as pilot:
        await settled(pilot.app)
        painted: list[tuple[int, int]] = []
        refresh = Tile.refresh

        def counted(self: Tile, *regions: object, **how: object) -> Tile:
            painted.append(self.cells)
            return refresh(self, *regions, **how)  # type: ignore[arg-type]

        monkeypatch.setattr(Tile, "refresh", counted)
        status.show_place(ui("Inbox"), 128, 4)
        status.show_place(ui("Inbox"), 128, 4)
        assert painted == [(70, 80)]


@pytest.mark.parametrize(
    ("waiting", "uncertain", "words"),
    [(3, 0, "  3 waiting "), (0, 1, "  1 may have left "), (2, 1, "  1 may have left, 2 waiting ")],
)
async def test_what_a_person_has_to_decide_is_told_where_the_mailbox_list_has_no_room(
    waiting: int, uncertain: int, words: str
) -> None:
    status, app = status_stage()
    async with app.run_test(size=(70, 3)) as pilot:
        await settled(pilot.app)
        status.show_to_decide(waiting, uncertain)
        await settled(pilot.app)
        assert words in screen_rows(app)[0]
        status.show_to_decide(0, 0)
        await settled(pilot.app)
        assert words not in screen_rows(app)[0]


async def test_a_row_of_another_width_is_drawn_whole() -> None:
    _status, app = status_stage()
    async with app.run_test(size=(80, 3)) as pilot:
        await settled(pilot.app)
        for width in (79, 75, 77, 80):
            await resized(pilot, width, 3)
            blanks = " " * (width - 69)
            assert screen_rows(app)[0] == (
                f" ops-bot@agents.example.com  Inbox 128  ●12  !9{blanks}synced 12:00    3/128 "
            )


# ── hints, question, text ────────────────────────────────────────────────────────────────────────


async def test_hints_fit_the_terminal() -> None:
    hints = [Hint(ui("Enter"), ui("read"), 1), Hint(ui("e"), ui("archive"), 3)]
    bar = HintBar([*hints, Hint(ui("?"), ui("help"), 0)])
    app = Stage(bar)
    async with app.run_test(size=(40, 3)) as pilot:
        await settled(pilot.app)
        assert screen_rows(app)[0].strip() == "Enter read  e archive  ? help"
        await resized(pilot, 24, 3)
        assert screen_rows(app)[0].strip() == "Enter read  ? help"
        bar.show_hints([Hint(ui("?"), ui("help"), 0)])
        await settled(pilot.app)
        assert screen_rows(app)[0].strip() == "? help"


async def test_what_is_typed_is_told_as_it_is_typed() -> None:
    query = QueryLine(ui("find"))
    app = Stage(query, ready=lambda _stage: query.start(ui("find"), "a"))
    async with app.run_test(size=(60, 3)) as pilot:
        await press(pilot, "[", "b", "enter", "escape")
        kinds = [type(heard).__name__ for heard in app.heard]
        texts = [heard.text for heard in app.heard if isinstance(heard, QueryLine.Changed)]
        assert texts[-2:] == ["a[", "a[b"]
        assert kinds[-2:] == ["Submitted", "Cancelled"]
        assert "a[b" in screen_rows(app)[0]
        assert app.query_one(Input).cursor_blink is False


def test_a_text_widget_refuses_a_plain_str() -> None:
    with pytest.raises(TypeError):
        Plain("[b]not cleaned")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Plain().show("[b]not cleaned")  # type: ignore[arg-type]


async def test_no_text_becomes_an_action_a_link_or_markup_in_any_widget() -> None:
    gallery = Gallery()
    app = Stage(*gallery.widgets())
    async with app.run_test(size=(140, 60)) as pilot:
        for name, text in hostile_strings():
            gallery.show(text)
            await settled(pilot.app)
            for strip in app.screen._compositor.render_strips():
                for segment in strip:
                    style = segment.style
                    assert style is None or not (style.meta.get("@click") or style.link), name
            if name.startswith("mk-"):
                assert clean_line(text)[:20] in "\n".join(screen_rows(app)), name
