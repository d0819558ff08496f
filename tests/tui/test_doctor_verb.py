"""`doctor` looks at everything, changes nothing, prints no secret and never falls over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.cache.files import WriterLock
from services.config import Account, save_account
from services.paths import Paths
from services.redact import Secret
from services.sandbox.records import Agent
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tui.cli import run


@pytest.fixture
def paths(isolation: Path) -> Paths:
    return Paths.from_environment()


def examined(capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, Any]]:
    code = run(["doctor", "--json", *options])
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is (code == 0)
    return code, {check["name"]: check for check in told["checks"]}


def set_up(paths: Paths, sandbox: SandboxControl, token: str) -> Account:
    account = Account("work", "assmbl", sandbox.base_url, "agents.example.com")
    save_account(paths, account)
    SecretStore(paths).set_token(account, Secret(token), allow_file=True)
    return account


def test_without_an_account_nothing_is_broken(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    code, checks = examined(capsys)
    assert code == 0
    assert checks["account"]["state"] == "note"
    assert checks["keyring"]["state"] == "note"
    assert "--token-file" in checks["keyring"]["next_step"]
    assert not paths.config_dir.exists()
    assert not paths.data_dir.exists()


def test_a_working_account_is_fine_in_every_line(
    paths: Paths, sandbox: SandboxControl, agent: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(paths, sandbox, agent.token)
    code, checks = examined(capsys)
    assert code == 0
    assert list(checks) == [
        "versions", "terminal", "config dir", "data dir", "state dir", "keyring", "config",
        "account", "cache", "keys", "token", "service", "clock",
    ]  # fmt: skip
    assert "Connected: 0 unread" in checks["service"]["sentence"]
    assert checks["token"]["sentence"].startswith("Taken from the file.")
    assert run(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 13
    assert agent.token not in "".join(lines)


def test_a_clock_that_differs_is_told(
    paths: Paths, sandbox: SandboxControl, agent: Agent, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    from services.api import factory

    set_up(paths, sandbox, agent.token)
    real = factory.time.time
    monkeypatch.setattr(factory.time, "time", lambda: real() + 3_600)
    _, checks = examined(capsys)
    assert checks["clock"]["state"] == "note"
    assert "s ahead of the service" in checks["clock"]["sentence"]


def test_a_refused_token_is_broken_and_not_printed(
    paths: Paths, sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(paths, sandbox, "tok-canary-9d1f")
    code, checks = examined(capsys)
    assert code == 1
    assert "does not accept the token" in checks["service"]["sentence"]
    assert "tok-canary" not in json.dumps(checks)


def test_a_loose_folder_is_broken_with_the_command_that_repairs_it(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.data_dir.mkdir(parents=True)
    paths.data_dir.chmod(0o755)
    code, checks = examined(capsys)
    assert code == 1
    assert checks["data dir"]["next_step"] == f"Run: chmod 700 {paths.data_dir}"
    assert os.stat(paths.data_dir).st_mode & 0o777 == 0o755  # noqa: PTH116 - looked at, not changed


def test_a_broken_configuration_is_a_sentence(
    paths: Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    paths.config_dir.mkdir(parents=True, mode=0o700)
    paths.config_file.write_text("x = \x1b]0;t\x07")
    assert run(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "is not a TOML file" in out
    assert "\x1b" not in out


def test_an_unknown_profile_and_a_missing_token_are_broken(
    paths: Paths, sandbox: SandboxControl, capsys: pytest.CaptureFixture[str]
) -> None:
    save_account(paths, Account("work", "assmbl", sandbox.base_url))
    assert examined(capsys, "--profile", "home")[0] == 1
    code, checks = examined(capsys)
    assert code == 1
    assert checks["token"]["sentence"] == "No token is known."
    assert "service" not in checks


def test_a_cache_in_use_is_told(
    paths: Paths, sandbox: SandboxControl, agent: Agent, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up(paths, sandbox, agent.token)
    lock = WriterLock(paths.account_dir("work") / "mail.lock")
    assert "in use by a running" in examined(capsys)[1]["cache"]["sentence"]
    lock.release()
    assert "not in use" in examined(capsys)[1]["cache"]["sentence"]


def test_the_command_runs_without_a_home_and_without_textual(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom tui.cli import run\ncode = run(['doctor'])\n"
        "assert 'textual' not in sys.modules\nraise SystemExit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        env={"HOME": str(tmp_path / "none"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "No account is set up" in done.stdout
