"""Fixtures of the /v0 tests: an organization of one's own in the session's sandbox, and clients.

v0      the running door with its test controls (v0_control.py)
org     a fresh organization: two inboxes, a key of everything
api_v0  a plain HTTP client with that key, at `…/v0/`
sdk     the official SDK with that key
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import httpx
import pytest
from agentmail import AgentMail

from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, client_of, seg

if TYPE_CHECKING:
    from tests.conftest import SandboxControl


@pytest.fixture
def v0(sandbox: SandboxControl) -> V0Control:
    """The session's door."""
    return V0Control(sandbox)


@pytest.fixture
def org(v0: V0Control) -> Iterator[Org]:
    """An organization of this test; its inboxes are gone after it."""
    made = v0.new_org()
    yield made
    with v0.client(made.key) as client:
        for inbox_id in (made.one, made.two):
            client.delete(f"inboxes/{seg(inbox_id)}")


@pytest.fixture
def api_v0(v0: V0Control, org: Org) -> Iterator[httpx.Client]:
    """A plain HTTP client of the organization."""
    with v0.client(org.key) as client:
        yield client


@pytest.fixture
def sdk(v0: V0Control, org: Org) -> AgentMail:
    """The SDK as its users make it, at our address."""
    return client_of(v0, org.key)
