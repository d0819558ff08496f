"""A forward with the files of its message, by keyboard: the real app, engine and sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

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
from tui.screens.compose import ComposeScreen
from tui.screens.review import ReviewScreen

SIZE = (100, 30)
SMALL = ("one.txt", b"1" * 2_000, "text/plain")
LARGE = ("disk image.bin", os.urandom(400_000), "application/octet-stream")


@pytest.fixture
def app(sandbox: SandboxControl, agent: Agent, tmp_path: Path) -> AgentMailApp:
    return real_app(engine_for(real_profile(sandbox.base_url, agent.token, tmp_path)))


async def forwards(pilot: Pilot[int], app: AgentMailApp) -> None:
    """Open the one message and send it on."""
    await until(pilot, lambda: mail_screen(app).panes.messages.count == 1)
    await until(pilot, lambda: "synced" in rows_of(app)[0])
    await press(pilot, "enter")
    await until(pilot, lambda: "See the files." in text_of(app))
    await press(pilot, "f")
    await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and bool(app.screen.draft))


async def to_review(pilot: Pilot[int], app: AgentMailApp, to: str) -> None:
    """Say who gets it and ask for the review."""
    await press(pilot, *to, "ctrl+x")


def row_with(app: AgentMailApp, *words: str) -> str:
    return next((row for row in rows_of(app) if all(word in row for word in words)), "")


def carried(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("carried/*/*/*") if path.is_file()]


async def test_the_rows_tell_how_far_the_files_are_and_the_review_waits_for_them(
    app: AgentMailApp, sandbox: SandboxControl, deliver: Deliver, other: Agent
) -> None:  # fmt: skip
    deliver(SMALL, LARGE)
    sandbox.fault("slow_drip", operation="s3_download", seconds=5, size=4_000, times=None)
    async with app.run_test(size=SIZE) as pilot:
        await forwards(pilot, app)
        await until(pilot, lambda: bool(row_with(app, "disk image.bin", "fetching", "%")))
        await until(pilot, lambda: bool(row_with(app, "one.txt", "2.0 KB")))
        await to_review(pilot, app, other.address)
        await until(pilot, lambda: "disk image.bin is still being fetched" in text_of(app))
        assert isinstance(app.screen, ComposeScreen)
        sandbox.reset()
        await until(pilot, lambda: bool(row_with(app, "disk image.bin", "400 KB")))
        await press(pilot, "ctrl+x")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        await until(pilot, lambda: "Ctrl+X send" in text_of(app))
        assert "disk image.bin" in text_of(app)


async def test_what_did_not_come_is_told_with_what_to_do_and_fetched_again_by_key(
    app: AgentMailApp, sandbox: SandboxControl, deliver: Deliver, tmp_path: Path
) -> None:  # fmt: skip
    deliver(LARGE)
    sandbox.fault("status", operation="get_inbound_attachment_status", status=404, times=None)
    async with app.run_test(size=SIZE) as pilot:
        await forwards(pilot, app)
        await until(pilot, lambda: "disk image.bin was not fetched" in text_of(app))
        assert row_with(app, "disk image.bin", "not fetched")
        sandbox.reset()
        screen = app.screen
        assert isinstance(screen, ComposeScreen)
        screen.set_focus(screen.files)
        await press(pilot, "r")
        await until(pilot, lambda: bool(row_with(app, "disk image.bin", "400 KB")))
        assert [path.read_bytes() for path in carried(tmp_path)] == [LARGE[1]]
        await press(pilot, "delete")
        await until(pilot, lambda: not carried(tmp_path))


async def test_a_forward_that_nobody_touched_leaves_no_files(
    app: AgentMailApp, deliver: Deliver, tmp_path: Path
) -> None:  # fmt: skip
    deliver(SMALL)
    async with app.run_test(size=SIZE) as pilot:
        await forwards(pilot, app)
        await until(pilot, lambda: len(carried(tmp_path)) == 1)
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, ComposeScreen))
        await until(pilot, lambda: not carried(tmp_path))
