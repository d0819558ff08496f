"""The whole program in a real terminal device, over the real sandbox: start, keys, hostile bytes, the end."""

from __future__ import annotations

import signal
import termios
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.widgets.stage import hostile_strings
from tests.widgets.terminal import ESCAPE, PATIENCE, Terminal, gutter_row
from tests.widgets.test_terminal_bytes import foreign

PROGRAM = ["-m", "tests.tui.app_stage"]


def mail(number: int, text: str = "plain") -> bytes:
    body = text.encode("utf-8", "surrogatepass")
    return (
        b"From: \"" + body.replace(b'"', b"").replace(b"\r", b"").replace(b"\n", b" ")
        + b"\" <bot@agents.example>\r\nSubject: No. %d " % number
        + body.replace(b"\r", b"").replace(b"\n", b" ")
        + b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body + b"\r\n"
    )  # fmt: skip


@pytest.fixture
def arguments(sandbox: SandboxControl, agent: Agent, tmp_path: Path) -> list[str]:
    return [*PROGRAM, sandbox.base_url, agent.token, str(tmp_path)]


def add(sandbox: SandboxControl, agent: Agent, count: int) -> None:
    for number in range(count):
        sandbox.add_mail(agent, mail(number), received_at=1_700_000_000 + number)


Opened = Callable[[int], AbstractContextManager[Terminal]]


@pytest.fixture
def opened(sandbox: SandboxControl, agent: Agent, arguments: list[str]) -> Opened:
    """The program in a terminal over so many mails, the list painted; the newest mail is on top."""

    @contextmanager
    def opened(count: int) -> Iterator[Terminal]:
        add(sandbox, agent, count)
        with Terminal(arguments) as terminal:
            terminal.until(lambda screen: "No. 0" in screen.display[count])
            terminal.painted()
            assert gutter_row(terminal.screen) == 1
            yield terminal

    return opened


def leave(terminal: Terminal) -> bytes:
    """Quit from the message list; everything that was written."""
    terminal.press("q")
    written = terminal.finish()
    assert terminal.process.returncode == 0, written[-500:]
    return written


def test_start_move_open_and_quit(opened: Opened) -> None:
    with opened(5) as terminal:
        terminal.painted("j")
        assert gutter_row(terminal.screen) == 2
        terminal.press("\r")
        terminal.until(lambda screen: "No. 3 plain" in screen.display[1])
        terminal.painted("q")
        assert gutter_row(terminal.screen) == 2
        written = leave(terminal)
    assert b"\x1b[?1049l" in written
    assert b"Traceback" not in written


def test_keys_typed_before_the_first_frame_are_kept(opened: Opened, arguments: list[str]) -> None:
    with opened(5) as terminal:
        leave(terminal)
    with Terminal(arguments) as terminal:
        terminal.press("jj/No. 2\r")
        terminal.until(lambda screen: "1 found" in screen.display[1])
        terminal.painted()
        assert "No. 2 plain" in terminal.screen.display[2]
        leave(terminal)


def test_hostile_mail_writes_nothing_but_our_own_sequences(
    sandbox: SandboxControl, agent: Agent, arguments: list[str]
) -> None:
    texts = [text.replace("\ud800", "?") for _, text in hostile_strings()]
    for number, text in enumerate(texts):
        sandbox.add_mail(
            agent, mail(number, text), labels=[text[:64]] if text.strip() else [],
            received_at=1_700_000_000 + number,
        )  # fmt: skip
    with Terminal(arguments, 140, 40) as terminal:
        terminal.until(lambda screen: f"Inbox {len(texts)}" in screen.display[0])
        terminal.press("\r")
        for _ in texts:
            terminal.press("J")
            terminal.read(0.05)
        for keys in ("g", "r", "q", "h", "l", ESCAPE, "d", ESCAPE, "/", "x", ESCAPE):
            terminal.painted(keys)
        written = leave(terminal)
    assert foreign(written) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=["SIGHUP", "SIGTERM"])
