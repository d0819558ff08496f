"""Tokens live in a real keyring or where the operator agreed to, and are never shown (S01, S02)."""

from __future__ import annotations

import copy
import pickle
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from services.config import Account
from services.errors import SecretStoreError, UsageError
from services.paths import Paths
from services.redact import Secret
from services.secrets import SecretStore, TokenSource, clean_token
from services.system_keyring import SERVICE, SystemKeyring
from tests.fakes.keyrings import (
    FakeChainer,
    FakeForgetful,
    FakeHanging,
    FakeKeyring,
    FakeLocked,
    FakePlaintext,
)
from tests.patience import PATIENCE

CANARY = "tok-canary-9d1f"
WORK = Account("work", "assmbl", "https://api.example.com", address="bot@agents.example.com")
ENV = Account(
    "env-1", "assmbl", "https://e.example", from_environment=True, takes_environment_token=True
)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_environment({"HOME": str(tmp_path)})


def store(paths: Paths, backend: object, environ: dict[str, str] | None = None) -> SecretStore:
    seconds = 0.1 if isinstance(backend, FakeHanging) else PATIENCE
    keyring = SystemKeyring(lambda: backend, seconds=seconds)  # type: ignore[arg-type,return-value]
    return SecretStore(paths, environ=environ or {}, keyring=keyring)


def told_by(error: BaseException) -> str:
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format())


def test_a_secret_shows_itself_nowhere() -> None:
    secret = Secret(CANARY)
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret!r:>30}", f"{[secret]}"):
        assert CANARY not in shown
    assert secret.reveal() == CANARY
    assert secret == Secret(CANARY)
    assert secret != Secret("x")
    for copies in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copies(secret)


def test_the_keyring_keeps_the_token_under_url_and_agent(paths: Paths) -> None:
    backend = FakeKeyring()
    kept = store(paths, backend).set_token(WORK, Secret(CANARY))
    assert kept.source is TokenSource.KEYRING
    assert backend.kept == {(SERVICE, "https://api.example.com|bot|token"): CANARY}
    found = store(paths, backend).find(WORK)
    assert found
    assert (found.source, found.token) == (TokenSource.KEYRING, Secret(CANARY))


def test_the_chain_of_backends_is_unwrapped(paths: Paths) -> None:
    good = FakeKeyring()
    store(paths, FakeChainer(FakePlaintext(), good)).set_token(WORK, Secret(CANARY))
    assert list(good.kept.values()) == [CANARY]


@pytest.mark.parametrize(
    "backend", [FakePlaintext(), FakeForgetful(), FakeLocked(), FakeChainer(FakePlaintext())]
)
def test_a_keyring_that_keeps_nothing_safely_is_refused(paths: Paths, backend: object) -> None:
    with pytest.raises(SecretStoreError) as refusal:
        store(paths, backend).set_token(WORK, Secret(CANARY))
    assert "this session only" in refusal.value.next_step
    assert str(paths.token_file("work")) in refusal.value.next_step
    assert CANARY not in told_by(refusal.value)
    assert not paths.token_file("work").exists()


def test_a_keyring_that_hangs_is_left_after_its_time_and_not_asked_again(paths: Paths) -> None:
    backend = FakeHanging()
    secrets = store(paths, backend)
    assert secrets.token(WORK) is None
    assert not secrets.keyring_state().usable
    assert secrets.token(WORK) is None
    assert backend.calls == 1
    backend.release.set()


