"""What writing costs on the wire and writes to a real terminal."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pytest

from tests.widgets.stage import hostile_strings
from tests.widgets.terminal import Terminal
from tests.widgets.test_terminal_bytes import foreign

STAGE = ["-m", "tests.tui.compose_stage"]
PASTE = "\x1b[200~{}\x1b[201~"


@pytest.fixture(params=["dark", "ansi"])
def terminal(request: pytest.FixtureRequest) -> Iterator[Terminal]:
    environ = {"COLORTERM": "truecolor" if request.param == "dark" else ""}
    if request.param == "ansi":
        environ["TERM"] = "xterm"
    with Terminal(STAGE, environ=environ) as opened:
        opened.until(lambda screen: "read" in screen.display[-1])
        opened.painted()
        opened.painted("r")
        opened.until(lambda screen: "column F" in "".join(screen.display))
        opened.painted()
        yield opened


def test_a_letter_in_the_text_or_in_a_field_writes_under_120_bytes(terminal: Terminal) -> None:
    # That it is saved is said once, and costs what it costs.
    terminal.painted("x")
    terminal.until(lambda screen: "saved" in screen.display[3])
    terminal.painted()
    written = [len(terminal.painted(letter)) for letter in "Please check column F before noon."]
    assert statistics.median(written) < 60
    assert max(written) < 120, written
    terminal.painted("\t\t")
    in_field = [len(terminal.painted(letter)) for letter in " and more"]
    assert max(in_field) < 120, in_field


def test_idle_writing_writes_nothing_once_it_is_saved(terminal: Terminal) -> None:
    terminal.painted("x")
    terminal.until(lambda screen: "saved" in screen.display[3])
    terminal.painted()
    assert terminal.read(1.5) == b""


def test_pasted_hostile_text_writes_nothing_but_our_own_sequences() -> None:
    with Terminal(STAGE) as opened:
        opened.until(lambda screen: "read" in screen.display[-1])
        opened.painted("c")
        opened.until(lambda screen: screen.display[1].startswith(" To"))
        for place in ("", "\t", "\t"):
            opened.painted(place)
            for _, text in hostile_strings():
                # No terminal pastes half a character, or the end of a paste within one.
                text = text.encode("utf-8", "ignore").decode().replace("\x1b[201~", "")
                opened.press(PASTE.format(text))
                opened.painted()
            opened.painted("\x15")
        written = bytes(opened.written)
    assert [found for found in foreign(written) if "\u200d".encode() not in found] == []
