"""Fixtures of the /v0 tests: an organization of one's own in the session's sandbox, and clients.

api_v0  a plain HTTP client with that key, at `…/v0/`
sdk     the official SDK with that key
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from agentmail import AgentMail

from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, client_of


@pytest.fixture
def api_v0(v0: V0Control, org: Org) -> Iterator[httpx.Client]:
    """A plain HTTP client of the organization."""
    with v0.client(org.key) as client:
        yield client


@pytest.fixture
def sdk(v0: V0Control, org: Org) -> AgentMail:
    """The SDK as its users make it, at our address."""
    return client_of(v0, org.key)
