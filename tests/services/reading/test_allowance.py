"""A child's time: its own counts, that of a busy machine hardly does."""

from __future__ import annotations

import os

import pytest

from services.reading.allowance import Allowance, TooSlow, own_seconds


class FakeMachine:
    """A wall clock, and a child that gets to run on it when told."""

    def __init__(self, own: float | None = 7.0) -> None:
        self.now = 100.0
        self.own = own

    def allowance(self, seconds: float = 2.0, longest: float = 20.0) -> Allowance:
        return Allowance(seconds, longest, lambda: self.own, lambda: self.now)

    def runs(self, seconds: float) -> None:
        assert self.own is not None
        self.own += seconds


def test_a_child_that_hardly_gets_to_run_is_waited_for() -> None:
    machine = FakeMachine()
    allowance = machine.allowance()
    for _ in range(9):
        assert 0 < allowance.left() <= 2
        machine.now += 2
        machine.runs(0.1)
    assert allowance.left() == pytest.approx(1.1)


def test_a_child_that_runs_all_the_time_has_its_seconds_and_no_more() -> None:
    machine = FakeMachine()
    allowance = machine.allowance()
    machine.runs(1.5)
    machine.now += 2
    assert allowance.left() == pytest.approx(0.5)
    machine.runs(0.5)
    machine.now += 0.5
    with pytest.raises(TooSlow):
        allowance.left()


def test_a_child_that_does_nothing_is_not_waited_for_without_end() -> None:
    machine = FakeMachine()
    allowance = machine.allowance()
    machine.now += 19.9
    assert allowance.left() > 0
    machine.now += 2
    with pytest.raises(TooSlow):
        allowance.left()


def test_where_nobody_tells_its_own_time_that_of_the_wall_clock_counts() -> None:
    machine = FakeMachine(own=None)
    allowance = machine.allowance()
    machine.now += 1.5
    assert allowance.left() == pytest.approx(0.5)
    machine.now += 0.5
    with pytest.raises(TooSlow):
        allowance.left()


def test_the_time_of_a_process_is_known_while_it_is_there() -> None:
    assert own_seconds(os.getpid()) is not None
    assert own_seconds(2**22 + 1) is None
