"""P08: what a session that read encrypted mail leaves behind, however it ended: nothing readable.

The session is the real engine in a process of its own, over the sandbox, with a debug log, with core
dumps allowed, and with folders for data, state and temporary files that are searched byte by byte.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.crypto.own import OwnKey
from services.keys.own_keys import OwnKeys
from services.redact import Secret
from tests.fakes.sealed_mail import armor, mail

ROOT = Path(__file__).resolve().parents[3]
CANARY = "canary-plaintext-0815"
PASSPHRASE = "canary-passphrase-4711"
MAILS = 20
CHILD = """
import json, os, queue, sys
sys.path.insert(0, sys.argv[1])
import resource
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
from services import events, requests
from services.key_events import KeyWorkDone, ReadAhead, UnlockKeys
from services.models import Mailbox, MailFilter, SyncPhase
from services.redact import Secret, open_debug_log
from tui.bridge import engine_for
from tui.profile import open_profile

profile = open_profile(None)
open_debug_log(profile.paths.debug_log)
told = queue.SimpleQueue()
engine = engine_for(profile)(told.put)
engine.start()

def wait(matches):
    while True:
        event = told.get(timeout=50)
        if isinstance(event, events.RequestFailed):
            raise SystemExit(str(event))
        if matches(event):
            return event

wait(lambda e: isinstance(e, events.SyncStateChanged) and e.state.phase is SyncPhase.SYNCED)
number = engine.request(UnlockKeys(Secret(sys.stdin.readline().strip())))
wait(lambda e: isinstance(e, KeyWorkDone) and e.request_id == number)
rows = engine.snapshot.select(MailFilter(Mailbox.ALL))
ids = [rows.message_id(n) for n in range(len(rows))]
engine.request(ReadAhead(tuple(ids[:5])))
opened = 0
for message_id in ids:
    number = engine.request(requests.OpenMessage(message_id))
    event = wait(lambda e: isinstance(e, events.MessageOpened) and e.request_id == number)
    opened += any(sys.argv[3] in line.text for line in event.message.body)
found = engine.snapshot.select(MailFilter(Mailbox.ALL, text=sys.argv[3]))
print(json.dumps([opened, len(found)]), flush=True)
if sys.argv[2] == "crash":
    os.abort()
if sys.argv[2] == "quit":
    engine.stop()
    sys.exit(0)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def key() -> OwnKey:
    return OwnKey.generate("Me", "me@agents.example.com", Secret(PASSPHRASE), bits=2048)


@pytest.fixture
def home(sandbox, agent, key: OwnKey, tmp_path: Path) -> Iterator[Path]:  # type: ignore[no-untyped-def]
    """A home with a sealed key, and twenty encrypted mails on the service."""
    for number in range(MAILS):
        text = f"{CANARY} {number}\nand https://inside.example/{CANARY}\n"
        sandbox.add_mail(agent, mail(armor(text, key.public) + "\nfooter\n", subject=f"n{number}"))
    return tmp_path


def environment(home: Path, base_url: str, token: str) -> dict[str, str]:
    scratch = home / "tmp"
    scratch.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return kept | {
        "HOME": str(home), "XDG_DATA_HOME": str(home / "data"), "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_RUNTIME_DIR": str(home / "run"), "TMPDIR": str(scratch),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring", "PYTHONDONTWRITEBYTECODE": "1",
        "AGENTMAIL_API_BASE_URL": base_url, "AGENTMAIL_TOKEN": token,
        "MAIL_DOMAIN": "agents.example.com",
    }  # fmt: skip


def put_key(home: Path, env: dict[str, str], key: OwnKey) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from tui.profile import open_profile\n"
        "open_profile(None).keychain().own_keys.take_in(sys.stdin.read())\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], input=key.export_private(), text=True, env=env, cwd=home, check=True
    )  # fmt: skip


def private_numbers(key: OwnKey) -> list[bytes]:
    material = key.unlock(Secret(PASSPHRASE)).parts()[0]._held.keymaterial
    numbers = [int(material.d), int(material.p), int(material.q)]
    return [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers]


@pytest.mark.parametrize("ending", ["quit", "kill", "crash"])
def test_no_file_holds_plaintext_passphrase_token_or_private_key(
    sandbox, agent, home: Path, key: OwnKey, ending: str
) -> None:
    env = environment(home, sandbox.base_url, agent.token)
    put_key(home, env, key)
    child = subprocess.Popen(
        [sys.executable, "-P", "-c", CHILD, str(ROOT), ending, CANARY],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=env, cwd=home,
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdin.write(PASSPHRASE + "\n")
    child.stdin.flush()
    read = child.stdout.readline()
    if ending == "kill":
        child.kill()
    said = child.stderr.read()
    child.wait()
    assert json.loads(read or "[]") == [MAILS, MAILS], said
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    names = [str(path.relative_to(home)) for path in files]
    assert any(name.endswith("debug.log") for name in names), names
    assert any(name.endswith("mail.log") for name in names), names
    assert any(name.endswith(f"{key.fingerprint}.asc") for name in names), names
    assert not [name for name in names if name.startswith("core") or "/core" in name]
    secrets = [CANARY.encode(), PASSPHRASE.encode(), agent.token.encode(), *private_numbers(key)]
    for path, content in files.items():
        assert [path.name for secret in secrets if secret in content] == []
    assert CANARY not in said
    assert PASSPHRASE not in said
    for path in files:
        assert path.stat().st_mode & 0o077 == 0 or "tmp" in path.parts, path


def test_a_key_file_is_what_lies_there_and_it_is_sealed(tmp_path: Path, key: OwnKey) -> None:
    own = OwnKeys(tmp_path / "keys", tmp_path)
    own.keep(key)
    (file,) = (tmp_path / "keys").glob("*.asc")
    assert OwnKey.load(file.read_bytes()).is_sealed
