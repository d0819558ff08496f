"""What an agent tries to get hold of by attaching it: the program's own files never go along."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from services.paths import Paths
from tests.conftest import SandboxControl
from tests.tui.key_stage import Script

BOT = ("--from-agent", "bot")
CANARY = "own-secret-canary"


@pytest.fixture
def token(script: Script) -> Path:
    """A file of the program's own."""
    path = Paths.from_environment().data_dir / "tokens" / "canary"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(CANARY)
    return path


def uploads(sandbox: SandboxControl, script: Script) -> list[Any]:
    asked = [one["operation"] for one in sandbox.requests(script.agents["me"])]
    return [one for one in asked if one in ("send_mail", "request_attachment_upload")]


def mail(script: Script, *words: str) -> tuple[str, ...]:
    return ("--to", script.address("peer"), "--subject", "Report", "--body", "Done.", *words)


@pytest.mark.parametrize("way", ["the file", "its folder"])
def test_a_file_that_becomes_a_link_to_the_programs_own_does_not_go_along(
    script: Script, sandbox: SandboxControl, token: Path, tmp_path: Path, way: str
) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    file = folder / token.name
    file.write_text("harmless")
    kept = script.json("me", "draft", *mail(script, "--attach", str(file)), *BOT, code=3)
    file.unlink()
    if way == "the file":
        file.symlink_to(token)
    else:
        folder.rmdir()
        folder.symlink_to(token.parent)
    told = script.json("me", "send", "--draft", kept["id"], *BOT, code=7)
    assert "belongs to this program" in told["reason"]
    assert uploads(sandbox, script) == []


def test_what_was_kept_although_it_was_wrong_is_looked_at_before_it_goes(
    script: Script, sandbox: SandboxControl, token: Path
) -> None:
    words = ("--to", "no address", "--subject", "Report", "--attach", str(token))
    kept = script.json("me", "draft", *words, *BOT, code=2)["id"]
    script("me", "draft", "edit", kept, "--to", script.address("peer"), *BOT)
    script("me", "send", "--draft", kept, *BOT)
    assert uploads(sandbox, script) == []


@pytest.mark.parametrize("process", ["self", "its number"])
def test_the_environment_of_a_program_is_no_file_to_attach(script: Script, process: str) -> None:
    path = f"/proc/{os.getpid() if process == 'its number' else process}/environ"
    told = script.json("me", "draft", *mail(script, "--attach", path), *BOT, code=7)
    assert not told["sent"]


@pytest.mark.parametrize("way", ["straight", "by a link"])
def test_the_programs_own_files_are_no_text_either(
    script: Script, token: Path, tmp_path: Path, way: str
) -> None:
    path = token
    if way == "by a link":
        path = tmp_path / "text"
        path.symlink_to(token)
    words = ("--to", script.address("peer"), "--subject", "x", "--body-file", str(path))
    told = script.json("me", "draft", *words, *BOT, code=7)
    assert CANARY not in str(told)
