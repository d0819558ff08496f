"""Saving attachments by keyboard: the real app on the real engine over the real sandbox.

The encrypted mail comes from another agent, sent through the gate.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from services.api.assmbl import AssmblClient
from services.crypto.own import OwnKey
from services.keys.keychain import Keychain
from services.outbound.gate.gate import Gate
from services.outbound.gate.policy import Sender
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import Deliver, SandboxControl
from tests.fakes import sending
from tests.tui.app_stage import (
    Clock,
    mail_screen,
    press,
    real_app,
    real_profile,
    rows_of,
    text_of,
    until,
)
from tests.widgets.stage import settled
from tui.app import AgentMailApp
from tui.bridge import engine_for
from tui.profile import Profile

SIZE = (100, 30)
PASSPHRASE = "correct horse"
REPORT = bytes(range(256)) * 2_000
TEXT = "The report is attached, numbers in column F."


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return OwnKey.generate("B", "b@agents.example.com", Secret(PASSPHRASE), bits=2048)


@pytest.fixture
def profile(sandbox: SandboxControl, agent: Agent, key: OwnKey, tmp_path: Path) -> Profile:
    """The account of the operator, who has a locked key."""
    profile = real_profile(sandbox.base_url, agent.token, tmp_path)
    profile.keychain().own_keys.keep(key)
    return profile


@pytest.fixture
def app(profile: Profile) -> AgentMailApp:
    return real_app(engine_for(profile))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "saved files"
    made.mkdir()
    return made


@pytest.fixture
async def sender(sandbox: SandboxControl, tmp_path: Path) -> AsyncIterator[Gate]:
    """The gate of another agent."""
    agent = sandbox.new_agent()
    client = AssmblClient(sandbox.base_url, agent.token, "agents.example.com")
    keys = Keychain(
        key_folder=tmp_path / "others", account_folder=tmp_path / "other", address=agent.address
    )
    keys.connect(client)
    yield Gate.of(client, keys, Sender("other", agent.address, "agents.example.com"))
    await client.aclose()
    sandbox.remove_agent(agent)


@pytest.fixture
async def sealed_mail(
    sandbox: SandboxControl, agent: Agent, key: OwnKey, sender: Gate, tmp_path: Path
) -> None:
    """An encrypted mail with an encrypted file lies in the mailbox."""
    body = {
        "public_key": key.spki_pem(),
        "algorithm": "RSA",
        "key_version": 1,
        "openpgp_public_key": key.public_block(),
    }
    sandbox.call(agent, "POST", "/directory/register", body)
    path = tmp_path / "report.pdf"
    path.write_bytes(REPORT)
    draft = sending.written(agent.address, "Quarterly report", TEXT, sealed=True, files=(path,))
    await sending.deliver(sender, draft, tmp_path / "spool")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def reading(pilot: Pilot[int], app: AgentMailApp) -> None:
    """Open the one message."""
    await until(pilot, lambda: mail_screen(app).panes.messages.count == 1)
    await until(pilot, lambda: "synced" in rows_of(app)[0])
    await press(pilot, "enter")


async def in_dialog(pilot: Pilot[int], app: AgentMailApp, title: str) -> None:
    await until(pilot, lambda: title in text_of(app))
    await until(pilot, lambda: getattr(app.screen, "armed", False))


async def choose_folder(pilot: Pilot[int], app: AgentMailApp, folder: Path) -> None:
    await in_dialog(pilot, app, "Save in a folder")
    app.screen.query_one(Input).value = str(folder)
    await settled(app)


async def test_an_encrypted_mail_from_another_agent_is_read_and_its_file_saved(
    app: AgentMailApp, sealed_mail: None, folder: Path
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app)
        await in_dialog(pilot, app, "Unlock your key")
        await press(pilot, *PASSPHRASE.replace(" ", "~"))
        app.screen.query_one(Input).value = PASSPHRASE
        await press(pilot, "enter")
        await until(pilot, lambda: TEXT in text_of(app))
        await press(pilot, "S")
        await choose_folder(pilot, app, folder)
        assert "It is decrypted on the way to the disk." in text_of(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "Decrypted and saved as" in text_of(app))
        assert (folder / "report.pdf").read_bytes() == REPORT
        assert names(folder) == ["report.pdf"]
    app.wait_stopped()


async def test_a_locked_key_is_asked_for_and_saving_goes_on_by_itself(
    app: AgentMailApp, sealed_mail: None, folder: Path
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app)
        await in_dialog(pilot, app, "Unlock your key")
        await press(pilot, "escape")
        await press(pilot, "S")
        await choose_folder(pilot, app, folder)
        await press(pilot, "enter")
        await in_dialog(pilot, app, "Unlock your key")
        assert names(folder) == []
        app.screen.query_one(Input).value = PASSPHRASE
        await press(pilot, "enter")
        await until(pilot, lambda: (folder / "report.pdf").exists())
        assert (folder / "report.pdf").read_bytes() == REPORT
    app.wait_stopped()


async def test_an_encrypted_file_can_be_kept_as_it_is(
    app: AgentMailApp, sealed_mail: None, folder: Path
) -> None:
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app)
        await in_dialog(pilot, app, "Unlock your key")
        await press(pilot, "escape", "S")
        await choose_folder(pilot, app, folder)
        await press(pilot, "ctrl+e")
        await until(pilot, lambda: "It stays encrypted." in text_of(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "still encrypted" in text_of(app))
        kept = (folder / "report.pdf.asc").read_bytes()
        assert kept.startswith(b"-----BEGIN PGP MESSAGE-----")
    app.wait_stopped()


async def test_one_of_several_files_is_chosen_and_the_folder_completed_by_tab(
    app: AgentMailApp, deliver: Deliver, folder: Path
) -> None:  # fmt: skip
    deliver(("one.txt", b"1", "text/plain"), ("two.txt", b"2", "text/plain"))
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app)
        await until(pilot, lambda: "two.txt" in text_of(app))
        await press(pilot, "S")
        await in_dialog(pilot, app, "All 2 files")
        app.screen.query_one(Input).value = str(folder)[:-4]
        await press(pilot, "tab")
        await until(pilot, lambda: app.screen.query_one(Input).value == f"{folder}/")
        await press(pilot, "down", "down", "enter")
        await until(pilot, lambda: "Saved as" in text_of(app))
        assert names(folder) == ["two.txt"]
        await press(pilot, "S")
        await in_dialog(pilot, app, "All 2 files")
        assert app.screen.query_one(Input).value == f"{folder}/"
        await press(pilot, "enter")
        await until(pilot, lambda: "Saved 2 files in" in text_of(app))
        assert names(folder) == ["one.txt", "two (2).txt", "two.txt"]
    app.wait_stopped()


async def test_keys_typed_ahead_of_the_question_save_nothing(
    profile: Profile, deliver: Deliver
) -> None:  # fmt: skip
    deliver(("one.txt", b"1", "text/plain"))
    # Its clock stands still: however long the machine takes, the key comes ahead of the question.
    app = real_app(engine_for(profile), monotonic=Clock())
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app)
        await until(pilot, lambda: "one.txt" in text_of(app))
        await press(pilot, "S", "enter")
        assert "Save in a folder" in text_of(app)
        assert not (Path.home() / "Downloads").exists()
        await press(pilot, "escape")
    app.wait_stopped()


async def test_progress_stands_in_the_row_of_the_file_and_saving_can_be_given_up(
    app: AgentMailApp, deliver: Deliver, folder: Path, sandbox: SandboxControl
) -> None:  # fmt: skip
    deliver(("large.bin", bytes(500_000), "application/octet-stream"))
    # It would take almost a minute: no machine is too slow to give it up before.
    sandbox.fault("slow_drip", operation="s3_download", seconds=0.05, size=500)
    async with app.run_test(size=SIZE) as pilot:
        await reading(pilot, app)
        await until(pilot, lambda: "large.bin" in text_of(app))
        await press(pilot, "S")
        await choose_folder(pilot, app, folder)
        await press(pilot, "enter")
        await until(pilot, lambda: any("large.bin" in r and "%" in r for r in rows_of(app)))
        await press(pilot, "g", "x")
        await until(pilot, lambda: "Saving was cancelled." in text_of(app))
        assert not any("large.bin" in r and "%" in r for r in rows_of(app))
        assert names(folder) == []
    app.wait_stopped()


async def test_a_folder_that_is_none_is_told(
    app: AgentMailApp, deliver: Deliver, folder: Path
) -> None:  # fmt: skip
    deliver(("one.txt", b"1", "text/plain"))
    async with app.run_test(size=SIZE, notifications=True) as pilot:
        await reading(pilot, app)
        await until(pilot, lambda: "one.txt" in text_of(app))
        await press(pilot, "S")
        await choose_folder(pilot, app, folder / "nowhere")
        await press(pilot, "enter")
        await until(pilot, lambda: "There is no such folder." in text_of(app))
    app.wait_stopped()
