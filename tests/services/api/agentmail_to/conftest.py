"""Fixtures of the client's tests: an organization of one's own at the sandbox's /v0 door.

client  the client of its first inbox; pauses between attempts take no time
asked   what the door was asked since the test began
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.api.agentmail_to.client import AgentMailToClient
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control

Asked = Callable[[], list[dict[str, Any]]]


@pytest.fixture
async def client(v0: V0Control, org: Org) -> AsyncIterator[AgentMailToClient]:
    """The client of the first inbox."""
    made = AgentMailToClient(v0.base_url, org.key, org.one, sleep=no_pause)
    yield made
    await made.aclose()


@pytest.fixture
def asked(v0: V0Control, org: Org) -> Asked:
    """Requests that came to the door: method, path as it came, operation, status."""
    assert org
    start = len(_seen(v0))
    return lambda: _seen(v0)[start:]


def _seen(v0: V0Control) -> list[dict[str, Any]]:
    return [told for told in v0.sandbox.requests() if told["door"] == "agentmail_to"]


async def no_pause(_: float) -> None:
    """Go on at once."""
