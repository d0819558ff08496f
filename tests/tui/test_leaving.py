"""Leaving, crash reports, the terminal's end."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import stat
import sys
import threading
from pathlib import Path

import pytest

from services.safe_text import ui
from tests.patience import PATIENCE
from tests.tui.app_stage import Stage, press
from tests.widgets.stage import Stage as WidgetStage
from tui import crash, hangup
from tui.leaving import Leaving
from widgets.query_line import QueryLine
from widgets.reader_pane import ReaderPane

SECRET = "mail text and a token: sk-123"


def failing(secret: str) -> None:
    hidden = secret * 2
    raise KeyError(hidden)


def caught() -> BaseException:
    try:
        failing(SECRET)
    except KeyError as error:
        return error
    raise AssertionError


def only_report(folder: Path) -> str:
    (report,) = folder.glob("crash-*.txt")
    return report.read_text()


def test_a_crash_report_holds_places_and_no_values(tmp_path: Path) -> None:
    path = crash.write_report(tmp_path / "state", caught())
    assert path is not None
    text = path.read_text()
    assert "builtins.KeyError" in text
    assert "in failing" in text
    assert "sk-123" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_crash_report_names_the_cause_too(tmp_path: Path) -> None:
    try:
        raise ValueError(SECRET) from caught()
    except ValueError as error:
        path = crash.write_report(tmp_path, error)
    assert path is not None
    assert "caused by builtins.KeyError" in path.read_text()


def test_a_report_that_cannot_be_written_is_no_second_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert crash.write_report(blocked, caught()) is None
    assert "no report could be written" in crash.sentence(None)


def test_old_reports_are_removed(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"crash-20200101-0000{number:02}-1.txt").write_text("old")
    crash.write_report(tmp_path, caught())
    assert len(list(tmp_path.glob("crash-*.txt"))) == crash.KEPT


async def test_an_error_of_the_app_ends_it_with_one_sentence_and_a_report(tmp_path: Path) -> None:
    stage = Stage(crash_folder=tmp_path)
    shown: list[object] = []
    stage.app._print_error_renderables = lambda: shown.extend(stage.app._exit_renderables)  # type: ignore[method-assign]
    try:
        async with stage.app.run_test() as pilot:
            await pilot.pause()
            stage.app.call_later(failing, SECRET)
            await asyncio.wait_for(stage.app._exception_event.wait(), PATIENCE)
    except KeyError:
        pass
    said = " ".join(str(one) for one in stage.app._exit_renderables) or " ".join(map(str, shown))
    assert "Report without mail text" in said
    assert "sk-123" not in said
    assert "sk-123" not in only_report(tmp_path)
    assert stage.app.return_code == 1


def test_hanging_up_saves_first_then_closes_and_then_ends_the_process() -> None:
    done: list[object] = []
    ended = threading.Event()

    def die(code: int) -> None:
        done.append(("die", code))
        ended.set()

    leaving = Leaving(
        lambda seconds: done.append(("save", seconds)),
        lambda code: done.append(("close", code)),
        die,
    )
    leaving.hang_up()
    leaving.hang_up()
    assert ended.wait(PATIENCE)
    assert done == [("save", 1.2), ("close", 129), ("die", 129)]


def test_an_app_that_closes_in_time_is_not_killed() -> None:
    died = threading.Event()
    closed = threading.Event()

    def close(_code: int) -> None:
        leaving.left()
        closed.set()

    leaving = Leaving(lambda _seconds: None, close, lambda _code: died.set())
    leaving.hang_up()
    assert closed.wait(PATIENCE)
    assert leaving._going is not None
    leaving._going.join(PATIENCE)
    assert not died.is_set()


def test_the_end_of_a_terminal_is_noticed_without_reading_from_it() -> None:
    gone = threading.Event()
    master, slave = os.openpty()
    hangup.watch(gone.set, slave)
    os.close(master)
    assert gone.wait(PATIENCE)
    os.close(slave)


async def test_the_engine_is_stopped_by_a_hang_up() -> None:
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await pilot.pause()
        stage.app.leaving._die = lambda _code: None
        stage.app.leaving.hang_up()
        assert stage.app.leaving._going is not None
        while stage.app.return_code is None:
            await pilot.pause(0.01)
    stage.app.leaving.left()
    assert stage.engine.stopped == 1
    assert stage.app.return_code == 128 + signal.SIGHUP


async def test_leaving_while_the_first_screen_is_completed_is_no_failure() -> None:
    parts = (ReaderPane(clock=lambda: 0.0, late=True), QueryLine(late=True))
    app = WidgetStage(*parts)
    async with app.run_test():
        app.exit()
        for part in parts:
            await part.fill()
    assert app.return_code == 0


async def test_events_after_leaving_are_dropped() -> None:
    stage = Stage()
    async with stage.app.run_test() as pilot:
        await press(pilot, "q")
    stage.app.wait_stopped()
    from services.events import Notice

    stage.engine.emit(Notice(ui("too late")))


@pytest.mark.parametrize(
    ("error", "reports"),
    [
        (OSError(errno.EIO, "Input/output error"), 0),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 0),
        (OSError(errno.ENOSPC, "No space left on device"), 1),
        (ValueError("anything"), 1),
    ],
    ids=["closed terminal", "closed pipe", "full disk", "our own"],
)
def test_a_thread_that_loses_the_terminal_leaves_no_crash_report_and_another_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, reports: int
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    crash.install(tmp_path)

    def fail() -> None:
        raise error

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert len(list(tmp_path.glob("crash-*.txt"))) == reports
