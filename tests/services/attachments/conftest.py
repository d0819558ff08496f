"""A mailbox on the real sandbox, its client, and a key that opens what is encrypted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.attachments.transfer import Fetcher
from services.crypto import messages
from services.crypto.own import OwnKey
from services.keys.keychain import Keychain
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeSleep


@pytest.fixture(scope="session")
def own_key() -> OwnKey:
    return OwnKey.generate("B", "b@agents.example.com", None, bits=2048)


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory, own_key: OwnKey) -> Callable[[], Keychain]:
    """Keys that wait for their passphrase."""
    folder = tmp_path_factory.mktemp("keys")
    made = Keychain(key_folder=folder / "keys", account_folder=folder / "account")
    made.own_keys.keep(own_key.resealed(None, Secret("open sesame")))
    return lambda: made


Supply = Callable[[], Awaitable[Keychain]]


@pytest.fixture
async def keychain(
    tmp_path_factory: pytest.TempPathFactory, own_key: OwnKey
) -> AsyncIterator[Keychain]:
    """The keys of the account, open as soon as they are asked for."""
    folder = tmp_path_factory.mktemp("keychain")
    made = Keychain(key_folder=folder / "keys", account_folder=folder / "account")
    made.own_keys.keep(own_key)
    yield made
    made.close()


def supply(keychain: Keychain) -> Supply:
    async def give() -> Keychain:
        return keychain

    return give


@pytest.fixture
async def client(sandbox: SandboxControl, agent: Agent) -> AsyncIterator[AssmblClient]:
    made = AssmblClient(sandbox.base_url, agent.token, "agents.example.com", sleep=FakeSleep())
    yield made
    await made.aclose()


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "Files"
    folder.mkdir()
    return folder


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    return tmp_path / "arriving"


class Ticks:
    """A clock that goes on by what is slept."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def fetcher(client: AssmblClient, staging: Path, keychain: Keychain, ticks: Ticks) -> Fetcher:
    return Fetcher(
        client.attachments, staging, supply(keychain), sleep=ticks.sleep, monotonic=ticks
    )


def sealed(own_key: OwnKey, data: bytes) -> bytes:
    return messages.encrypt(data, [own_key.public])
