"""The app on the real engine over the real sandbox: each key's effect on the server and on screen."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from services.sandbox.records import Agent
from tests.conftest import SandboxControl
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

SIZE = (80, 24)
SUBJECTS = ["oldest of three", "Quarterly numbers", "newest [/50% off] mail"]


def mail(subject: str, body: str = "Hello from the sandbox.\n") -> bytes:
    message = EmailMessage()
    message["From"] = "Ledger Agent <ledger@agents.example>"
    message["To"] = "ops@agents.example"
    message["Subject"] = subject
    message.set_content(body)
    return message.as_bytes()


@pytest.fixture
def mailbox(sandbox: SandboxControl, agent: Agent) -> list[str]:
    """Three messages, oldest first; returns their ids, newest first."""
    ids = [
        sandbox.add_mail(agent, mail(subject), received_at=1_700_000_000 + number, verified=True)
        for number, subject in enumerate(SUBJECTS)
    ]
    return ids[::-1]


@pytest.fixture
def app(sandbox: SandboxControl, agent: Agent, tmp_path: Path) -> AgentMailApp:
    return real_app(engine_for(real_profile(sandbox.base_url, agent.token, tmp_path)))


def on_server(sandbox: SandboxControl, agent: Agent) -> dict[str, dict[str, Any]]:
    page = sandbox.call(agent, "GET", "/inbox?include_archived=true")
    items = next(value for value in page.values() if isinstance(value, list))
    return {item["MessageID"]: item for item in items}


async def ready(pilot: Pilot[int], app: AgentMailApp, count: int = 3) -> None:
    await until(pilot, lambda: mail_screen(app).panes.messages.count == count)
    await until(pilot, lambda: "synced" in rows_of(app)[0])


Check = Callable[[dict[str, dict[str, Any]], list[str]], bool]


@pytest.mark.parametrize(
    ("keys", "check", "left"),
    [
        (["e"], lambda items, ids: items[ids[0]]["Archived"] is True, 2),
        (["x", "x", "e"], lambda items, ids: items[ids[1]]["Archived"] is True, 1),
        (["I"], lambda items, ids: items[ids[0]]["IsRead"] is True, 3),
        (
            ["j", "l", *"urgent", "enter"],
            lambda items, ids: items[ids[1]]["Labels"] == ["urgent"],
            3,
        ),
        (["enter"], lambda items, ids: items[ids[0]]["IsRead"] is True, 3),
    ],
    ids=["archive", "archive two", "mark read", "label", "open"],
)
async def test_a_key_changes_the_server_and_the_screen(
    sandbox: SandboxControl,
    agent: Agent,
    mailbox: list[str],
    app: AgentMailApp,
    keys: list[str],
    check: Check,
    left: int,
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
        await press(pilot, *keys)
        await until(pilot, lambda: check(on_server(sandbox, agent), mailbox))
        await until(pilot, lambda: mail_screen(app).panes.messages.count == left)
    app.wait_stopped()


async def test_undo_takes_an_archiving_back_on_the_server(
    sandbox: SandboxControl, agent: Agent, mailbox: list[str], app: AgentMailApp
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
        await press(pilot, "e")
        await until(pilot, lambda: on_server(sandbox, agent)[mailbox[0]]["Archived"])
        await press(pilot, "z")
        await until(pilot, lambda: not on_server(sandbox, agent)[mailbox[0]]["Archived"])
        await until(pilot, lambda: mail_screen(app).panes.messages.count == 3)
    app.wait_stopped()


async def test_a_confirmed_deletion_deletes_on_the_server(
    sandbox: SandboxControl, agent: Agent, mailbox: list[str], app: AgentMailApp
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
        await press(pilot, "d")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await press(pilot, "y")
        await until(pilot, lambda: mailbox[0] not in on_server(sandbox, agent))
        await until(pilot, lambda: mail_screen(app).panes.messages.count == 2)
    app.wait_stopped()


async def test_a_message_is_read_through_the_real_renderer(
    mailbox: list[str], app: AgentMailApp
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
        await press(pilot, "j", "enter")
        await until(pilot, lambda: "Quarterly numbers" in rows_of(app)[1])
        await until(pilot, lambda: "Hello from the sandbox." in text_of(app))
        await press(pilot, "g", "r")
        await until(pilot, lambda: "Subject: Quarterly numbers" in text_of(app))
    app.wait_stopped()


async def test_mail_that_arrives_is_there_after_a_refresh_and_the_cursor_stays(
    sandbox: SandboxControl, agent: Agent, mailbox: list[str], app: AgentMailApp
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
        await press(pilot, "j")
        sandbox.add_mail(agent, mail("fresh from the wire"), received_at=1_800_000_000)
        await press(pilot, "ctrl+r")
        await until(pilot, lambda: "fresh from the wire" in text_of(app))
        assert mail_screen(app).panes.messages.cursor_id == mailbox[1]
    app.wait_stopped()


async def test_the_server_s_own_search_is_shown_as_such(
    sandbox: SandboxControl, mailbox: list[str], app: AgentMailApp
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
        await press(pilot, "/", *"Quarterly", "ctrl+r")
        await until(pilot, lambda: "server results for “Quarterly” · 1 found" in text_of(app))
        await press(pilot, "escape", "escape")
        await until(pilot, lambda: mail_screen(app).panes.messages.count == 3)
    app.wait_stopped()


async def test_a_refused_change_is_rolled_back_and_told(
    sandbox: SandboxControl, agent: Agent, mailbox: list[str], app: AgentMailApp
) -> None:
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await ready(pilot, app)
        sandbox.call(agent, "DELETE", f"/messages/{mailbox[0]}")
        await press(pilot, "l", *"late", "enter")
        await until(pilot, lambda: "was deleted elsewhere" in rows_of(app)[0])
        await until(pilot, lambda: mail_screen(app).panes.messages.count == 2)
        assert "late" not in text_of(app)
    app.wait_stopped()


async def test_the_cached_list_is_there_when_the_server_is_not(
    sandbox: SandboxControl, agent: Agent, mailbox: list[str], app: AgentMailApp, tmp_path: Path
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app)
    app.wait_stopped()
    sandbox.fault("drop_before", agent, times=50)
    again = real_app(engine_for(real_profile(sandbox.base_url, agent.token, tmp_path)))
    async with again.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "Quarterly numbers" in text_of(again))
        await until(pilot, lambda: "offline since" in rows_of(again)[0])
        await press(pilot, "j", "j", "k")
        assert mail_screen(again).panes.messages.cursor_id == mailbox[1]
    again.wait_stopped()


async def test_a_refused_token_says_how_to_enter_another(
    sandbox: SandboxControl, tmp_path: Path
) -> None:
    app = real_app(engine_for(real_profile(sandbox.base_url, "wrong-token", tmp_path)))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await until(pilot, lambda: "Signed out." in text_of(app))
    app.wait_stopped()
