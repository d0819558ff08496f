"""L04: what was typed outlives the program, however it ends."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.tui.typing_kills import begin_writing, kept_in, killed, program, type_letters
from tests.widgets.terminal import Terminal

TEXT = "These words were typed just now"


@pytest.mark.timeout(300)
def test_twenty_kills_in_the_middle_of_typing_lose_two_seconds_at_most(disk: Path) -> None:
    runs = killed(disk, 20)
    assert all(run.is_prefix for run in runs)
    assert max(len(run.drafts) for run in runs) == 1
    assert max(run.lost_age for run in runs) <= 2.0, [run.lost_age for run in runs]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_loses_nothing_at_all(number: signal.Signals, disk: Path) -> None:
    with Terminal(program(disk)) as terminal:
        begin_writing(terminal)
        type_letters(terminal, TEXT)
        terminal.process.send_signal(number)
        terminal.finish()
        assert terminal.process.returncode == 128 + number
    (draft,) = kept_in(disk)
    assert draft.body == TEXT
    assert draft.to == ("research@agents.example.com",)


def test_a_terminal_that_is_closed_loses_nothing_and_ends_the_program(disk: Path) -> None:
    with Terminal(program(disk)) as terminal:
        begin_writing(terminal)
        type_letters(terminal, TEXT)
        terminal.hang_up()
        terminal.process.wait(PATIENCE)
    (draft,) = kept_in(disk)
    assert draft.body == TEXT


def test_quitting_in_the_middle_of_typing_asks_nothing_and_loses_nothing(disk: Path) -> None:
    with Terminal(program(disk)) as terminal:
        begin_writing(terminal)
        type_letters(terminal, TEXT)
        terminal.press("\x11")
        terminal.finish()
        assert terminal.process.returncode == 0
    (draft,) = kept_in(disk)
    assert draft.body == TEXT