def test_a_signal_leaves_in_time_and_gives_the_terminal_back(
    opened: Opened, number: signal.Signals
) -> None:
    with opened(3) as terminal:
        terminal.press("\r")
        terminal.until(lambda screen: "No. 2" in screen.display[1])
        terminal.process.send_signal(number)
        written = terminal.finish()
    assert terminal.process.returncode == 128 + number
    assert b"\x1b[?1049l" in written
    assert b"Traceback" not in written


def test_a_continue_signal_starts_no_second_pair_of_terminal_threads(opened: Opened) -> None:
    with opened(3) as terminal:
        seen = len(terminal.written)
        terminal.process.send_signal(signal.SIGCONT)
        terminal.painted("j")
        assert gutter_row(terminal.screen) == 2
        assert b"\x1b[?1049h" not in terminal.written[seen:]
        leave(terminal)


def test_a_closed_terminal_ends_the_program_and_loses_no_change(
    opened: Opened, arguments: list[str]
) -> None:
    with opened(3) as terminal:
        terminal.press("e")
        terminal.until(lambda screen: "Inbox 2" in screen.display[0])
        terminal.hang_up()
        terminal.process.wait(PATIENCE)
    with Terminal(arguments) as again:
        again.until(lambda screen: "Inbox 2" in screen.display[0])
        leave(again)


def test_redraw_writes_again_what_something_else_has_written_over(opened: Opened) -> None:
    with opened(3) as terminal:
        terminal.screen.erase_in_display(2)
        terminal.painted("\x0c")
        assert "No. 0" in terminal.screen.display[3]
        assert gutter_row(terminal.screen) == 1
        leave(terminal)


def test_idle_after_the_first_sync_writes_nothing(opened: Opened) -> None:
    with opened(3) as terminal:
        terminal.until(lambda screen: "synced" in screen.display[0])
        terminal.painted()
        assert terminal.read(1.5) == b""
        leave(terminal)


OVER_A_FAKE = """
import ctypes, sys
from pathlib import Path
from tests.fakes.fake_engine import FakeEngine
from tests.fakes.rows import sample_rows
from tests.tui.app_stage import real_app
from tui.app import run
from tui.screens.mail import MailScreen

def opened(self, message):
    {what}

MailScreen.on_message_opened = opened
folder = Path(sys.argv[1])
app = real_app(lambda post: FakeEngine(post, sample_rows().rows), crash_folder=folder)
raise SystemExit(run(app, folder))
"""


def test_a_crash_gives_the_terminal_back_and_prints_no_values(tmp_path: Path) -> None:
    failing = "secret = 'sk-123 mail text'; raise KeyError(secret)"
    with Terminal(["-c", OVER_A_FAKE.format(what=failing), str(tmp_path)]) as terminal:
        terminal.until(lambda screen: "Inbox 8" in screen.display[0])
        terminal.press("\r")
        written = terminal.finish()
    assert terminal.process.returncode == 1
    left = written.index(b"\x1b[?1049l")
    assert b"Report without mail text" in written[left:]
    assert b"Traceback" not in written
    assert b"sk-123" not in written
    (report,) = tmp_path.glob("crash-*.txt")
    assert "sk-123" not in report.read_text()


def test_a_program_that_cannot_close_gives_the_terminal_back_when_it_is_ended(
    tmp_path: Path,
) -> None:
    # A lock of the C library that is taken twice: no signal is ever handled by this thread again.
    hanging = """lock = ctypes.create_string_buffer(64); take = ctypes.CDLL(None).pthread_mutex_lock
    take(lock); self.app._driver.write('HANGS'); take(lock)"""
    with Terminal(["-c", OVER_A_FAKE.format(what=hanging), str(tmp_path)]) as terminal:
        terminal.until(lambda screen: "Inbox 8" in screen.display[0])
        terminal.press("\r")
        terminal.until(lambda _: b"HANGS" in terminal.written)
        terminal.process.send_signal(signal.SIGTERM)
        written = terminal.finish()
        assert termios.tcgetattr(terminal.descriptor) == terminal.settings
    assert terminal.process.returncode == 128 + signal.SIGTERM
    left = written.index(b"\x1b[?1049l")
    for mode in (1000, 1003, 2004):
        assert b"\x1b[?%dl" % mode in written[:left]
    assert written.endswith(b"\x1b[?25h")
