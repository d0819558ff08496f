"""Ctrl+Z and `fg`, with a shell that knows jobs and with none."""

from __future__ import annotations

from tests.tui.app_stage import Stage, press, text_of, until
from tests.widgets.terminal import Terminal

MODES = ("?1049", "?1000", "?1004", "?2004")
"""The other screen, mouse, focus and bracketed paste."""
STAGE = "tests.tui.compose_stage"


def test_the_shell_gets_its_terminal_and_fg_brings_the_app_back_whole() -> None:
    with Terminal(["-m", "tests.tui.job_shell", STAGE]) as terminal:
        terminal.until(lambda screen: "read" in screen.display[-1])
        before = list(terminal.screen.display)
        terminal.painted()
        start = len(terminal.written)
        terminal.press("\x1a")
        terminal.until(lambda _: b"STOPPED 1" in terminal.written)
        left = terminal.written[start:].decode()
        assert "STOPPED 1 cooked" in left
        assert all(f"\x1b[{mode}l" in left for mode in MODES)
        start = len(terminal.written)
        terminal.press("fg\n")
        terminal.until(lambda screen: list(screen.display) == before)
        terminal.painted()
        again = terminal.written[start:].decode()
        assert all(f"\x1b[{mode}h" in again for mode in MODES)
        terminal.painted("j")
        terminal.press("q")
        terminal.finish()
        assert terminal.process.returncode == 0


def test_behind_another_job_it_stops_again_and_can_still_be_brought_back() -> None:
    with Terminal(["-m", "tests.tui.job_shell", STAGE]) as terminal:
        terminal.until(lambda screen: "read" in screen.display[-1])
        terminal.painted()
        terminal.press("\x1a")
        terminal.until(lambda _: b"STOPPED 1" in terminal.written)
        terminal.press("bg\n")
        terminal.until(lambda _: b"STOPPED 2 cooked" in terminal.written)
        terminal.press("fg\n")
        terminal.until(lambda screen: "read" in screen.display[-1])
        terminal.painted("j")


def test_without_a_shell_it_goes_on_and_says_so() -> None:
    with Terminal(["-m", STAGE]) as terminal:
        terminal.until(lambda screen: "read" in screen.display[-1])
        terminal.press("\x1a")
        terminal.until(lambda screen: "no shell" in screen.display[0])
        terminal.painted("j")


async def test_a_screen_beside_the_mail_says_it_too() -> None:
    stage = Stage()
    async with stage.app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "g", "O", "ctrl+z")
        await until(pilot, lambda: "no shell" in text_of(stage.app))
