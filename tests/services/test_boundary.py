"""What nobody foresaw is told in a sentence, logged without the text of the error, and survived."""

from __future__ import annotations

import importlib
import logging
from pathlib import Path

import pytest

from services.boundary import Boundary
from services.errors import Offline
from services.events import Event, Notice, RequestFailed


def survive(error: Exception, request_id: int = 0) -> Event:
    told: list[Event] = []
    with Boundary(told.append)(request_id):
        raise error
    (event,) = told
    return event


def test_a_bug_is_told_and_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        event = survive(KeyError("secret mail text"))
    assert isinstance(event, Notice)
    assert "Something went wrong inside" in event.sentence
    assert "secret" not in f"{event.sentence} {event.next_step} {caplog.text}"
    assert "KeyError at test_boundary.py" in caplog.text


def test_whoever_asked_gets_the_answer() -> None:
    event = survive(Offline("No connection.", "It is tried again."), request_id=7)
    assert event == RequestFailed(7, event.sentence, event.next_step)
    assert (event.sentence, event.next_step) == ("No connection.", "It is tried again.")


def test_the_first_of_several_errors_is_told() -> None:
    event = survive(ExceptionGroup("both", [Offline("No connection."), KeyError()]))
    assert isinstance(event, Notice)
    assert event.sentence == "No connection."


def test_a_program_that_was_updated_while_it_runs_is_to_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "newer_half.py").write_text("from services.boundary import what_is_new\n")
    told: list[Event] = []
    with Boundary(told.append)():
        importlib.import_module("newer_half")
    (event,) = told
    assert isinstance(event, Notice)
    assert "cannot be loaded" in event.sentence
    assert "start it again" in event.next_step
