"""The first picture is the app's own: same rows, same cells, and a terminal that comes back."""

from __future__ import annotations

import termios
from pathlib import Path

import pyte
import pytest

from services.safe_text import clean_line
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.rows import NOON, FakeRows, make_row, sample_rows
from tests.tui.app_stage import LOCAL, Stage, press, rows_of, until
from tests.tui.test_in_a_terminal import add
from tests.widgets.stage import hostile_strings
from tests.widgets.terminal import Terminal, gutter_row
from tui.first_picture import ENTER, draw
from widgets.glyphs import glyphs

ASCII = {"TERM": "xterm-256color", "LC_ALL": "C"}


def picture(
    rows: FakeRows, size: tuple[int, int], *, unicode: bool, theme: str = "dark"
) -> pyte.Screen:
    screen = pyte.Screen(*size)
    pyte.Stream(screen).feed(draw(rows, size, glyphs(unicode=unicode), theme, NOON + 300.0))
    return screen


@pytest.mark.parametrize("environ", [LOCAL, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("size", [(80, 24), (60, 20), (99, 30), (36, 10)])
async def test_the_picture_has_the_rows_of_the_apps_first_frame(
    size: tuple[int, int], environ: dict[str, str]
) -> None:
    hostile = [
        make_row(90 + n, subject=clean_line(text))
        for n, (_name, text) in enumerate(hostile_strings())
    ]
    rows = (*sample_rows().rows, *hostile)
    stage = Stage(rows, environ=environ)
    async with stage.app.run_test(size=size) as pilot:
        await until(pilot, lambda: stage.mail.panes.messages.count == len(rows))
        await press(pilot)
        shown = rows_of(stage.app)
    drawn = picture(FakeRows(rows), size, unicode=environ is LOCAL).display
    # pyte keeps a wide letter in one place and leaves the next empty, as a terminal does.
    assert [line.rstrip() for line in drawn[1:-1]] == shown[1:-1]


@pytest.mark.parametrize("theme", ["dark", "light", "contrast", "ansi", "no such theme"])
def test_every_theme_can_be_drawn(theme: str) -> None:
    screen = picture(sample_rows(), (80, 24), unicode=True, theme=theme)
    assert gutter_row(screen) == 1


def test_a_start_on_cached_mail_shows_it_first_and_keeps_every_key(
    sandbox: SandboxControl, agent: Agent, tmp_path: Path
) -> None:
    add(sandbox, agent, 5)
    arguments = ["-m", "tests.tui.app_stage", sandbox.base_url, agent.token, str(tmp_path)]
    with Terminal(arguments) as terminal:
        terminal.until(lambda screen: "No. 0" in screen.display[5])
        terminal.press("q")
        terminal.finish()
    with Terminal(arguments) as terminal:
        terminal.until(lambda screen: "No. 0" in screen.display[5])
        first = bytes(terminal.written)
        terminal.press("jj")
        terminal.until(lambda screen: gutter_row(screen) == 3)
        terminal.press("q")
        written = terminal.finish()
        assert termios.tcgetattr(terminal.descriptor) == terminal.settings
    assert written.count(ENTER.encode()) == 1
    assert first.index(b"No. 0") < (first + b"\x1b[?1000h").index(b"\x1b[?1000h")
    assert written.count(b"No. 0") == 1, "the app wrote again what the picture had written"
    assert terminal.process.returncode == 0


def test_a_start_that_fails_gives_the_terminal_back(
    sandbox: SandboxControl, agent: Agent, tmp_path: Path
) -> None:
    add(sandbox, agent, 2)
    stage = ["-m", "tests.tui.app_stage", sandbox.base_url, agent.token, str(tmp_path)]
    with Terminal(stage) as terminal:
        terminal.until(lambda screen: "No. 0" in screen.display[2])
        terminal.press("q")
        terminal.finish()
    broken = (
        "import sys; from tests.tui import app_stage; sys.modules['tui.first_run'] = None;"
        f"sys.argv[1:] = {stage[2:]!r}; app_stage.main()"
    )
    with Terminal(["-c", broken]) as terminal:
        written = terminal.finish()
        assert termios.tcgetattr(terminal.descriptor) == terminal.settings
    assert terminal.process.returncode == 1
    assert (
        written.index(b"No. 0")
        < written.index(b"\x1b[?1049l")
        < written.index(b"ModuleNotFoundError")
    )
