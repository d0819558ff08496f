"""AGENTMAIL_TOKEN alone goes to the service that it was first used for, whatever is configured later."""

from __future__ import annotations

import stat
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from services.config import Account, load, save_account
from services.errors import SecretStoreError
from services.paths import Paths
from services.redact import Secret
from services.secrets import SecretStore, TokenSource
from services.system_keyring import SystemKeyring
from tests.fakes.keyrings import FakeKeyring, FakePlaintext

CANARY = "tok-canary-83ae"
WORK = Account("work", "assmbl", "https://api.example.com/prod", takes_environment_token=True)
ELSEWHERE = {
    "another host": replace(WORK, base_url="https://api.example.net/prod"),
    "another port": replace(WORK, base_url="https://api.example.com:8443/prod"),
    "another scheme": replace(WORK, base_url="http://api.example.com/prod"),
    "another name too": replace(WORK, name="mine", base_url="https://api.example.net"),
}
ANYWHERE_ELSE = pytest.mark.parametrize("changed", ELSEWHERE.values(), ids=[*ELSEWHERE])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_environment({"HOME": str(tmp_path)})


def store(paths: Paths, token: str = CANARY, backend: object | None = None) -> SecretStore:
    keyring = SystemKeyring(lambda: backend or FakePlaintext())  # type: ignore[arg-type,return-value]
    return SecretStore(paths, environ={"AGENTMAIL_TOKEN": token}, keyring=keyring)


@ANYWHERE_ELSE
def test_it_is_not_given_to_another_service_afterwards(paths: Paths, changed: Account) -> None:
    found = store(paths).find(WORK)
    assert found
    assert (found.token, found.source) == (Secret(CANARY), TokenSource.ENVIRONMENT)
    with pytest.raises(SecretStoreError) as refused:
        store(paths).token(changed)
    assert "AGENTMAIL_TOKEN is for assmbl at https://api.example.com," in refused.value.sentence
    assert "then g s" in refused.value.next_step
    assert str(paths.token_uses) in refused.value.next_step
    report = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    assert CANARY not in "".join(report.format())
    assert store(paths).token(WORK) == Secret(CANARY)


def test_a_base_url_edited_in_the_file_is_refused_with_what_to_do(paths: Paths) -> None:
    environ = {"AGENTMAIL_TOKEN": CANARY}
    save_account(paths, replace(WORK, takes_environment_token=False))
    assert store(paths).token(load(paths, environ).account()) == Secret(CANARY)
    text = paths.config_file.read_text()
    paths.config_file.write_text(text.replace("api.example.com", "api.example.net"))
    with pytest.raises(SecretStoreError, match="not sent there"):
        store(paths).token(load(paths, environ).account())


@ANYWHERE_ELSE
def test_another_token_is_tied_to_where_the_account_is_now(paths: Paths, changed: Account) -> None:
    store(paths).token(WORK)
    assert store(paths, "another").token(changed) == Secret("another")
    with pytest.raises(SecretStoreError, match="not sent there"):
        store(paths, "another").token(WORK)
    assert store(paths).token(WORK) == Secret(CANARY)


def test_a_token_beside_its_address_is_for_that_address(paths: Paths) -> None:
    store(paths).token(WORK)
    environ = {"AGENTMAIL_TOKEN": CANARY, "AGENTMAIL_API_BASE_URL": "https://moved.example.com"}
    assert store(paths).token(load(paths, environ).account()) == Secret(CANARY)


def test_a_token_that_is_entered_for_the_new_place_comes_first(paths: Paths) -> None:
    store(paths).token(WORK)
    changed = ELSEWHERE["another host"]
    secrets = store(paths, backend=FakeKeyring())
    secrets.set_token(changed, Secret("entered"))
    assert secrets.token(changed) == Secret("entered")


def test_the_record_is_private_and_holds_no_token(paths: Paths) -> None:
    store(paths).token(WORK)
    record = paths.token_uses
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert CANARY not in record.read_text()
    assert record.read_text().endswith(" assmbl https://api.example.com\n")


def test_a_record_without_end_forgets_the_oldest(paths: Paths) -> None:
    for number in range(70):
        store(paths, f"token-{number}").token(WORK)
    assert len(paths.token_uses.read_text().splitlines()) == 64
    with pytest.raises(SecretStoreError, match="not sent there"):
        store(paths, "token-69").token(ELSEWHERE["another host"])


@pytest.mark.parametrize("content", [b"", b"\xff\x00\n", b"half", b"0123 assmbl", b"x" * 300_000])
def test_a_broken_record_is_begun_anew(paths: Paths, content: bytes) -> None:
    paths.token_uses.parent.mkdir(parents=True)
    paths.token_uses.write_bytes(content)
    assert store(paths).token(WORK) == Secret(CANARY)
    with pytest.raises(SecretStoreError, match="not sent there"):
        store(paths).token(ELSEWHERE["another host"])


def test_a_link_in_place_of_the_record_is_refused(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("")
    paths.token_uses.parent.mkdir(parents=True)
    paths.token_uses.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretStoreError, match="cannot be used") as refused:
        store(paths).token(WORK)
    assert "not a plain file" in refused.value.sentence


def test_a_record_that_cannot_be_written_is_remarked(paths: Paths) -> None:
    paths.data_dir.parent.mkdir(parents=True)
    paths.data_dir.mkdir()
    (paths.data_dir / "tokens").symlink_to(paths.data_dir / "nowhere")
    found = store(paths).find(WORK)
    assert found
    assert found.token == Secret(CANARY)
    assert "cannot be tied to its service" in found.remark


@pytest.mark.parametrize("text", ["two words", "é", "x" * 5_000])
def test_what_is_no_token_is_told_with_the_variable(paths: Paths, text: str) -> None:
    with pytest.raises(SecretStoreError, match="AGENTMAIL_TOKEN: That is not a token"):
        store(paths, text).token(WORK)
    assert not paths.token_uses.exists()
