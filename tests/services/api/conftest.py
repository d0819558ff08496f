"""A client of the sandbox with a mailbox of its own, and a file to send."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import BinaryIO

import pytest
import trustme

from services.api.assmbl import AssmblClient
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeSleep


@pytest.fixture
async def client(sandbox: SandboxControl, agent: Agent) -> AsyncIterator[AssmblClient]:
    made = AssmblClient(sandbox.base_url, agent.token, "agents.example.com", sleep=FakeSleep())
    yield made
    await made.aclose()


@pytest.fixture
def document() -> Iterator[BinaryIO]:
    with tempfile.TemporaryFile() as file:
        file.write(os.urandom(300_000))
        yield file


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> trustme.CA:
    """An authority that this machine trusts, in the same way as the system's own."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    return made
