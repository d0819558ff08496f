"""The lean driver's frames draw the same screen as Textual's, cell by cell and colour by colour."""

from __future__ import annotations

import contextlib
from random import Random

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

from tests.widgets.terminal import Terminal, gutter_row
from tui.known_cells import KnownCells
from tui.lean_frames import PLAIN, Unreadable, change, lean, look_of

WIDTH, HEIGHT = 40, 6
COLOURS = (
    "default",
    "#121212",
    "#dadada",
    "#5fd7af",
    "#123456",
    "red",
    "bright_white",
    "color(99)",
)
TEXTS = (
    "a",
    "bc ",
    " d",
    "●✓▌",
    "── ",
    " ",
    "   ",
    " " * 14,
    "漢字",
    "한글 ",
    "日本語テキスト",
    "naïve Ωд",
)


def some_style(chance: Random) -> Style:
    def often() -> bool:
        return chance.random() < 0.2

    return Style(
        color=chance.choice(COLOURS),
        bgcolor=chance.choice(COLOURS[:3] if often() else COLOURS[:1]),
        bold=often(),
        dim=often(),
        italic=often(),
        underline=often(),
        reverse=often(),
        strike=often(),
    )


def some_frame(chance: Random) -> str:
    """A frame as Textual writes it: places, styled text with resets, line feeds."""
    lines = []
    rows = sorted(chance.choices(range(1, HEIGHT + 1), k=chance.randint(1, 6)))
    for row in rows:
        x = chance.randint(0, WIDTH - 1)
        room = WIDTH - x
        line = f"\x1b[{row};{x + 1}H"
        for _ in range(chance.randint(1, 8)):
            text = chance.choice(TEXTS)
            text = text if cell_len(text) <= room else set_cell_size(text, room)
            line += Strip.render_style(some_style(chance), text, ColorSystem.TRUECOLOR)
            room -= cell_len(text)
        if chance.random() < 0.5:
            line += Strip.render_style(some_style(chance), " " * room, ColorSystem.TRUECOLOR)
        # Textual never feeds a line at the last row.
        lines.append(line + ("\n" if row != rows[-1] and row < HEIGHT else ""))
    return "".join(lines) + "\x1b[1;1H"


