"""How tests of the verbs begin: accounts of the sandbox, documents handed in as an agent."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.conftest import SandboxControl
from tests.tui.key_stage import Script, set_up


@pytest.fixture
def script(
    sandbox: SandboxControl, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Script]:
    """Runs verbs as one of two accounts; their agents are removed after the test."""
    made = set_up(sandbox, capsys, tmp_path)
    yield made
    for agent in made.agents.values():
        sandbox.remove_agent(agent)


@pytest.fixture
def give(script: Script, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Hand a document in as an agent; returns exit code and the JSON object that came out."""

    def give(document: Any, *words: str, agent: str = "bot") -> tuple[int, dict[str, Any]]:
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
        name = ("--from-agent", agent) if agent else ()
        code, out, err = script("me", "draft", *name, "--stdin", "--json", *words)
        assert not err, err
        return code, json.loads(out)

    return give
