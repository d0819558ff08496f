"""Engines over a folder of the test, and clients of the real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from services.api.assmbl import AssmblClient
from services.sync.pace import Pace
from tests.services.engine.engine_stage import BRISK, Run


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Starts engines, which are stopped after the test."""
    runs: list[Run] = []

    def start(provider: Any, pace: Pace = BRISK, **options: Any) -> Run:
        runs.append(Run(tmp_path / "account", provider, pace, **options))
        return runs[-1]

    yield start
    for one in runs:
        one.stop()


@pytest.fixture
def client(sandbox, agent):
    """What makes a client of the real service; the token may be another one."""
    return lambda token=agent.token: AssmblClient(sandbox.base_url, token, "agents.example.com")