def drawn(frames: list[str]) -> list[list[tuple[object, ...]]]:
    """What a terminal shows: characters and colours; of a blank only what is seen of it."""
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    stream.feed("\x1b[?7l")
    for frame in frames:
        stream.feed(frame.replace("\n", "\r\n"))
    return [[_seen(screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    lines = (cell.underscore, cell.strikethrough, cell.reverse)
    if cell.data == " " and not any(lines):
        return " ", cell.bg
    return cell.data, cell.fg, cell.bg, cell.bold, cell.italics, *lines


@pytest.mark.parametrize("seed", range(8))
def test_lean_frames_draw_the_same_cells_and_colours(seed: int) -> None:
    chance = Random(seed)
    for _ in range(60):
        frames = [some_frame(chance) for _ in range(chance.randint(1, 3))]
        erase_colour = chance.random() < 0.5
        short = [lean(frame, WIDTH, erase_colour=erase_colour) for frame in frames]
        assert drawn(short) == drawn(frames), (frames, short)


@pytest.mark.parametrize("seed", range(8))
def test_frames_over_known_cells_draw_the_same_screen(seed: int) -> None:
    chance = Random(seed)
    for _ in range(40):
        frames = [some_frame(chance) for _ in range(chance.randint(2, 6))]
        frames += chance.choices(frames, k=3)
        known, erase_colour = KnownCells(), chance.random() < 0.5
        short = [lean(frame, WIDTH, erase_colour=erase_colour, known=known) for frame in frames]
        assert drawn(short) == drawn(frames), (frames, short)


def test_a_frame_that_is_on_the_screen_already_costs_nothing() -> None:
    known = KnownCells()
    for seed in range(20):
        frame = some_frame(Random(seed))
        once = lean(frame, WIDTH, erase_colour=True, known=known)
        assert len(lean(frame, WIDTH, erase_colour=True, known=known)) < max(10, len(once) // 2)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_a_frame_is_shortened_or_refused_but_never_raises_otherwise(text: str) -> None:
    with contextlib.suppress(Unreadable):
        lean("\x1b[1;1H" + text, WIDTH, erase_colour=True)


@pytest.mark.parametrize(
    "frame",
    [
        "\x1b[?1049h",
        "\x1b]52;c;YQ==\x07",
        "text of no place",
        "\x1b[1;1H\x1b]8;id=1;https://a.example\x1b\\a\x1b]8;;\x1b\\",
        "\x1b[1;1H\x1b[31mleft on",
        "\x1b[1;1Ha\tb",
        "\x1b[1;1H\x1b[2J",
        "\x1b[1;1H\x1b[58;5;1mx\x1b[0m",
    ],
)
def test_what_is_not_a_plain_frame_is_refused(frame: str) -> None:
    with pytest.raises(Unreadable):
        lean(frame, WIDTH, erase_colour=True)


def test_text_of_doubtful_width_is_followed_by_the_column_that_comes_next() -> None:
    short = lean("\x1b[1;1H\x1b[31m\U0001f469ab\x1b[0m|\x1b[1;1H", WIDTH, erase_colour=True)
    assert "\U0001f469ab\x1b[5G" in short


@pytest.mark.parametrize(
    "letter", ["\U0001f44d\U0001f3ff", "\u0928\u093f", "\U0001f468\u200d\U0001f469"], ids=ascii
)
def test_text_drawn_too_wide_cannot_write_into_the_neighbouring_pane(letter: str) -> None:
    word = letter * 8
    cells = cell_len(word)
    row = f"\x1b[1;1H\x1b[31m{word}\x1b[0m\x1b[1;1H"
    screen = pyte.Screen(WIDTH, HEIGHT)
    stream = pyte.Stream(screen)
    stream.feed(f"\x1b[?7l\x1b[1;{cells + 1}H" + "-" * (WIDTH - cells))
    stream.feed(lean(row, WIDTH, erase_colour=True))
    spoilt = sum(screen.buffer[0][x].data != "-" for x in range(cells, WIDTH))
    assert spoilt <= 2


def test_blanks_at_the_end_of_a_coloured_line_go_out_as_blanks_where_erasing_has_no_colour() -> (
    None
):
    frame = f"\x1b[1;1H\x1b[48;5;233mab{' ' * 38}\x1b[0m\x1b[1;1H"
    assert "\x1b[K" in lean(frame, WIDTH, erase_colour=True)
    assert "\x1b[K" not in lean(frame, WIDTH, erase_colour=False)
    assert " " * 38 in lean(frame, WIDTH, erase_colour=False)


def test_colours_of_the_fixed_palette_are_said_by_number() -> None:
    assert look_of("38;2;95;215;175").ink == "38;5;79"
    assert look_of("38;2;1;2;3").ink == "38;2;1;2;3"


def test_ending_bold_keeps_dim() -> None:
    assert change(look_of("1;2"), look_of("2")) in ("\x1b[22;2m", "\x1b[;2m")
    assert change(look_of("1"), PLAIN) == "\x1b[m"


@pytest.mark.parametrize("theme", ["dark", "light", "contrast", "ansi"])
def test_both_drivers_leave_the_same_screen_after_the_same_keys(theme: str) -> None:
    screens = []
    for stock in ("", "1"):
        environ = {"STAGE_THEME": theme, "STAGE_STOCK": stock, "STAGE_PLACE": "1"}
        with Terminal(["-m", "tests.widgets.stage", "keys"], environ=environ) as terminal:
            terminal.until(lambda screen: gutter_row(screen) == 1)
            terminal.painted("jj jkn")
            assert "26/100,001" in terminal.screen.display[0]
            buffer = terminal.screen.buffer
            screens.append([[_seen(buffer[y][x]) for x in range(80)] for y in range(24)])
    assert screens[0] == screens[1]
