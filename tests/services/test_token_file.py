"""A kept token goes to the service that it was kept for, whatever the configuration says later."""

from __future__ import annotations

import os
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
from services.token_file import TokenFile
from tests.fakes.keyrings import FakeKeyring, FakePlaintext

CANARY = "tok-canary-51c7"
WORK = Account("work", "assmbl", "https://api.example.com/prod", address="bot@agents.example.com")
ELSEWHERE = {
    "another host": replace(WORK, base_url="https://api.example.net/prod"),
    "another port": replace(WORK, base_url="https://api.example.com:8443/prod"),
    "another scheme": replace(WORK, base_url="http://api.example.com/prod"),
    "a longer name": replace(WORK, base_url="https://api.example.com.evil.example/prod"),
    "another kind": replace(WORK, kind="agentmail.to"),
    "both": replace(WORK, kind="agentmail.to", base_url="https://api.agentmail.to/v0"),
}
ANYWHERE_ELSE = pytest.mark.parametrize("changed", ELSEWHERE.values(), ids=[*ELSEWHERE])


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_environment({"HOME": str(tmp_path)})


def store(paths: Paths, backend: object) -> SecretStore:
    keyring = SystemKeyring(lambda: backend)  # type: ignore[arg-type,return-value]
    return SecretStore(paths, environ={}, keyring=keyring)


def file_of(paths: Paths, content: bytes) -> Path:
    file = paths.token_file("work")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@ANYWHERE_ELSE
def test_a_token_in_a_file_is_not_given_to_another_service(paths: Paths, changed: Account) -> None:
    secrets = store(paths, FakePlaintext())
    secrets.set_token(WORK, Secret(CANARY), allow_file=True)
    with pytest.raises(SecretStoreError) as refused:
        secrets.token(changed)
    assert "assmbl at https://api.example.com," in refused.value.sentence
    assert "base_url" in refused.value.next_step
    report = traceback.TracebackException.from_exception(refused.value, capture_locals=True)
    assert CANARY not in "".join(report.format())
    assert secrets.token(WORK) == Secret(CANARY)


@pytest.mark.parametrize(
    "content", [CANARY.encode(), f"{CANARY}\n".encode(), f" Bearer {CANARY} \r\n\n".encode()]
)
@ANYWHERE_ELSE
def test_a_file_of_before_works_on_and_is_tied_at_its_first_use(
    paths: Paths, content: bytes, changed: Account
) -> None:
    file_of(paths, content)
    secrets = store(paths, FakePlaintext())
    found = secrets.find(WORK)
    assert found
    assert (found.token, found.source, found.remark) == (Secret(CANARY), TokenSource.FILE, "")
    with pytest.raises(SecretStoreError, match="not sent there"):
        secrets.token(changed)
    assert store(paths, FakePlaintext()).token(WORK) == Secret(CANARY)


def test_another_path_or_inbox_of_the_same_service_keeps_the_token(paths: Paths) -> None:
    secrets = store(paths, FakePlaintext())
    secrets.set_token(WORK, Secret(CANARY), allow_file=True)
    same = replace(WORK, base_url="https://api.example.com:443/v2", address="two@x.example")
    assert secrets.token(same) == Secret(CANARY)


@ANYWHERE_ELSE
def test_a_token_set_for_the_new_place_is_for_that(paths: Paths, changed: Account) -> None:
    secrets = store(paths, FakePlaintext())
    secrets.set_token(WORK, Secret(CANARY), allow_file=True)
    secrets.set_token(changed, Secret("new"), allow_file=True)
    assert secrets.token(changed) == Secret("new")
    with pytest.raises(SecretStoreError, match="not sent there"):
        secrets.token(WORK)


def test_a_new_token_that_comes_in_between_is_not_written_over(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(paths, f"{CANARY}\n".encode())
    opened, other = os.open, replace(WORK, base_url="https://api.example.net")

    def overtaken(path: object, flags: int, *more: int) -> int:
        if path == file and flags & os.O_APPEND:
            monkeypatch.undo()
            TokenFile(file, other).write(Secret("the-new-one"))
        return opened(path, flags, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", overtaken)
    assert TokenFile(file, WORK).read()
    assert file.read_text() == "the-new-one\nassmbl https://api.example.net\n"


def test_a_file_that_cannot_be_written_is_used_and_that_is_told(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(paths, f"{CANARY}\n".encode())
    opened = os.open

    def refuse(path: object, flags: int, *more: int) -> int:
        if path == file and flags & os.O_APPEND:
            raise PermissionError(13, "Permission denied")
        return opened(path, flags, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    found = store(paths, FakePlaintext()).find(WORK)
    assert found
    assert found.token == Secret(CANARY)
    assert "cannot be tied to its service: Permission denied" in found.remark


@pytest.mark.parametrize(
    "content",
    [
        b"tok\nassmbl\n", b"tok\nassmbl https://a.example\nmore\n", b"tok\nASSMBL https://a b\n",
        b"tok\n\xff https://a.example\n", b"tok" + b"\n" * 9_000, b"two words\nassmbl https://a\n",
    ],
)  # fmt: skip
def test_a_file_that_says_odd_things_is_not_used(paths: Paths, content: bytes) -> None:
    file_of(paths, content)
    with pytest.raises(SecretStoreError, match="does not hold a token"):
        store(paths, FakePlaintext()).token(WORK)


# The kind alone sends it nowhere else: the whole base URL is the entry's name.
@pytest.mark.parametrize("name", [name for name in ELSEWHERE if name != "another kind"])
def test_an_entry_of_the_keyring_is_for_one_base_url(paths: Paths, name: str) -> None:
    secrets = store(paths, FakeKeyring())
    secrets.set_token(WORK, Secret(CANARY))
    assert secrets.token(ELSEWHERE[name]) is None
    assert secrets.token(WORK) == Secret(CANARY)


def test_a_base_url_edited_by_hand_does_not_take_the_token_along(paths: Paths) -> None:
    save_account(paths, WORK)
    secrets = store(paths, FakePlaintext())
    secrets.set_token(load(paths, {}).account("work"), Secret(CANARY), allow_file=True)
    text = paths.config_file.read_text()
    paths.config_file.write_text(text.replace("api.example.com", "api.example.net"))
    with pytest.raises(SecretStoreError, match=r"is now assmbl at https://api\.example\.net"):
        secrets.token(load(paths, {}).account("work"))
