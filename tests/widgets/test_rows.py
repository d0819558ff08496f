"""Rows of the message list: fixed columns at every width, whatever the text is."""

from __future__ import annotations

import pyte
import pytest
from rich.cells import cell_len

from services.models import RowFlag
from services.safe_text import clean_line, ui
from tests.fakes.rows import NOON, FakeRows, make_row, sample_rows
from tests.widgets.stage import Stage, clock, hostile_strings, screen_rows, settled
from tui.lean_frames import lean
from widgets.dates import Calendar
from widgets.glyphs import ASCII, UNICODE
from widgets.message_list import MessageList
from widgets.rows import columns, plain_row, row_parts

WIDTHS = (36, 44, 60, 80, 100, 140, 200)
ALL_FLAGS = RowFlag(255)


def shown(row_width: int, **fields: object) -> str:
    row = make_row(1, **fields)  # type: ignore[arg-type]
    calendar = Calendar.at(clock())
    return plain_row(row_parts(row, columns(row_width), UNICODE, calendar, selected=False))


@pytest.mark.parametrize("width", WIDTHS)
def test_every_hostile_string_fills_its_row_to_the_cell(width: int) -> None:
    calendar = Calendar.at(clock())
    for glyphs in (UNICODE, ASCII):
        for name, text in hostile_strings():
            line = clean_line(text)
            row = make_row(1, subject=line, sender=line, labels=(line, line), flags=ALL_FLAGS)
            parts = row_parts(row, columns(width), glyphs, calendar, selected=True)
            assert cell_len(plain_row(parts)) == width - 1, name


def test_any_width_is_filled_to_the_cell() -> None:
    for width in range(24, 250):
        assert cell_len(shown(width, subject=ui("x" * 300), sender=ui("漢字" * 60))) == width - 1


def test_every_state_has_its_own_place() -> None:
    row = make_row(1, flags=ALL_FLAGS, attachments=7)
    parts = row_parts(row, columns(80), UNICODE, Calendar.at(clock()), selected=True)
    assert plain_row(parts)[:8] == "●×✓▣¤…+ "
    assert plain_row(parts).endswith(" ∙7   11:50 ")
    parts = row_parts(row, columns(80), ASCII, Calendar.at(clock()), selected=True)
    assert plain_row(parts)[:8] == "*xvE$~+ "


def test_nothing_but_unread_is_bold() -> None:
    calendar = Calendar.at(clock())
    for flags in (RowFlag.UNREAD, RowFlag(0)):
        parts = row_parts(make_row(1, flags=flags), columns(80), UNICODE, calendar, selected=False)
        roles = {role for text, role in parts if text.strip()}
        assert ("unread" in roles) == bool(flags)


def test_an_unverified_sender_is_marked_by_shape_and_colour() -> None:
    calendar = Calendar.at(clock())
    parts = row_parts(make_row(1, flags=RowFlag(0)), columns(80), UNICODE, calendar, selected=False)
    assert ("!", "caution") in parts


def test_labels_stand_right_and_never_push_the_date() -> None:
    labels = (ui("ci"), ui("ops"), ui("a-label-that-is-far-too-long-for-the-row"))
    assert shown(80, labels=labels).endswith(" ci ops      11:50 ")
    assert "ci" not in shown(60, labels=labels)
    long = (ui("a-label-that-is-far-too-long-for-the-row"),)
    assert "a-label-tha…" in shown(80, labels=long)


def test_an_empty_subject_says_so() -> None:
    assert "(no subject)" in shown(80, subject=ui(""))


@pytest.mark.parametrize("literal", ["[URGENT] x", "[team-list] x", "[PATCH v2 1/3] x",
                                     ":warning: x", "[$error]x[/]", "sale [/50% off] now"])  # fmt: skip
async def test_markup_is_shown_as_it_is(literal: str) -> None:
    messages = MessageList(clock=clock)
    rows = FakeRows([make_row(1, subject=clean_line(literal), sender=clean_line(literal))])
    app = Stage(messages, ready=lambda _stage: messages.show(rows))
    async with app.run_test(size=(80, 10)) as pilot:
        await settled(pilot.app)
        assert screen_rows(app)[0].count(literal) == 2


@pytest.mark.parametrize("width", [60, 80, 100, 140])
async def test_columns_stay_aligned_in_a_terminal_under_hostile_strings(width: int) -> None:
    """The frames go through the lean driver's writer into a terminal emulator of its own widths."""
    messages = MessageList(clock=clock)
    texts = [clean_line(text) for _name, text in hostile_strings()]
    rows = FakeRows(
        [make_row(n, subject=text, sender=text, received_at=NOON) for n, text in enumerate(texts)]
    )
    app = Stage(messages, ready=lambda _stage: messages.show(rows))
    async with app.run_test(size=(width, len(texts))) as pilot:
        await settled(pilot.app)
        update = app.screen._compositor.render_full_update()
        frame = lean(update.render_segments(app.console), width, erase_colour=True)
    screen = pyte.Screen(width, len(texts))
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l")
    stream.feed(frame)
    for y, (name, _text) in enumerate(hostile_strings()):
        cells = [screen.buffer[y][x].data for x in range(width)]
        assert "".join(cells[-7:]) == " 12:00 "[-7:], name
        assert cells[3] == "✓", name
        sender = columns(width).sender
        assert cells[9 + sender] == " ", name


def test_the_sample_rows_hold_one_of_each_state() -> None:
    flags = RowFlag(0)
    for row in sample_rows().rows:
        flags |= row.flags
    for flag in RowFlag:
        assert flag in flags or flag in (RowFlag.ARCHIVED, RowFlag.ATTACHMENTS)


def test_a_mail_that_was_found_encrypted_is_marked_though_the_service_does_not_say_so() -> None:
    row, calendar = make_row(1, flags=RowFlag.VERIFIED), Calendar.at(clock())
    for opens, mark in ((None, " "), (True, "▣"), (False, "▢")):
        parts = row_parts(row, columns(80), UNICODE, calendar, selected=False, opens=opens)
        assert plain_row(parts)[3] == mark
