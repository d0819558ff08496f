"""The pure parts of the lists: window, selection, cells, dates, glyphs, hints, sync words."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

import pytest
from rich.cells import cell_len

from services.models import SyncPhase, SyncState
from services.safe_text import clean_line, ui
from tests.fakes.rows import FakeManyRows
from tests.widgets.stage import hostile_strings
from widgets.cells import fit, fit_right, size_words, wrapped
from widgets.dates import DATE_CELLS, Calendar
from widgets.glyphs import ASCII, UNICODE, Glyphs, glyphs
from widgets.hint_bar import Hint, fitting
from widgets.list_window import ListWindow
from widgets.selection import Selection
from widgets.sync_words import state_words


def at(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[misc,arg-type]


# ── cells ────────────────────────────────────────────────────────────────────────────────────────


def test_text_is_fitted_to_the_cell_at_every_width() -> None:
    for name, text in hostile_strings():
        line = clean_line(text)
        for width in (1, 2, 3, 7, 20, 61):
            assert cell_len(fit(line, width)) == width, name
            assert cell_len(fit_right(line, width)) == width, name


def test_wrapping_loses_no_letter_and_keeps_the_width() -> None:
    for name, text in hostile_strings():
        line = clean_line(text, 12_000)
        for width in (3, 20, 79):
            rows = [line[start:end] for start, end in wrapped(line, width)]
            assert all(cell_len(row) <= width for row in rows), name
            assert "".join(rows).replace(" ", "") == line.replace(" ", ""), name


def test_lines_break_at_spaces_and_long_words_anywhere() -> None:
    line = "please process the attached payment"
    assert [line[a:b] for a, b in wrapped(line, 14)] == [
        "please process",
        "the attached",
        "payment",
    ]
    assert [("x" * 10)[a:b] for a, b in wrapped("x" * 10, 4)] == ["xxxx", "xxxx", "xx"]
    assert list(wrapped("", 10)) == [(0, 0)]
    assert [("漢字漢字")[a:b] for a, b in wrapped("漢字漢字", 5)] == ["漢字", "漢字"]


def test_the_first_rows_of_a_huge_line_come_without_the_rest() -> None:
    line = "x" * 50_000_000
    rows = wrapped(line, 80)
    assert [next(rows) for _ in range(2)] == [(0, 80), (80, 160)]


@pytest.mark.parametrize(
    ("size", "words"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1_000, "1.0 KB"), (1_400_000, "1.4 MB"),
     (99_900, "100 KB"), (999_500, "1.0 MB"), (26_214_400, "26 MB")],
)  # fmt: skip
def test_sizes_have_three_digits_at_most(size: int | None, words: str) -> None:
    assert size_words(size) == words


# ── dates ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (at(2026, 11, 18, 14, 5), "14:05"),
        (at(2026, 11, 18, 0, 0), "00:00"),
        (at(2026, 11, 17, 23, 59), "Tue"),
        (at(2026, 11, 12, 8, 0), "Thu"),
        (at(2026, 11, 11, 8, 0), "11 Nov"),
        (at(2026, 1, 3, 8, 0), "3 Jan"),
        (at(2025, 12, 31, 8, 0), "2025"),
        (at(2027, 1, 1, 8, 0), "2027"),
        (at(2026, 11, 19, 8, 0), "19 Nov"),
        (0, ""),
        (-5, ""),
        (10**15, ""),
    ],
)
def test_dates_are_said_shortly(moment: int, words: str) -> None:
    calendar = Calendar.at(at(2026, 11, 18, 15, 0))
    assert calendar.short(moment) == words
    assert len(words) <= DATE_CELLS


def test_the_first_days_of_a_year_know_the_last_days_of_the_old_one() -> None:
    calendar = Calendar.at(at(2027, 1, 2, 12, 0))
    assert calendar.short(at(2026, 12, 31, 8, 0)) == "Thu"
    assert calendar.short(at(2026, 12, 20, 8, 0)) == "2026"


def test_a_calendar_holds_for_its_day_only() -> None:
    calendar = Calendar.at(at(2026, 11, 18, 15, 0))
    assert calendar.same_day(at(2026, 11, 18, 23, 59))
    assert not calendar.same_day(at(2026, 11, 19, 0, 0))
    assert calendar.full(at(2026, 11, 3, 13, 57)) == "Tue 3 Nov 13:57"
    assert calendar.full(at(2024, 2, 29, 1, 2)) == "Thu 29 Feb 2024 01:02"


# ── glyphs ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("table", [UNICODE, ASCII], ids=["unicode", "ascii"])
def test_every_glyph_is_one_cell(table: Glyphs) -> None:
    for field in dataclasses.fields(table):
        assert cell_len(getattr(table, field.name)) == 1, field.name


def test_the_ascii_twins_are_ascii_and_tell_the_states_apart() -> None:
    assert all(getattr(ASCII, field.name).isascii() for field in dataclasses.fields(ASCII))
    for table in (glyphs(unicode=True), glyphs(unicode=False)):
        marks = (table.unread, table.verified, table.unverified, table.first_contact,
                 table.encrypted, table.attachment, table.pending, table.marketplace)  # fmt: skip
        assert len(set(marks)) == len(marks)


# ── window and selection ─────────────────────────────────────────────────────────────────────────


def window(count: int, page: int) -> ListWindow:
    made = ListWindow()
    made.resize(page)
    made.restart(count)
    return made


def test_the_cursor_never_leaves_the_screen() -> None:
    made = window(1_000, 20)
    moves = [*(made.go, made.scroll, made.leap) * 40]
    for number, move in enumerate(moves):
        move((number * 37) % 90 - 40)
        assert made.cursor is not None
        assert made.top <= made.cursor < made.top + made.page
        assert 0 <= made.top <= 980


def test_a_followed_message_keeps_its_screen_line_unless_the_list_ends_before() -> None:
    made = window(1_000, 20)
    made.go(15)
    made.follow(1_010, 25)
    assert (made.top, made.cursor_line) == (10, 15)
    made.follow(12, 3)
    assert (made.top, made.cursor) == (0, 3)
    made.follow(0, None)
    assert made.cursor is None


def test_an_open_range_over_everything_is_counted_without_collecting_it() -> None:
    source = FakeManyRows(100_000)
    chosen = Selection()
    chosen.toggle("m5")
    chosen.toggle("m70000")
    chosen.start_range("m0")
    assert chosen.count(source, 60_000) == 60_002
    assert chosen.holds("m1234", 1_234, chosen.span(source, 60_000))
    assert not chosen.holds("m60001", 60_001, chosen.span(source, 60_000))
    chosen.end_range(source, 2)
    assert chosen.ids(source, 2) == {"m0", "m1", "m2", "m5", "m70000"}


# ── hints and sync words ─────────────────────────────────────────────────────────────────────────


def test_hints_leave_by_rank_and_help_stays() -> None:
    hints = [
        Hint(ui("Enter"), ui("read"), 1),
        Hint(ui("e"), ui("archive"), 3),
        Hint(ui("/"), ui("find"), 2),
        Hint(ui("?"), ui("help"), 0),
    ]
    assert [hint.key for hint in fitting(hints, 80)] == ["Enter", "e", "/", "?"]
    assert [hint.key for hint in fitting(hints, 30)] == ["Enter", "/", "?"]
    assert [hint.key for hint in fitting(hints, 7)] == ["?"]
    assert [hint.key for hint in fitting(hints, 1)] == ["?"]


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (SyncState(SyncPhase.SYNCED, synced_at=at(2026, 11, 18, 14, 5)), "synced 14:05"),
        (SyncState(SyncPhase.SYNCING, fetched=34_200), "syncing 34,200"),
        (
            SyncState(SyncPhase.OFFLINE, since=at(2026, 11, 18, 13, 50), waiting=3),
            "offline since 13:50, 3 changes waiting",
        ),
        (SyncState(SyncPhase.OFFLINE, waiting=1), "offline, 1 change waiting"),
        (
            SyncState(SyncPhase.BUSY, next_try=at(2026, 11, 18, 14, 7)),
            "server busy, next try 14:07",
        ),
        (
            SyncState(SyncPhase.SIGNED_OUT, sentence=ui("The service does not accept the token.")),
            "signed out",
        ),
        (
            SyncState(SyncPhase.OFFLINE, waiting=1, looking=True),
            "looking for mail, 1 change waiting",
        ),
        (SyncState(), ""),
    ],
)
def test_the_state_is_one_short_sentence(state: SyncState, words: str) -> None:
    assert state_words(state) == words
