"""What really goes over the wire, read from a real terminal device."""

from __future__ import annotations

import re

import pytest

from tests.widgets.stage import hostile_strings
from tests.widgets.terminal import Terminal, gutter_row

STAGE = ["-m", "tests.widgets.stage"]

OURS = re.compile(
    rb"\x1b\[[\d;]*[mHKXCGE]"  # styles, places, erasing
    rb"|\x1b\[\?\d+[hl]|\x1b\[\?\d+\$p"  # modes and the question whether they are there
    rb"|\x1b\[>\d*u|\x1b\[<u"  # keyboard protocol
    rb"|\x1b\]22;[a-z]*\x07"  # pointer shape
)


def foreign(written: bytes) -> list[bytes]:
    """Control characters that are left when our own sequences are taken away."""
    rest = OURS.sub(b"", written).replace(b"\r\n", b"")
    found = re.findall(rb".{0,20}[\x00-\x1f\x7f].{0,20}", rest)
    text = rest.decode()
    hidden = (
        "[\x80-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e0fff]"
    )
    return found + [match.encode() for match in re.findall(f".{{0,20}}{hidden}.{{0,20}}", text)]


@pytest.mark.parametrize("stock", ["", "1"], ids=["lean driver", "Textual's driver"])
def test_hostile_strings_in_every_widget_write_nothing_but_our_own_sequences(stock: str) -> None:
    with Terminal([*STAGE, "gallery"], 100, 40, {"STAGE_STOCK": stock}) as terminal:
        written = terminal.finish()
    assert terminal.process.returncode == 0, written[-2_000:].decode()
    assert len(written) > 1_000 * len(hostile_strings()) / 2
    assert foreign(written) == []


def test_the_scan_would_see_an_escape_a_c1_control_and_a_bidi_mark() -> None:
    assert foreign(b"\x1b]0;title\x07")
    assert foreign("a\x9b31m".encode())
    assert foreign("a\u202eb".encode())


@pytest.mark.parametrize("theme", ["dark", "ansi"])
def test_a_step_writes_few_bytes(theme: str) -> None:
    with Terminal([*STAGE, "keys"], environ={"STAGE_THEME": theme}) as terminal:
        at_start(terminal)
        for row in range(2, 8):
            written = terminal.painted("j")
            assert gutter_row(terminal.screen) == row
            assert len(written) < 60, written


def test_a_step_with_the_place_in_the_status_line_writes_under_120_bytes() -> None:
    with Terminal([*STAGE, "keys"], environ={"STAGE_PLACE": "1"}) as terminal:
        at_start(terminal)
        for row in range(2, 8):
            written = terminal.painted("j")
            assert gutter_row(terminal.screen) == row
            assert f" {row}/100,000" in terminal.screen.display[0]
            assert len(written) < 120, written


@pytest.mark.parametrize("theme", ["dark", "ansi"])
def test_a_page_writes_at_most_two_and_a_half_kilobytes(theme: str) -> None:
    with Terminal([*STAGE, "keys"], environ={"STAGE_THEME": theme}) as terminal:
        at_start(terminal)
        for first in (22, 44, 66):
            written = terminal.painted(" ")
            assert f"Sender {first} " in terminal.screen.display[1]
            assert len(written) <= 2_500, len(written)


def test_idle_writes_nothing() -> None:
    with Terminal([*STAGE, "keys"]) as terminal:
        at_start(terminal)
        assert terminal.read(1.5) == b""


def test_new_mail_above_leaves_the_cursor_on_its_message_and_its_screen_row() -> None:
    with Terminal([*STAGE, "keys"]) as terminal:
        at_start(terminal)
        # Not at the start of the list: there new mail is shown.
        terminal.painted(" jjj")
        assert gutter_row(terminal.screen) == 4
        assert "Sender 22 " in terminal.screen.display[1]
        before = list(terminal.screen.display)
        assert terminal.painted("n") == b""
        assert list(terminal.screen.display) == before


def test_leaving_gives_the_terminal_back() -> None:
    with Terminal([*STAGE, "keys"]) as terminal:
        at_start(terminal)
        terminal.press("q")
        written = terminal.finish()
    assert b"\x1b[?1049l" in written
    assert b"\x1b[?25h" in written


def at_start(terminal: Terminal) -> None:
    """Read until the list is on the screen and nothing of it is still to come."""
    terminal.until(lambda screen: gutter_row(screen) == 1)
    terminal.painted()
