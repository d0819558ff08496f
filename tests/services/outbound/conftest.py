"""Two agents on the real sandbox, each with services of its own, and the gate of one of them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.api.assmbl import AssmblClient
from services.crypto.own import OwnKey
from services.draft import Draft
from services.keys.keychain import Keychain
from services.outbound.gate.gate import Gate, Prepared
from services.outbound.gate.policy import Sender
from services.outbound.gate.ready import ReadyMail
from services.policy_config import DEFAULT_POLICY, Policy
from services.sandbox.process import SandboxProcess
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeSleep
from tests.fakes.sending import REPORT, deliver, prepare
from tests.services.outbound.office_stage import Stage
from tests.services.outbound.posting_stage import Mailer

DOMAIN = "agents.example.com"


@pytest.fixture(scope="session")
def own_keys() -> tuple[OwnKey, ...]:
    """Three keys without passphrase."""
    return tuple(OwnKey.generate(n, f"{n}@{DOMAIN}", None, bits=2048) for n in ("a", "b", "c"))


@dataclass(frozen=True)
class Party:
    """One agent with its client, its keys and its folder."""

    agent: Agent
    client: AssmblClient
    keychain: Keychain
    folder: Path

    @property
    def address(self) -> str:
        return self.agent.address

    @property
    def gate(self) -> Gate:
        return self.gate_with(DEFAULT_POLICY)

    def gate_with(self, policy: Policy, **more: Any) -> Gate:
        """A gate under another policy."""
        sender = Sender("work", self.address, DOMAIN, policy)
        return Gate.of(self.client, self.keychain, sender, **more)

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    async def prepare(
        self, draft: Draft, tell: Callable[[Prepared], None] = lambda _: None
    ) -> ReadyMail:
        """Decide on a draft as a person, seal and upload it."""
        return await prepare(self.gate, draft, self.spool, tell)

    async def deliver(self, draft: Draft) -> None:
        """And send it."""
        await deliver(self.gate, draft, self.spool)

    async def publish(self, key: OwnKey) -> None:
        """Make a key current and put it into the directory."""
        self.keychain.own_keys.keep(key)
        await self.client.directory.register_directory_key(
            public_key=key.spki_pem(), openpgp_public_key=key.public_block()
        )

    async def inbox(self) -> list[Any]:
        return list((await self.client.list_inbox()).items)


async def _party(sandbox: SandboxControl, folder: Path) -> AsyncIterator[Party]:
    agent = sandbox.new_agent()
    client = AssmblClient(sandbox.base_url, agent.token, DOMAIN, sleep=FakeSleep())
    keychain = Keychain(
        key_folder=folder / "keys",
        account_folder=folder / "account",
        address=agent.address,
        mail_domain=DOMAIN,
    )
    keychain.connect(client)
    yield Party(agent, client, keychain, folder)
    keychain.close()
    await client.aclose()
    sandbox.remove_agent(agent)


@pytest.fixture
async def alice(sandbox: SandboxControl, tmp_path: Path) -> AsyncIterator[Party]:
    async for party in _party(sandbox, tmp_path / "alice"):
        yield party


@pytest.fixture
async def bob(
    sandbox: SandboxControl, tmp_path: Path, own_keys: tuple[OwnKey, ...]
) -> AsyncIterator[Party]:
    """The recipient, with a published key."""
    async for party in _party(sandbox, tmp_path / "bob"):
        await party.publish(own_keys[1])
        yield party


class Storage:
    """The storage host's disk, looked at from behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keys_of(self, agent: Agent) -> list[str]:
        """The object keys under an agent's prefix."""
        return [key for key, _ in self._objects(agent)]

    def sizes_of(self, agent: Agent) -> list[int]:
        """The bytes of each object under an agent's prefix."""
        return [size for _, size in self._objects(agent)]

    def _objects(self, agent: Agent) -> list[tuple[str, int]]:
        with sqlite3.connect(f"file:{self._folder / 'sandbox.db'}?mode=ro", uri=True) as db:
            found = "SELECT key, size FROM objects WHERE key LIKE ?"
            return list(db.execute(found, (self._prefix(agent),)))

    def unfinished(self) -> list[Path]:
        """Files of uploads that were not finished."""
        return list(self._folder.rglob("*.part"))

    def _prefix(self, agent: Agent) -> str:
        return f"uploads/{agent.agent_id}/%"


@pytest.fixture(scope="session")
def stored_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A sandbox whose data folder is known."""
    folder = tmp_path_factory.mktemp("stored")
    process = SandboxProcess.start(data=folder)
    yield SandboxControl(process), Storage(folder)
    process.stop()


@pytest.fixture
def sandbox(stored_session: Any) -> Iterator[SandboxControl]:
    yield stored_session[0]
    stored_session[0].reset()


@pytest.fixture
def storage(stored_session: Any) -> Storage:
    return stored_session[1]


@pytest.fixture
async def stage(alice: Party) -> AsyncIterator[Callable[..., Stage]]:
    """Makes stages of `alice`, each with its own policy; their offices are closed after the test."""
    made: list[Stage] = []

    def make(**fields: Any) -> Stage:
        made.append(Stage(alice, **fields))
        return made[-1]

    yield make
    for one in made:
        await one.close()


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """A file to go along."""
    path = tmp_path / "report.pdf"
    path.write_bytes(REPORT)
    return path


@pytest.fixture
def mailer(sandbox: SandboxControl, agent: Agent, tmp_path: Path) -> Iterator[Any]:
    """Starts engines with an outbound side, which are stopped after the test."""
    made: list[Mailer] = []

    def start(**fields: Any) -> Mailer:
        made.append(Mailer(sandbox, agent, tmp_path / "work", **fields))
        return made[-1]

    yield start
    for one in made:
        one.engine.stop(10)
