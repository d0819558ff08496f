"""The engine with keys: imported late, answered on its thread, locked from another process."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services import key_events as ev
from services.config import Account
from services.engine import Engine
from services.events import RequestFailed
from services.key_models import DirectoryStatus, LockState
from services.keys.keychain import MARKER_FILE
from services.keys.unlocked_keys import lock_elsewhere
from services.paths import Paths
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.sandbox.records import Agent
from services.secrets import SecretStore
from tests.conftest import SandboxControl
from tests.fakes.openpgp_keys import Person
from tests.fakes.operators import own_key
from tests.patience import PATIENCE
from tui.profile import Profile

ROOT = Path(__file__).resolve().parents[3]


class Running:
    """An engine, and the events that it told."""

    def __init__(self, profile: Profile, *, has_keys: bool = True) -> None:
        self.told: queue.Queue[Any] = queue.Queue()
        self.engine = Engine(
            store_folder=profile.folder,
            provider=profile.provider,
            renderer=RenderWorker,
            on_event=self.told.put,
            keychain=profile.keychain if has_keys else None,
        )
        self.engine.start()

    def wait(self, kind: type, fits: Any = lambda _: True) -> Any:
        """The next event of a kind that fits."""
        while True:
            event = self.told.get(timeout=PATIENCE)
            if isinstance(event, kind) and fits(event):
                return event

    def ask(self, request: Any, kind: type) -> Any:
        """The answer of a kind to a request."""
        number = self.engine.request(request)
        return self.wait(kind, lambda event: event.request_id == number)


@pytest.fixture
def profile(sandbox: SandboxControl, agent: Agent, isolation: Path) -> Profile:
    paths = Paths.from_environment()
    domain = agent.address.partition("@")[2]
    account = Account("work", "assmbl", sandbox.base_url, domain, agent.address)
    secrets = SecretStore(paths)
    secrets.keep_for_session(account, Secret(agent.token))
    return Profile(account, paths, secrets)


@pytest.fixture
def running(profile: Profile) -> Iterator[Running]:
    made = Running(profile)
    yield made
    made.engine.stop(10)


def test_requests_about_keys_are_answered_by_the_engine(
    running: Running, profile: Profile, ada: Person
) -> None:
    view = running.ask(ev.ReadKeys(), ev.KeysChanged).keys
    assert (view.lock, view.own, view.peers) == (LockState.NO_KEY, (), ())
    block = Secret(own_key(ada, "eins").export_private())
    assert not running.ask(ev.ImportKey(block=block), ev.KeyWorkDone).warnings
    assert running.ask(ev.UnlockKeys(Secret("zwei")), ev.WrongPassphrase).sentence
    assert "unlocked" in running.ask(ev.UnlockKeys(Secret("eins")), ev.KeyWorkDone).sentence
    view = running.wait(ev.KeysChanged).keys
    assert view.lock is LockState.UNLOCKED
    running.ask(ev.PublishKey(expected_version=0), ev.KeyWorkDone)
    view = running.ask(ev.ReadKeys(ask_directory=True), ev.KeysChanged).keys
    assert view.directory.status is DirectoryStatus.SAME
    refused = running.ask(ev.LookUpPeer("nobody"), RequestFailed)
    assert "no OpenPGP key" in refused.sentence
    assert refused.next_step
    assert lock_elsewhere(profile.folder / MARKER_FILE, seconds=30) is True
    assert running.wait(ev.KeysChanged, lambda e: e.request_id == 0).keys.lock is LockState.LOCKED


def test_a_mailbox_without_keys_says_so(profile: Profile) -> None:
    running = Running(profile, has_keys=False)
    assert "has no keys" in running.ask(ev.ReadKeys(), RequestFailed).sentence
    running.engine.stop(10)


def test_stopping_the_engine_locks_the_keys(
    running: Running, profile: Profile, ada: Person
) -> None:
    running.ask(ev.ImportKey(block=Secret(own_key(ada).export_private())), ev.KeyWorkDone)
    running.ask(ev.UnlockKeys(Secret("")), ev.KeyWorkDone)
    running.engine.stop(10)
    assert lock_elsewhere(profile.folder / MARKER_FILE) is None


def test_a_broken_peer_book_is_told_and_the_mail_goes_on(
    running: Running, profile: Profile
) -> None:
    (profile.folder / "peers.json").write_text("{")
    assert "not JSON" in running.ask(ev.ReadKeys(), RequestFailed).sentence
    (profile.folder / "peers.json").unlink()
    assert running.ask(ev.ReadKeys(), ev.KeysChanged)


def test_nothing_of_keys_is_imported_before_the_first_request(tmp_path: Path) -> None:
    script = f"""
import json, sys, threading
from pathlib import Path
from services.engine import Engine
done = threading.Event()
engine = Engine(store_folder=Path({str(tmp_path / "mail")!r}), provider=None, renderer=lambda: None,
                on_event=lambda event: done.set(), keychain=lambda: 1 / 0)
engine.start(); done.wait({PATIENCE}); engine.stop()
print(json.dumps(sorted(sys.modules)))
"""
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = json.loads(output.stdout)
    assert not [
        name for name in loaded if name.split(".")[0] in ("pgpy", "cryptography", "mnemonic")
    ]
    assert not [name for name in loaded if name.startswith(("services.crypto", "services.key"))]
