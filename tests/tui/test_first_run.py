"""Setting an account up: what is checked, where the token goes, which cache is used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.config import load
from services.errors import MailError, SecretStoreError
from services.paths import Paths
from services.secrets import Secret, SecretStore
from tui.first_run import AccountForm, AccountSetUp, TokenPlace


@pytest.fixture
def paths() -> Paths:
    return Paths.from_environment()


@pytest.fixture
def secrets(paths: Paths) -> SecretStore:
    return SecretStore(paths)


def test_a_right_account_is_found_and_its_token_can_be_kept_for_the_session(
    paths, secrets, sandbox, agent
):
    set_up = AccountSetUp(paths, secrets, None)
    form = AccountForm(sandbox.base_url, "agents.example.com", agent.address)
    assert "unread" in set_up.check(form, Secret(agent.token))
    opened = set_up.keep((form,), Secret(agent.token), TokenPlace.SESSION)
    assert opened.account == agent.address
    account = load(paths, {}).account()
    assert account.base_url == sandbox.base_url
    assert secrets.token(account) == Secret(agent.token)
    assert agent.token not in paths.config_file.read_text()


def test_a_wrong_token_is_a_sentence_without_the_token(paths, secrets, sandbox):
    form = AccountForm(sandbox.base_url, "agents.example.com", "")
    with pytest.raises(MailError) as caught:
        AccountSetUp(paths, secrets, None).check(form, Secret("wrong-token-canary"))
    assert caught.value.sentence
    assert "canary" not in str(caught.value)
    assert caught.value.next_step == "Copy the token whole from the service's dashboard."


def test_without_a_keyring_the_token_is_kept_nowhere_until_the_operator_chose(
    paths, secrets, sandbox, agent
):
    set_up = AccountSetUp(paths, secrets, None)
    form = AccountForm(sandbox.base_url, "", agent.address)
    with pytest.raises(SecretStoreError):
        set_up.keep((form,), Secret(agent.token), TokenPlace.KEYRING)
    assert not paths.config_file.exists()
    set_up.keep((form,), Secret(agent.token), TokenPlace.FILE)
    file = paths.token_file(load(paths, {}).account().name)
    assert file.read_text().splitlines() == [agent.token, f"assmbl {sandbox.base_url}"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_service_or_address_never_opens_the_first_mailboxs_cache(
    paths, secrets, sandbox, agent
):
    first = AccountForm(sandbox.base_url, "", agent.address)
    AccountSetUp(paths, secrets, None).keep((first,), Secret(agent.token), TokenPlace.SESSION)
    known = load(paths, {}).account()
    again = AccountSetUp(paths, secrets, known)
    again.keep((first,), Secret(agent.token), TokenPlace.SESSION)
    assert load(paths, {}).account().name == known.name
    other = replace(first, address="other@agents.example.com")
    again.keep((other,), Secret(agent.token), TokenPlace.SESSION)
    assert load(paths, {}).account().name != known.name
