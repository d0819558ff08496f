"""Amazon SES by keyboard: the real app, engine, outbox, boto3 and sandbox; written, chosen, sent, read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from email import message_from_string, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from textual.pilot import Pilot

from services.policy_config import Policy
from services.sandbox.records import Agent
from services.service_config import SesPlace
from tests.conftest import SandboxControl
from tests.services.ses.conftest import SesControl, credentials, door  # noqa: F401 - fixtures
from tests.tui.app_stage import (
    mail_screen,
    press,
    real_app,
    real_profile,
    rows_of,
    text_of,
    until,
)
from tests.tui.compose_stage import letters
from tui.app import AgentMailApp
from tui.bridge import engine_for
from tui.screens.compose import ComposeScreen
from tui.screens.review import ReviewScreen
from tui.screens.way_out import WayOutDialog

pytest.importorskip("boto3")
SIZE = (80, 24)
MARKDOWN = "**Order 42** is done."
Opens = Callable[[SesPlace | None], AgentMailApp]


@pytest.fixture
def place(agent: Agent, sandbox: SandboxControl, credentials: pytest.MonkeyPatch) -> SesPlace:  # noqa: F811
    return SesPlace(agent.address, sandbox.ses.region, sandbox.ses.url)


@pytest.fixture
def opens(sandbox: SandboxControl, agent: Agent, tmp_path: Path) -> Opens:
    def made(ses: SesPlace | None) -> AgentMailApp:
        profile = real_profile(sandbox.base_url, agent.token, tmp_path, agent.address)
        account = replace(profile.account, ses=ses, policy=Policy(undo_seconds=0))
        return real_app(engine_for(replace(profile, account=account)))

    return made


async def writes(pilot: Pilot[int], app: AgentMailApp, to: str) -> None:
    """Begin a mail and fill it in."""
    await until(pilot, lambda: "synced" in rows_of(app)[0])
    await press(pilot, "c")
    await until(pilot, lambda: isinstance(app.screen, ComposeScreen) and bool(app.screen.draft))
    screen = app.screen
    assert isinstance(screen, ComposeScreen)
    await press(pilot, *letters(to))
    screen.set_focus(screen.fields["subject"])
    await press(pilot, *letters("Order 42"), "enter", *letters(MARKDOWN))


async def chooses(pilot: Pilot[int], app: AgentMailApp, downs: int) -> None:
    """Open the choice of the way out and take one below the own service."""
    await press(pilot, "ctrl+g", "w")
    await until(pilot, lambda: isinstance(app.screen, WayOutDialog) and app.screen.armed)
    await until(pilot, lambda: "Amazon SES: plain text" in text_of(app))
    await press(pilot, *["down"] * downs, "enter")
    await until(pilot, lambda: isinstance(app.screen, ComposeScreen))


async def sends(pilot: Pilot[int], app: AgentMailApp) -> str:
    """Review and send; returns all that the review showed."""
    await press(pilot, "ctrl+x")
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and "digest" in text_of(app))
    seen = text_of(app)
    for _ in range(4):
        await press(pilot, "space")
        seen += text_of(app)
    await until(pilot, lambda: "Ctrl+X send" in text_of(app))
    await press(pilot, "ctrl+x")
    await until(pilot, lambda: not isinstance(app.screen, ReviewScreen))
    return seen


def arrived(sandbox: SandboxControl, agent: Agent) -> EmailMessage:
    item = sandbox.call(agent, "GET", "/inbox")["items"][0]
    raw = sandbox.call(agent, "GET", f"/messages/{item['MessageID']}")["raw_mime"]
    return message_from_string(raw, policy=policy.default)  # type: ignore[return-value]


async def test_markdown_is_written_reviewed_and_sent_by_ses_and_read_as_both(
    opens: Opens, place: SesPlace, other: Agent, sandbox: SandboxControl, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    app = opens(place)
    async with app.run_test(size=SIZE) as pilot:
        await writes(pilot, app, other.address)
        await chooses(pilot, app, 2)
        assert "by Amazon SES, Markdown" in text_of(app)
        seen = await sends(pilot, app)
        await until(pilot, lambda: bool(door.sent()))
    app.wait_stopped()
    assert f"Amazon SES as {place.identity}" in seen
    assert "Text part, Markdown as written, 1 line" in seen
    assert "<strong>Order 42</strong> is done." in seen
    mail = arrived(sandbox, other)
    assert mail.get_body(("plain",)).get_content().strip() == MARKDOWN  # type: ignore[union-attr]
    html = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<strong>Order 42</strong> is done." in html


async def test_what_ses_refuses_stands_in_the_outbox_with_its_next_step(
    opens: Opens, place: SesPlace, other: Agent, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    door.switch(daily=0)
    app = opens(place)
    async with app.run_test(size=SIZE) as pilot:
        await writes(pilot, app, other.address)
        await chooses(pilot, app, 1)
        await sends(pilot, app)
        await until(pilot, lambda: bool(door.asked()))
        await until(pilot, lambda: app.screen is mail_screen(app))
        await press(pilot, "g", "o")
        await until(pilot, lambda: "quota" in text_of(app))
        words = " ".join(text_of(app).split())
    app.wait_stopped()
    assert "daily sending quota of the SES account is used up" in words


async def test_without_a_table_the_mail_leaves_by_the_own_service_as_ever(
    opens: Opens, agent: Agent, other: Agent, sandbox: SandboxControl, door: SesControl  # noqa: F811
) -> None:  # fmt: skip
    app = opens(None)
    async with app.run_test(size=SIZE) as pilot:
        await writes(pilot, app, other.address)
        await press(pilot, "ctrl+g", "w")
        await until(pilot, lambda: "[accounts.main.ses]" in text_of(app))
        await press(pilot, "escape")
        await sends(pilot, app)
        await until(pilot, lambda: bool(sandbox.sent(agent)))
    app.wait_stopped()
    assert door.asked() == []
