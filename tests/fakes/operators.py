"""Two people with keys on one sandbox: each a real agent, a real client, a real keychain and a desk."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.api.assmbl import AssmblClient
from services.crypto.armor import ArmorKind, encode
from services.crypto.certs import spki_pem
from services.crypto.own import OwnKey
from services.events import Event
from services.keys.key_desk import KeyDesk
from services.keys.keychain import Keychain
from services.redact import Secret
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person


class FakeClock:
    """A clock that moves when told; it begins at the time at which it is made.

    Not at that of the import: a key that is generated half a session later would be one of the
    future to it.
    """

    def __init__(self, now: float | None = None) -> None:
        self.began = int(time.time()) if now is None else now
        self.now = self.began

    def __call__(self) -> float:
        return self.now


class FakeKeeper:
    """A keyring's entry in memory."""

    def __init__(self, kept: Secret | None = None) -> None:
        self.kept = kept

    def get(self) -> Secret | None:
        return self.kept

    def put(self, passphrase: Secret) -> str:
        self.kept = passphrase
        return "The passphrase is kept in the desktop keyring."

    def forget(self) -> None:
        self.kept = None


@dataclass
class Operator:
    """One account with everything that belongs to it."""

    agent: Agent
    client: AssmblClient
    chain: Keychain
    clock: FakeClock
    keeper: FakeKeeper
    folder: Path
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.desk = KeyDesk(self.chain, self.events.append)

    @property
    def address(self) -> str:
        return self.agent.address

    async def ask(self, request: Any) -> list[Event]:
        """Let the desk answer and return what it told."""
        self.events.clear()
        await self.desk.answer(1, request)
        return list(self.events)

    def told(self, kind: type) -> Any:
        """The last event of a kind."""
        return [event for event in self.events if isinstance(event, kind)][-1]

    async def publish(self, key: OwnKey) -> None:
        """Keep a key, make it current and put it into the directory."""
        self.chain.own_keys.keep(key)
        await self.chain.entry.publish()

    async def serve(self, block: str, pem: str = "", *, algorithm: str = "Ed25519") -> None:
        """Put anything into the directory under this operator's name."""
        found = await self.chain.directory.look_up(self.agent.agent_id, fresh=True)
        await self.client.directory.register_directory_key(
            public_key=pem or found.pem,
            algorithm=algorithm,
            key_version=found.version + 1,
            openpgp_public_key=block or None,
        )

    async def close(self) -> None:
        self.chain.close()
        await self.client.aclose()


def operator(sandbox: SandboxControl, folder: Path, **options: Any) -> Operator:
    """A fresh agent with empty folders."""
    agent = sandbox.new_agent()
    domain = agent.address.partition("@")[2]
    client = AssmblClient(sandbox.base_url, agent.token, domain, sleep=_at_once)
    clock, keeper = FakeClock(), FakeKeeper()
    chain = Keychain(
        key_folder=folder / "keys",
        account_folder=folder / "account",
        **{"address": agent.address, "mail_domain": domain, **options},
        keeper=keeper,
        clock=clock,
    )
    chain.connect(client)
    return Operator(agent, client, chain, clock, keeper, folder)


async def _at_once(_: float) -> None:
    """Repeat a failed request without a pause."""


def own_key(who: Person, passphrase: str = "") -> OwnKey:
    """The private key of somebody made by hand, sealed when there is a passphrase."""
    key = OwnKey.load(who.secret_block)
    return key.resealed(None, Secret(passphrase)) if passphrase else key


def public_armor(block: bytes) -> str:
    """A public block as armor."""
    return encode(block, ArmorKind.PUBLIC_KEY).decode()


def pem_of(key: OwnKey) -> str:
    """The SPKI of a key's primary."""
    return spki_pem(key.public.components[0])
