"""`keys` as a script and a person use it: JSON, exit codes, files, and a passphrase never on argv."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from services.config import load
from services.crypto.own import OwnKey
from services.keys import unlocked_keys
from services.keys.keychain import MARKER_FILE
from services.keys.unlocked_keys import UnlockedKeys
from services.paths import Paths
from services.redact import Secret
from tests.fakes.openpgp_keys import Person, person
from tests.fakes.operators import own_key
from tests.tui.key_stage import Script, descriptor

ROOT = Path(__file__).resolve().parents[2]
PHRASE = "grüße, canary-7781"


@pytest.fixture(scope="session")
def ada() -> Person:
    return person("Ada <ada@agents.example.com>")


@pytest.fixture(scope="session")
def bea() -> Person:
    return person("Bea <bea@agents.example.com>")


def test_a_key_is_generated_with_a_passphrase_from_a_descriptor(script: Script) -> None:
    with descriptor(PHRASE + "\n") as number:
        told = script.json("me", "keys", "generate", "--passphrase-fd", number)
    path = Path(told["file"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = OwnKey.load(path.read_bytes())
    assert key.is_sealed
    assert key.unlock(Secret(PHRASE)).fingerprint == told["key"]["fingerprint"]
    local = script.address("me").partition("@")[0]
    assert told["key"]["user_id"] == f"{local} <{script.address('me')}>"
    assert (told["key"]["algorithm"], told["key"]["current"]) == ("RSA-4096", True)
    listed = script.json("me", "keys", "list", "--offline")
    assert [one["fingerprint"] for one in listed["keys"]] == [key.fingerprint]
    assert len(listed["keys"][0]["words"].split()) == 15
    home = Path.home()
    files = [path for path in home.rglob("*") if path.is_file()]
    assert not [path for path in files if b"canary-7781" in path.read_bytes()]


def test_publish_rotate_conflict_and_revoke(script: Script, ada: Person, bea: Person) -> None:
    first = script.take_in("me", ada)
    told = script.json("me", "keys", "publish", "--expected-version", "0")
    assert (told["directory"]["status"], told["directory"]["version"]) == ("same", 1)
    second = script.take_in("me", bea)
    assert script.json("me", "keys", "list")["directory"]["status"] == "older"
    for words in (("publish",), ("rotate", "--expected-version", "0")):
        conflict = script.json("me", "keys", *words, code=1)["conflict"]
        assert conflict["found"]["version"] == 1
        assert (conflict["found"]["fingerprint"], conflict["mine"]) == (first, second)
    code, out, err = script("me", "keys", "rotate", "--expected-version", "5")
    assert (code, out) == (1, "")
    assert "keys rotate --expected-version 1" in err
    assert script.json("me", "keys", "rotate")["directory"]["version"] == 2
    assert script.json("me", "keys", "revoke", "--yes")["directory"]["status"] == "revoked"
    script.json("peer", "peers", "lookup", script.address("me"), code=8)


def test_what_cannot_be_undone_needs_a_typed_word_or_yes(
    script: Script, ada: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.take_in("me", ada)
    out = tmp_path / "private.asc"
    for words in (("revoke",), ("export", "--private", "--out", str(out))):
        code, _, err = script("me", "keys", *words)
        assert code == 2
        assert "--yes" in err
    assert not out.exists()

    class Typed:
        def __init__(self, text: str) -> None:
            self.text = text

        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return self.text

    monkeypatch.setattr(sys, "stdin", Typed("no\n"))
    assert script("me", "keys", "export", "--private", "--out", str(out))[0] == 1
    assert script("me", "keys", "revoke")[0] == 1
    assert not out.exists()
    monkeypatch.setattr(sys, "stdin", Typed("export\n"))
    assert script("me", "keys", "export", "--private", "--out", str(out))[0] == 0
    assert OwnKey.load(out.read_bytes()).fingerprint == own_key(ada).fingerprint


def test_exports_are_private_new_files_and_the_public_key_goes_to_a_pipe(
    script: Script, ada: Person, tmp_path: Path
) -> None:
    name = script.take_in("me", ada, PHRASE)
    code, out, _ = script("me", "keys", "export")
    assert code == 0
    assert out.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert "PRIVATE" not in out
    assert script("me", "keys", "export", "--private", "--yes")[0] == 2
    file = tmp_path / "out.asc"
    told = script.json("me", "keys", "export", name, "--private", "--out", str(file), "--yes")
    assert told["private"] is True
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert script("me", "keys", "export", "--out", str(file))[0] == 2
    for phrase, code in (("wrong", 8), (PHRASE, 0)):
        with descriptor(phrase) as number:
            got, _, _ = script("me", "keys", "export", "--private", "--repair", "--yes", "--out",
                               str(tmp_path / f"r{code}.asc"), "--passphrase-fd", number)  # fmt: skip
        assert got == code
    assert not (tmp_path / "r8.asc").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["keys"], 2),
        (["keys", "nonsense"], 2),
        (["keys", "generate"], 2),
        (["keys", "generate", "--passphrase-fd", "987654"], 2),
        (["keys", "generate", "--no-passphrase", "--name", "<x>"], 2),
        (["keys", "import", "/nowhere/at/all"], 8),
        (["keys", "import", "/etc/hostname"], 8),
        (["keys", "use", "xyz"], 2),
        (["keys", "use", "A" * 40], 2),
        (["keys", "export"], 8),
        (["keys", "export", "A" * 40], 2),
        (["keys", "publish"], 8),
        (["keys", "rotate"], 8),
        (["keys", "publish", "--expected-version", "many"], 2),
        (["peers", "lookup", "nobody"], 8),
        (["peers", "lookup", "a b"], 2),
        (["peers", "lookup", "x@elsewhere.example"], 8),
        (["peers", "verify", "x@y.example", "A" * 40, "--how", "voice"], 2),
        (["peers", "verify", "x@y.example", "A" * 40], 2),
        (["peers", "accept", "x@y.example", "A" * 40, "--yes"], 2),
        (["peers", "require", "a/b"], 2),
        (["peers", "import", "/nowhere/at/all"], 1),
        (["peers", "forget", "x@y.example"], 2),
        (["keys", "lock", "--forget"], 1),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_code(
    script: Script, words: list[str], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.open", _no_terminal)
    got, out, err = script("me", *words)
    assert got == code, err
    assert out == ""
    told = [line for line in err.splitlines() if not line.startswith("Making")]
    assert len(told) == 1
    assert "Traceback" not in err


_OPEN = open


def _no_terminal(name: object, *words: object, **options: object) -> object:
    if name == "/dev/tty":
        raise OSError(6, "No such device or address")
    return _OPEN(name, *words, **options)


def test_locking_says_whether_anything_was_open(
    script: Script, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.take_in("me", ada)
    assert script.json("me", "keys", "lock") == {"locked": False, "forgotten": False}
    paths = Paths.from_environment()
    folder = paths.account_dir(load(paths).account("me").name)
    held = UnlockedKeys(folder / MARKER_FILE, clock=lambda: 0)
    held.add(own_key(ada).unlock())
    impatient = partial(unlocked_keys.lock_elsewhere, seconds=0.2)
    monkeypatch.setattr(unlocked_keys, "lock_elsewhere", impatient)
    code, _, err = script("me", "keys", "lock")
    assert code == 8
    assert "has not locked" in err
    assert held.is_due
    held.close()


def test_the_terminal_is_asked_without_echo(script: Script, ada: Person, tmp_path: Path) -> None:
    script.take_in("me", ada, PHRASE)
    out = tmp_path / "asked.asc"
    pid, terminal = pty.fork()
    if pid == 0:  # pragma: no cover - the child becomes the program
        os.chdir(ROOT)
        os.execv(sys.executable, [
            sys.executable, "-m", "tui", "keys", "export", "--private", "--repair", "--yes",
            "--out", str(out), "--profile", "me",
        ])  # fmt: skip
    shown = b""
    while b"passphrase: " not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, PHRASE.encode() + b"\n")
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal is gone with the program
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert b"canary" not in shown
    assert out.exists()


def test_doctor_tells_where_keys_and_passphrase_are(
    script: Script, ada: Person, bea: Person
) -> None:
    name = script.take_in("me", ada, PHRASE)
    checks = script.json("me", "doctor")["checks"]
    told = {check["name"]: check for check in checks}
    assert told["keys"]["state"] == "ok"
    assert "sealed with a passphrase" in told["keys"]["sentence"]
    assert f"{name}.asc (0600)" in told["keys"]["sentence"]
    assert "Asked for when it is needed" in told["passphrase"]["sentence"]
    path = Paths.from_environment().data_dir / "keys" / f"{name}.asc"
    path.chmod(0o644)
    broken = {c["name"]: c for c in script.json("me", "doctor", code=1)["checks"]}["keys"]
    assert broken["state"] == "broken"
    assert broken["next_step"] == f"Run: chmod 600 {path}"


def test_help_tells_what_lock_does_and_no_passphrase_goes_on_argv(script: Script) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "keys", "--help"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert "forget its unlocked keys" in " ".join(done.stdout.split())
    for act in ("generate", "export"):
        code, out, _ = script("me", "keys", act, "--help")
        assert code == 0
        assert "--passphrase-fd" in out
        assert "--passphrase " not in out
