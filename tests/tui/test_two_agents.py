"""Two agents, two programs in two real terminals, one sandbox: keys from the first to the last day.

By keyboard: generate, publish, look up, pin, compare; read, decrypt, save; rotate, the alarm on the
other side, accept; revoke, after which encrypting is refused. The mail itself goes through the gate.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.api.assmbl import AssmblClient
from services.crypto.errors import KeyChanged, NoKey
from services.keys.keychain import Keychain
from services.outbound.gate.gate import Gate
from services.outbound.gate.policy import Sender
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.fakes.sending import deliver, written
from tests.tui.app_stage import real_profile
from tests.widgets.terminal import Terminal
from tui.profile import Profile

DOMAIN = "agents.example.com"
FIRST, SECOND = "correct horse battery", "another staple entirely"
TEXT = "Column F holds the numbers that nobody else may see."
REPORT = bytes(range(256)) * 300
GROUPED = re.compile(r"(?:[0-9A-F]{4} ){4}[0-9A-F]{4}  (?:[0-9A-F]{4} ){4}[0-9A-F]{4}")


@dataclass
class Operator:
    """A person at a terminal."""

    agent: Agent
    profile: Profile
    terminal: Terminal

    def sees(self, *words: str) -> None:
        """Wait until all of this is on screen."""
        self.terminal.until(lambda screen: all(word in "\n".join(screen.display) for word in words))

    def types(self, keys: str) -> None:
        """Press keys once the screen is at rest: a dialog takes no answer before it was on screen
        for a moment."""
        self.terminal.painted()
        self.terminal.press(keys)

    def leaves(self, words: str) -> None:
        """Wait until this is on the screen no more, nor half of what stands in its place."""
        self.terminal.until(lambda screen: words not in "\n".join(screen.display))
        self.terminal.painted()

    @property
    def screen(self) -> str:
        """What is on the screen when all of it is painted: half a frame may have come so far."""
        self.terminal.painted()
        return "\n".join(self.terminal.screen.display)

    def makes_a_key(self, passphrase: str) -> None:
        self.types(f"{passphrase}\r{passphrase}\r")

    @property
    def fingerprint(self) -> str:
        """The own fingerprint, as the card shows it."""
        screen = self.screen
        found = GROUPED.search(screen)
        assert found is not None, screen
        return found.group()


@pytest.fixture
def operators(sandbox: SandboxControl, tmp_path: Path) -> Iterator[list[Operator]]:
    made = []
    for name in ("alice", "bob"):
        agent = sandbox.new_agent()
        place = (sandbox.base_url, agent.token, tmp_path / name, agent.address)
        arguments = ["-m", "tests.tui.app_stage", *map(str, place)]
        made.append(Operator(agent, real_profile(*place), Terminal(arguments, 110, 34)))
    yield made
    for operator in made:
        operator.terminal.close()
        sandbox.remove_agent(operator.agent)


def run_gate(operator: Operator, to: str, *files: Path) -> None:
    """Send an encrypted mail as an operator, through the only way out."""

    async def send() -> None:
        client = AssmblClient(str(operator.profile.account.base_url), operator.agent.token, DOMAIN)
        keys: Keychain = operator.profile.keychain()
        keys.connect(client)
        draft = written(to, "Quarterly numbers", TEXT, sealed=True, files=files)
        gate = Gate.of(client, keys, Sender.of(operator.profile.account))
        try:
            await deliver(gate, draft, operator.profile.folder / "spool")
        finally:
            await client.aclose()

    asyncio.run(send())


def exchange_keys(alice: Operator, bob: Operator) -> None:
    """Both make a key, publish it, look the other up; Alice compares."""
    for operator in (alice, bob):
        operator.sees("synced")
        operator.types("gk")
        operator.sees("There is no key yet", "holds no key of yours")
        operator.types("g")
        operator.sees("Generate a key")
        operator.makes_a_key(FIRST)
    for operator in (alice, bob):
        operator.sees("RSA-4096, made", "unlocked, locks in")
        operator.types("p")
        operator.sees("the same key, version 1")
    for operator, other in ((alice, bob), (bob, alice)):
        operator.types("a")
        operator.sees("Look up a peer")
        operator.types(f"{other.agent.agent_id}\r")
        operator.sees(f"◦   {other.agent.agent_id}"[:20], "pinned")
    alice.types("\r")
    alice.sees("Compare the key of", bob.fingerprint)
    alice.types("j\r")
    alice.sees("verified by voice")


@pytest.mark.timeout(300)
def test_two_agents_from_the_first_key_to_a_refused_mail(
    operators: list[Operator], tmp_path: Path
) -> None:
    alice, bob = operators
    exchange_keys(alice, bob)

    # Bob sends; Alice, who has locked her key, reads, decrypts and saves.
    report = tmp_path / "report.pdf"
    report.write_bytes(REPORT)
    run_gate(bob, alice.agent.address, report)
    saved = tmp_path / "saved"
    saved.mkdir()
    alice.types("L")
    alice.sees("◆ locked")
    alice.types("q\x12")
    alice.sees("Quarterly numbers")
    alice.types("\r")
    alice.sees("Unlock your key")
    assert TEXT not in alice.screen
    alice.types("wrong one\r")
    alice.sees("Unlock your key", "does not open your private key")
    alice.types(f"{FIRST}\r")
    alice.sees(TEXT, "▣ encrypted", "key verified by voice")
    alice.types("S")
    alice.sees("Save in a folder")
    alice.types(f"\x15{saved}\r")
    alice.sees("aved as")
    assert [path.name for path in saved.iterdir()] == ["report.pdf"]
    assert (saved / "report.pdf").read_bytes() == REPORT

    # Bob rotates: the alarm on Alice's side, and no mail until she accepts.
    old = bob.fingerprint
    bob.types("t")
    bob.sees("Rotate")
    bob.makes_a_key(SECOND)
    bob.sees("the same key, version 2", "1 key, kept to read older mail")
    new = bob.fingerprint
    assert new != old
    alice.types("gk")
    alice.sees("Peers 1", old[:9])
    alice.types("r")
    alice.sees("KEY CHANGED: blocked")
    with pytest.raises(KeyChanged):
        run_gate(alice, bob.agent.address)
    alice.types("\r")
    alice.sees("HAS ANOTHER KEY", old, new, "^^^^")
    alice.types("\r")
    alice.leaves("HAS ANOTHER KEY")
    assert "KEY CHANGED: blocked" in alice.screen
    alice.types("\r")
    alice.sees("HAS ANOTHER KEY")
    alice.types("A")
    alice.sees("How was the new key of")
    alice.types("\r")
    alice.leaves("KEY CHANGED")
    alice.sees("pinned")
    run_gate(alice, bob.agent.address)
    bob.types("q\x12")
    bob.sees("Quarterly numbers")
    bob.types("\r")
    bob.sees(TEXT)

    # Bob revokes: nobody can encrypt to him any more.
    bob.types("gkR")
    bob.sees("Take your key out of the directory?")
    bob.types("revoke\r")
    bob.sees("your entry is revoked")
    with pytest.raises(NoKey):
        run_gate(alice, bob.agent.address)
    alice.types("r")
    alice.sees("has no key")
    for operator in operators:
        operator.types("\x11")
        operator.terminal.finish()
        assert operator.terminal.process.returncode == 0
