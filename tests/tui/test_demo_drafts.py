"""The demo's proposals and its draft are there when it opens, on the real engine and sandbox."""

from __future__ import annotations

from pathlib import Path

from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.tui.app_stage import press, real_app, real_profile, text_of, until
from tui.bridge import engine_for
from tui.demo.demo_drafts import furnish


async def test_the_demo_opens_with_three_proposals_and_a_draft(
    sandbox: SandboxControl, agent: Agent, tmp_path: Path
) -> None:
    profile = real_profile(sandbox.base_url, agent.token, tmp_path, agent.address)
    assert furnish(profile.folder, agent.address.partition("@")[2])
    app = real_app(engine_for(profile))
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, lambda: "synced" in text_of(app))
        await press(pilot, "g", "p")
        await until(pilot, lambda: "Waiting 3" in text_of(app))
        for agent_name in ("support", "ledger", "lead-gen"):
            assert agent_name in text_of(app)
        assert "first contact" in text_of(app)
        await until(pilot, lambda: "10 % off until Friday" in text_of(app))
        await press(pilot, "q", "g", "d")
        await until(pilot, lambda: "Supplier list, column F" in text_of(app))
    app.wait_stopped()


def test_a_demo_whose_folder_cannot_be_used_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "outbound").write_text("in the way")
    assert not furnish(tmp_path, "agents.example.com")
