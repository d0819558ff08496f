"""A remembered passphrase lives in the keyring or nowhere, by the same rules as the token."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.config import Account
from services.errors import SecretStoreError
from services.keys.remembered import NO_KEEPER, KeyringPassphrase
from services.paths import Paths
from services.redact import Secret
from services.secrets import SecretStore
from services.system_keyring import LONGEST, SERVICE, SystemKeyring
from tests.fakes.keyrings import FakeForgetful, FakeHanging, FakeKeyring, FakeLocked, FakePlaintext
from tests.patience import PATIENCE

WORK = Account("work", "assmbl", "https://api.example.com", address="bot@agents.example.com")
CANARY = Secret("pass-canary-9d1f äöü")


def keeper(tmp_path: Path, backend: object) -> KeyringPassphrase:
    paths = Paths.from_environment({"HOME": str(tmp_path)})
    seconds = 0.1 if isinstance(backend, FakeHanging) else PATIENCE
    keyring = SystemKeyring(lambda: backend, seconds=seconds)  # type: ignore[arg-type,return-value]
    return KeyringPassphrase(WORK, SecretStore(paths, environ={}, keyring=keyring))


def test_it_is_kept_under_the_account_and_its_own_name(tmp_path: Path) -> None:
    backend = FakeKeyring()
    kept = keeper(tmp_path, backend)
    assert kept.get() is None
    assert "desktop keyring" in kept.put(CANARY)
    name = (SERVICE, "https://api.example.com|bot|passphrase")
    assert backend.kept == {name: CANARY.reveal()}
    assert kept.get() == CANARY
    kept.forget()
    assert backend.kept == {}


@pytest.mark.parametrize("backend", [FakePlaintext, FakeForgetful, FakeLocked, FakeHanging])
def test_a_keyring_that_does_not_keep_it_safely_is_refused_and_no_file_takes_its_place(
    tmp_path: Path, backend: type[FakeKeyring]
) -> None:
    made = backend()
    kept = keeper(tmp_path, made)
    with pytest.raises(SecretStoreError) as refused:
        kept.put(CANARY)
    assert "canary" not in str(refused.value)
    assert kept.get() is None
    assert list(tmp_path.rglob("*")) == []
    if isinstance(made, FakeHanging):
        made.release.set()


def test_a_passphrase_beyond_what_keyrings_keep_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SecretStoreError, match="longer"):
        keeper(tmp_path, FakeKeyring()).put(Secret("x" * (LONGEST + 1)))


def test_without_a_keyring_there_is_nothing_to_keep_it_in() -> None:
    assert NO_KEEPER.get() is None
    NO_KEEPER.forget()
    with pytest.raises(SecretStoreError):
        NO_KEEPER.put(CANARY)
