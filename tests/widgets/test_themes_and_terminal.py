"""Contrast of every pair that is drawn, and what is read from the environment about a terminal."""

from __future__ import annotations

import pytest
from textual.color import Color

from services.account_colours import COLOURS
from tests.widgets.stage import Gallery, Stage, screen_rows, settled
from tui import themes
from tui.terminal import Terminal, probe

ACCOUNTS = [f"account-{colour}" for colour in COLOURS]
PAIRS = [
    *(
        ("mail-background", name)
        for name in ("mail-text", "mail-muted", "mail-accent", "mail-caution", "mail-danger",
                     "quote-1", "quote-2", "quote-3", "notice-text", *ACCOUNTS)
    ),
    *(
        ("card-background", name)
        for name in ("card-text", "card-muted", "card-caution", "card-danger", "card-good")
    ),
    *(
        ("bar-background", name)
        for name in ("bar-text", "bar-muted", "bar-caution", "bar-danger", "mail-accent", *ACCOUNTS)
    ),
]  # fmt: skip

# What the sixteen are in common terminals: black, white (7), for xterm, VGA, Tango, Solarized.
BLACK_ON_WHITE = [("#000000", "#e5e5e5"), ("#000000", "#aaaaaa"), ("#2e3436", "#d3d7cf"),
                  ("#073642", "#eee8d5")]  # fmt: skip


def luminance(colour: Color) -> float:
    def channel(value: int) -> float:
        part = value / 255
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    return 0.2126 * channel(colour.r) + 0.7152 * channel(colour.g) + 0.0722 * channel(colour.b)


def contrast(one: str, other: str) -> float:
    bright, dark = sorted((luminance(Color.parse(one)), luminance(Color.parse(other))))[::-1]
    return (bright + 0.05) / (dark + 0.05)


@pytest.mark.parametrize(("theme", "least"), [("dark", 4.5), ("light", 4.5), ("contrast", 7.0)])
def test_all_text_is_readable_on_its_ground(theme: str, least: float) -> None:
    colours = themes.THEMES[theme].variables
    for ground, ink in PAIRS:
        assert contrast(colours[ground], colours[ink]) >= least, (ground, ink)


@pytest.mark.parametrize("theme", ["dark", "light", "contrast"])
def test_colours_are_of_the_fixed_palette(theme: str) -> None:
    from tui.lean_frames import look_of

    for name, value in themes.THEMES[theme].variables.items():
        if value.startswith("#"):
            colour = Color.parse(value)
            said = look_of(f"38;2;{colour.r};{colour.g};{colour.b}").ink
            assert said.startswith("38;5;"), (name, value)


def test_words_in_the_sixteen_colours_are_in_the_terminals_own_pair_or_black_on_white() -> None:
    colours = themes.THEMES["ansi"].variables
    words = {(colours[ground], colours[ink]) for ground, ink in PAIRS}
    marks = {"ansi_cyan", "ansi_yellow", "ansi_red", "ansi_green", "ansi_magenta"}
    assert {pair for pair in words if pair[1] not in marks} == {
        ("ansi_default", "ansi_default"),
        ("ansi_white", "ansi_black"),
    }
    for ink, ground in BLACK_ON_WHITE:
        assert contrast(ink, ground) >= 4.5


def test_every_theme_names_the_same_purposes() -> None:
    names = set(themes.variable_defaults())
    for theme in themes.THEMES.values():
        assert names <= set(theme.variables)


@pytest.mark.parametrize("theme", list(themes.THEMES))
async def test_every_widget_is_drawn_under_every_theme(theme: str) -> None:
    gallery = Gallery()
    app = Stage(*gallery.widgets(), theme=theme, ready=lambda _stage: gallery.show("some text"))
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(pilot.app)
        assert "some text" in "\n".join(screen_rows(app))
        for other in themes.THEMES:
            app.theme = other
            await settled(pilot.app)
        assert "some text" in "\n".join(screen_rows(app))


def test_an_unknown_theme_falls_back_to_the_dark_one() -> None:
    assert Stage(theme="no such theme").theme == "dark"


UTF8 = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({**UTF8, "COLORTERM": "truecolor"}, ("truecolor", False, True, True)),
        (UTF8, ("256", False, True, True)),
        ({**UTF8, "SSH_CONNECTION": "a"}, ("256", True, True, True)),
        ({**UTF8, "TERM": "tmux-256color", "TMUX": "/tmp/x"}, ("256", False, True, False)),
        ({**UTF8, "TMUX": "/tmp/x"}, ("256", False, True, False)),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, ("16", False, False, True)),
        ({"TERM": "xterm", "LANG": "C"}, ("16", False, False, True)),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, ("16", False, False, True)),
        ({"TERM": "xterm", "LANG": "C", "LC_CTYPE": "de_DE.UTF-8"}, ("16", False, True, True)),
        ({"TERM": "xterm", "LANG": "C", "LC_ALL": "en.UTF-8"}, ("16", False, True, True)),
        ({**UTF8, "NO_COLOR": "1"}, ("none", False, True, True)),
        ({}, ("none", False, False, False)),
    ],
)
def test_the_terminal_is_read_from_the_environment(
    environ: dict[str, str], expected: tuple[str, bool, bool, bool]
) -> None:
    found = probe(environ)
    assert (found.colours, found.ssh, found.unicode, found.erase_colour) == expected


def test_over_ssh_without_true_colour_the_terminals_own_colours_are_the_default() -> None:
    assert probe({**UTF8, "SSH_TTY": "/dev/pts/1"}).theme == "ansi"
    assert probe({**UTF8, "SSH_TTY": "x", "COLORTERM": "truecolor"}).theme == "dark"
    assert probe(UTF8).theme == "dark"
    assert probe({**UTF8, "NO_COLOR": "1"}).theme == "ansi"
    assert isinstance(probe({}), Terminal)
