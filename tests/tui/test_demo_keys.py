"""The demo's encrypted mail opens with the demo's passphrase, on the real engine and sandbox."""

from __future__ import annotations

from pathlib import Path

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
from tui.bridge import engine_for
from tui.demo.demo_keys import PASSPHRASE, furnish


async def test_the_demo_s_mail_opens_tells_its_signer_and_alarms_about_a_changed_key(
    sandbox: SandboxControl, agent: Agent, tmp_path: Path
) -> None:
    profile = real_profile(sandbox.base_url, agent.token, tmp_path, agent.address)
    whom = (agent.agent_id, agent.address, agent.token)
    assert furnish(sandbox.base_url, *whom, profile.keychain())
    app = real_app(engine_for(profile))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: mail_screen(app).panes.messages.count == 4)
        await until(pilot, lambda: "synced" in rows_of(app)[0])
        await press(pilot, "j", "j", "enter")
        await until(pilot, lambda: getattr(app.screen, "armed", False))
        await press(pilot, *PASSPHRASE, "enter")
        await until(pilot, lambda: "Invoice 4821 goes to the new account." in text_of(app))
        assert "signed by the sender's pinned key" in text_of(app)
        assert "some of the text is NOT encrypted" in text_of(app)
        await press(pilot, "J")
        await until(pilot, lambda: "not to your key" in text_of(app))
        await press(pilot, "g", "k")
        await until(pilot, lambda: "verified by voice" in text_of(app))
        await until(pilot, lambda: "the same key" in text_of(app))
        await press(pilot, "j", "r")
        await until(pilot, lambda: "KEY CHANGED: blocked" in text_of(app))
    app.wait_stopped()
    for name in ("research", "billing", "csv-worker"):
        sandbox.remove_agent(Agent(name, "", ""))
