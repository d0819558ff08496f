"""AgentMail.to behind the gate: an office over the sandbox's own door, and a file to enclose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.v0_stage import V0Stage
from tests.services.sandbox.agentmail_to.v0_control import V0Control


@pytest.fixture
async def stage(sandbox: SandboxControl, tmp_path: Path, alice: Party) -> AsyncIterator[V0Stage]:
    """Alice oversees; the directory of keys is hers as well."""
    made = V0Stage(V0Control(sandbox), tmp_path / "swarm", alice.client, alice.address)
    yield made
    await made.close()


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_bytes(b"enclosed")
    return path
