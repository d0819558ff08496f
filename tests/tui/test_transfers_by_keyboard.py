"""The Transfers screen by keyboard: the real app on the real engine over the real sandbox."""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from services.sandbox.records import Agent
from tests.conftest import Deliver, SandboxControl
from tests.tui.app_stage import (
    mail_screen,
    press,
    real_app,
    real_profile,
    rows_of,
    text_of,
    until,
)
from tui.app import AgentMailApp
from tui.bridge import engine_for

SIZE = (100, 30)
LARGE = os.urandom(400_000)


@pytest.fixture
def app(sandbox: SandboxControl, agent: Agent, tmp_path: Path) -> AgentMailApp:
    return real_app(engine_for(real_profile(sandbox.base_url, agent.token, tmp_path)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "saved files"
    made.mkdir()
    return made


async def reading(pilot: Pilot[int], app: AgentMailApp, shown: str) -> None:
    """Open the one message."""
    await until(pilot, lambda: mail_screen(app).panes.messages.count == 1)
    await until(pilot, lambda: "synced" in rows_of(app)[0])
    await press(pilot, "enter")
    await until(pilot, lambda: shown in text_of(app))


async def save(pilot: Pilot[int], app: AgentMailApp, folder: Path) -> None:
    """Save all files of the open message."""
    await press(pilot, "S")
    await until(pilot, lambda: "Save in a folder" in text_of(app))
    await until(pilot, lambda: getattr(app.screen, "armed", False))
    app.screen.query_one(Input).value = str(folder)
    await press(pilot, "enter")


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def row_with(app: AgentMailApp, *words: str) -> str:
    return next((row for row in rows_of(app) if all(word in row for word in words)), "")


async def test_a_chosen_attachment_is_what_the_question_starts_on(
    app: AgentMailApp, deliver: Deliver, folder: Path
) -> None:  # fmt: skip
    deliver(("one.txt", b"1", "text/plain"), ("two.txt", b"2", "text/plain"))
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app, "two.txt")
        await press(pilot, "tab", "down", "enter")
        await until(pilot, lambda: "Save in a folder" in text_of(app))
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        app.screen.query_one(Input).value = str(folder)
        await press(pilot, "enter")
        await until(pilot, lambda: (folder / "two.txt").exists())
        assert names(folder) == ["two.txt"]
    app.wait_stopped()


async def test_a_file_is_watched_given_up_fetched_again_and_hashed(
    app: AgentMailApp, deliver: Deliver, folder: Path, sandbox: SandboxControl
) -> None:  # fmt: skip
    deliver(("large.bin", LARGE, "application/octet-stream"))
    # It would take most of a minute: no machine is too slow to give it up before.
    sandbox.fault("slow_drip", operation="s3_download", seconds=0.05, size=500)
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app, "large.bin")
        await save(pilot, app, folder)
        await press(pilot, "g", "t")
        await until(pilot, lambda: "/s" in row_with(app, "large.bin", "fetching", "%", "400 KB"))
        await press(pilot, "r")
        await until(pilot, lambda: "This file is on its way." in text_of(app))
        await press(pilot, "x")
        await until(pilot, lambda: row_with(app, "large.bin", "given up", "Nothing of it"))
        assert names(folder) == []
        sandbox.clear_faults()
        await press(pilot, "r")
        await until(pilot, lambda: row_with(app, "large.bin", "saved", "Saved as"))
        await until(pilot, lambda: row_with(app, "SHA-256", sha256(LARGE).hexdigest()))
        assert (folder / "large.bin").read_bytes() == LARGE
        await press(pilot, "C")
        await until(pilot, lambda: "No file was saved or sent" in text_of(app))
        await press(pilot, "q")
        assert "large.bin" in text_of(app)
    app.wait_stopped()


async def test_a_file_that_cannot_be_had_says_why_in_its_row(
    app: AgentMailApp, deliver: Deliver, folder: Path, sandbox: SandboxControl
) -> None:  # fmt: skip
    deliver(("gone.bin", b"x" * 1_000, "application/octet-stream"))
    sandbox.fault("failed_attachments", times=None)
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await reading(pilot, app, "gone.bin")
        await save(pilot, app, folder)
        await press(pilot, "g", "t")
        await until(pilot, lambda: row_with(app, "gone.bin", "failed", "could not prepare"))
        await press(pilot, "enter")
        await until(pilot, lambda: "This file was not saved here." in text_of(app))
    app.wait_stopped()


async def test_a_saved_file_is_opened_only_after_a_question(
    app: AgentMailApp, deliver: Deliver, folder: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    seen = tmp_path / "opened"
    opener = tmp_path / "bin" / "xdg-open"
    opener.parent.mkdir()
    opener.write_text(f'#!/bin/sh\nprintf "%s|" "$1" "$AGENTMAIL_TOKEN" "$#" > {seen}.new\n'
                      f"mv {seen}.new {seen}\n")  # fmt: skip
    opener.chmod(opener.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{opener.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.setenv("AGENTMAIL_TOKEN", "canary")
    deliver(("a; touch x.txt", b"text", "text/plain"))
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app, "touch x.txt")
        await save(pilot, app, folder)
        await press(pilot, "g", "t")
        await until(pilot, lambda: row_with(app, "saved", "Saved as"))
        await press(pilot, "enter")
        await until(pilot, lambda: "with the desktop's own program?" in text_of(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "own program?" not in text_of(app))
        assert not seen.exists()
        await press(pilot, "o")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await press(pilot, "y")
        await until(pilot, lambda: "was handed to the desktop." in text_of(app))
        [name] = names(folder)
        assert seen.read_text() == f"{folder / name}||1|"
    app.wait_stopped()
