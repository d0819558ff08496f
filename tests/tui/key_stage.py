"""A script's environment with keys: accounts of the sandbox, passphrases through a descriptor."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from services.config import Account, save_account
from services.paths import Paths
from services.redact import Secret
from services.sandbox.records import Agent
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person
from tests.fakes.operators import own_key
from tui.__main__ import main


@dataclass
class Script:
    """Runs verbs in this process, as one of two configured accounts."""

    capsys: pytest.CaptureFixture[str]
    folder: Path
    agents: dict[str, Agent]

    def __call__(self, who: str, *words: str) -> tuple[int, str, str]:
        """Exit code, output and errors of one verb."""
        code = main([*words, "--profile", who])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def json(self, who: str, *words: str, code: int = 0) -> Any:
        """The JSON that a verb prints."""
        got, out, err = self(who, *words, "--json")
        assert got == code, err
        return json.loads(out)

    def address(self, who: str) -> str:
        return self.agents[who].address

    def take_in(self, who: str, key: Person, passphrase: str = "") -> str:
        """Import a key made by hand; returns its fingerprint."""
        made = own_key(key, passphrase)
        file = self.folder / f"{made.fingerprint[:8]}-{who}.asc"
        file.write_text(made.export_private())
        return str(self.json(who, "keys", "import", str(file))["key"]["fingerprint"])


def set_up(sandbox: SandboxControl, capsys: pytest.CaptureFixture[str], folder: Path) -> Script:
    """Two accounts, `me` and `peer`, in one configuration; tokens in 0600 files."""
    paths = Paths.from_environment()
    agents = {name: sandbox.new_agent() for name in ("me", "peer")}
    for name, agent in agents.items():
        domain = agent.address.partition("@")[2]
        account = Account(name, "assmbl", sandbox.base_url, domain, agent.address)
        save_account(paths, account)
        SecretStore(paths).set_token(account, Secret(agent.token), allow_file=True)
    return Script(capsys, folder, agents)


@contextmanager
def descriptor(text: str) -> Any:
    """A file descriptor that gives a text, as the shell's `3<<<` does."""
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    try:
        yield str(reader)
    finally:
        os.close(reader)


Runs = Callable[..., tuple[int, str, str]]