def test_a_hanging_keyring_does_not_hold_the_programs_exit(tmp_path: Path) -> None:
    program = (
        "import threading\n"
        "from services.system_keyring import SystemKeyring\n"
        "from tests.fakes.keyrings import FakeHanging\n"
        "print(SystemKeyring(FakeHanging, seconds=0.1).state().usable)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize("name", ["null", "fail"])
def test_the_real_keyring_library_without_a_desktop_is_no_keyring(name: str) -> None:
    program = (
        "from services.system_keyring import SystemKeyring\nprint(SystemKeyring().state().sentence)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).resolve().parents[2],
        env={"PATH": "/usr/bin:/bin", "PYTHON_KEYRING_BACKEND": f"keyring.backends.{name}.Keyring"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stdout == "No keyring that keeps secrets safely was found here.\n"


def test_a_token_too_long_for_windows_goes_to_the_file_on_consent(paths: Paths) -> None:
    long = Secret("x" * 1_201)
    secrets = store(paths, FakeKeyring())
    with pytest.raises(SecretStoreError, match="longer"):
        secrets.set_token(WORK, long)
    assert secrets.set_token(WORK, long, allow_file=True).source is TokenSource.FILE
    assert secrets.token(WORK) == long


def test_the_file_is_private_and_only_made_by_consent(paths: Paths) -> None:
    secrets = store(paths, FakePlaintext())
    stored = secrets.set_token(WORK, Secret(CANARY), allow_file=True)
    file = paths.token_file("work")
    assert str(file) in stored.sentence
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    found = secrets.find(WORK)
    assert found
    assert found.source is TokenSource.FILE


def test_a_keyring_that_works_again_takes_the_file_away(paths: Paths) -> None:
    store(paths, FakePlaintext()).set_token(WORK, Secret(CANARY), allow_file=True)
    store(paths, FakeKeyring()).set_token(WORK, Secret("new"))
    assert not paths.token_file("work").exists()


def test_a_loose_token_file_is_repaired_and_told(paths: Paths) -> None:
    secrets = store(paths, FakePlaintext())
    secrets.set_token(WORK, Secret(CANARY), allow_file=True)
    paths.token_file("work").chmod(0o644)
    found = secrets.find(WORK)
    assert found
    assert "made 0600" in found.remark
    assert stat.S_IMODE(paths.token_file("work").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"two words", b"\xff\xfe", b"x" * 5_000])
def test_a_file_without_a_token_is_a_sentence(paths: Paths, content: bytes) -> None:
    secrets = store(paths, FakePlaintext())
    secrets.set_token(WORK, Secret(CANARY), allow_file=True)
    paths.token_file("work").write_bytes(content)
    with pytest.raises(SecretStoreError, match="does not hold a token"):
        secrets.token(WORK)


def test_a_link_in_place_of_the_file_is_refused(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text(CANARY)
    paths.token_file("work").parent.mkdir(parents=True)
    paths.token_file("work").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretStoreError, match="not a plain file"):
        store(paths, FakePlaintext()).token(WORK)


def test_the_environments_token_is_for_its_own_account_only(paths: Paths) -> None:
    secrets = store(paths, FakePlaintext(), {"AGENTMAIL_TOKEN": CANARY})
    assert secrets.token(ENV) == Secret(CANARY)
    assert secrets.token(WORK) is None


def test_a_session_token_comes_first_and_goes_with_the_store(paths: Paths) -> None:
    secrets = store(paths, FakeKeyring())
    secrets.set_token(WORK, Secret("kept"))
    secrets.keep_for_session(WORK, Secret("now"))
    assert secrets.token(WORK) == Secret("now")
    secrets.forget_token(WORK)
    assert secrets.token(WORK) is None


@pytest.mark.parametrize("text", ["", "  ", "a b", "a\nb", "é", "x" * 4_097, "a\x00", "a\x7f"])
def test_what_cannot_be_a_token_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        clean_token(text)
    assert "Copy it again" in refusal.value.next_step


@pytest.mark.parametrize("text", [CANARY, f" {CANARY}\n", f"Bearer {CANARY}", f"bearer  {CANARY}"])
def test_a_pasted_token_is_trimmed(text: str) -> None:
    assert clean_token(text).reveal() == CANARY


def test_a_failed_write_does_not_show_the_token(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.token_file("work").mkdir(parents=True)
    with pytest.raises(SecretStoreError) as refusal:
        store(paths, FakePlaintext()).set_token(WORK, Secret(CANARY), allow_file=True)
    assert CANARY not in told_by(refusal.value)
