"""The board of files on their way: what is told, how often, and what a row says of its speed."""

from __future__ import annotations

import pytest

from services.attachments.board import Board, Speed
from services.errors import MailError
from services.events import Event
from services.safe_text import ui
from services.transfer_events import TransferMoved
from services.transfer_models import Direction, TransferAbout, TransferRow, TransferState

MB = 1_000_000


class Ticks:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def told() -> list[TransferRow]:
    return []


@pytest.fixture
def board(ticks: Ticks, told: list[TransferRow]) -> Board:
    def emit(event: Event) -> None:
        assert isinstance(event, TransferMoved)
        told.append(event.row)

    return Board(emit, clock=ticks, monotonic=ticks, longest=5)


def about(number: int = 1, **more: object) -> TransferAbout:
    return TransferAbout(f"up/{number}", Direction.UP, ui("a.bin"), **more)  # type: ignore[arg-type]


def test_a_thousand_pieces_within_a_second_are_told_a_few_times(
    board: Board, ticks: Ticks, told: list[TransferRow]
) -> None:
    entry = board.begin(about())
    for done in range(1_000):
        ticks.now += 0.001
        entry.moved(TransferState.UPLOADING, done * 1_000, MB)
    entry.finished(sha256="ab")
    assert 6 <= len(told) <= 9
    assert [row.state for row in (told[0], told[1], told[-1])] == [
        TransferState.QUEUED, TransferState.UPLOADING, TransferState.DONE,
    ]  # fmt: skip
    assert (told[-1].percent, told[-1].sha256) == (100, "ab")


def test_a_speed_is_that_of_the_last_seconds(ticks: Ticks) -> None:
    speed = Speed(ticks)
    assert speed.take(0) == 0
    done = 0
    for _ in range(100):
        ticks.now += 0.1
        done += MB
        fast = speed.take(done)
    assert fast == pytest.approx(10 * MB, rel=0.1)
    for _ in range(100):
        ticks.now += 0.1
        done += MB // 100
        slow = speed.take(done)
    assert slow == pytest.approx(MB // 10, rel=0.1)
    assert speed.take(0) == 0, "it began again"


def test_how_long_it_takes_is_told_only_when_it_can_be_known(board: Board, ticks: Ticks) -> None:
    entry = board.begin(about(total=10 * MB))
    assert entry.row.seconds_left is None
    for done in (0, 1, 2):
        entry.moved(TransferState.UPLOADING, done * MB, 10 * MB)
        ticks.now += 1
    assert entry.row.seconds_left == 8
    entry.failed(MailError("It broke.", "Try again."))
    assert (entry.row.seconds_left, entry.row.speed) == (None, 0)
    assert entry.row.sentence == "It broke. Try again."


def test_what_is_over_stays_as_it_ended(board: Board, told: list[TransferRow]) -> None:
    entry = board.begin(about())
    entry.cancelled(ui("Nothing of it was kept."))
    entry.moved(TransferState.UPLOADING, 1, 2)
    entry.finished()
    assert told[-1].state is TransferState.CANCELLED
    assert len(told) == 2


def test_a_row_that_is_taken_up_again_is_one_row_and_the_old_report_is_silent(
    board: Board, told: list[TransferRow]
) -> None:
    old = board.begin(about())
    new = board.begin(about())
    count = len(told)
    old.failed(MailError("late"))
    assert len(told) == count
    new.moved(TransferState.SEALING, 0, 1)
    assert [row.state for row in board.rows] == [TransferState.SEALING]


def test_only_what_moves_is_given_up_and_only_what_ended_is_tried_again(board: Board) -> None:
    calls: list[str] = []
    entry = board.begin(
        about(cancel=lambda: calls.append("cancel"), retry=lambda: calls.append("retry"))
    )
    assert not board.retry("up/1")
    board.cancel("up/1")
    entry.cancelled()
    board.cancel("up/1")
    board.cancel("nobody")
    assert board.retry("up/1")
    assert calls == ["cancel", "retry"]
    done = board.begin(about(2, retry=lambda: calls.append("retry")))
    done.finished()
    assert not board.retry("up/2")


def test_what_moves_comes_first_and_the_oldest_that_is_over_goes(board: Board) -> None:
    for number in range(1, 8):
        entry = board.begin(about(number))
        if number != 1:
            entry.finished()
    assert [row.transfer_id for row in board.rows] == ["up/1", "up/7", "up/6", "up/5", "up/4"]
    board.forget()
    assert [row.transfer_id for row in board.rows] == ["up/1"]
    for number in range(10, 20):
        board.begin(about(number))
    assert len(board.rows) == 11, "what moves is never dropped"
