"""Keys made by hand (Ed25519, at once) and operators on the real sandbox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from services.crypto.own import OwnKey
from services.redact import Secret
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person, person
from tests.fakes.operators import Operator, operator, own_key

PHRASE = "grüße an alle 7"


@pytest.fixture(scope="session")
def ada() -> Person:
    return person("Ada <ada@agents.example.com>")


@pytest.fixture(scope="session")
def bea() -> Person:
    return person("Bea <bea@agents.example.com>")


@pytest.fixture(scope="session")
def sealed(ada: Person) -> OwnKey:
    """Ada's private key under PHRASE."""
    return own_key(ada, PHRASE)


@pytest.fixture(scope="session")
def rsa() -> OwnKey:
    """A generated RSA-2048 key, not sealed."""
    return OwnKey.generate("Rosa", "rosa@agents.example.com", None, bits=2048)


@pytest.fixture
def phrase() -> Secret:
    return Secret(PHRASE)


@pytest_asyncio.fixture
async def me(sandbox: SandboxControl, tmp_path: Path) -> AsyncIterator[Operator]:
    made = operator(sandbox, tmp_path / "me")
    yield made
    await made.close()
    sandbox.remove_agent(made.agent)


@pytest_asyncio.fixture
async def peer(sandbox: SandboxControl, tmp_path: Path) -> AsyncIterator[Operator]:
    made = operator(sandbox, tmp_path / "peer")
    yield made
    await made.close()
    sandbox.remove_agent(made.agent)
