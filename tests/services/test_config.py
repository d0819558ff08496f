"""The configuration file: exact sentences, nothing unknown lost, mailboxes never mixed up."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from services.config import (
    Account,
    Settings,
    load,
    remove_account,
    save_account,
    save_accounts,
    save_settings,
)
from services.errors import ConfigError, UsageError
from services.paths import Paths

WORK = Account("work", "assmbl", "https://api.example.com", "agents.example.com", "bot@a.example")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths.from_environment({"HOME": str(tmp_path)})


def write(paths: Paths, text: str) -> None:
    paths.config_dir.mkdir(parents=True, exist_ok=True)
    paths.config_file.write_text(text)


def test_without_a_file_there_are_no_accounts_and_the_built_in_settings(paths: Paths) -> None:
    config = load(paths, {})
    assert config.accounts == ()
    assert config.settings == Settings()
    with pytest.raises(ConfigError, match="No account is set up"):
        config.account()


def test_an_account_comes_back_as_it_was_saved(paths: Paths) -> None:
    save_account(paths, WORK)
    assert load(paths, {}).accounts == (WORK,)
    assert load(paths, {}).account("work") == WORK
    assert stat.S_IMODE(paths.config_file.stat().st_mode) == 0o600


def test_saving_keeps_what_this_version_does_not_know(paths: Paths) -> None:
    write(
        paths,
        'future = 1\n[ui]\nmark_read = "manual"\nsparkle = true\n'
        '[accounts.work]\nbase_url = "https://old.example"\ntint = "red"\n',
    )
    save_account(paths, WORK)
    save_settings(paths, Settings(mark_read="manual", preview="right"))
    text = paths.config_file.read_text()
    for kept in ("future = 1", "sparkle = true", 'tint = "red"', 'preview = "right"'):
        assert kept in text


def test_the_default_account_is_the_last_one_saved_unless_told(paths: Paths) -> None:
    other = Account("other", "assmbl", "https://b.example.com")
    save_account(paths, WORK)
    save_account(paths, other, make_default=False)
    assert load(paths, {}).account().name == "work"
    save_account(paths, other)
    assert load(paths, {}).account().name == "other"
    remove_account(paths, "other")
    assert load(paths, {}).account().name == "work"


def test_an_unknown_account_is_told_with_the_known_ones(paths: Paths) -> None:
    save_account(paths, WORK)
    with pytest.raises(ConfigError, match=r'no account "home".*work'):
        load(paths, {}).account("home")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = ", "is not a TOML file"),
        ("x = " + "[" * 5_000, "is not a TOML file"),
        ("accounts = 1", "accounts must be a table"),
        ("[accounts]\nwork = 1", "work must be a table"),
        ("[accounts.work]\n", r"accounts\.work: base_url is missing"),
        ("[accounts.work]\nbase_url = 3", r"accounts\.work: base_url must be text"),
        ('[accounts.work]\nbase_url = "http://a.example"', "must start with https"),
        ('[accounts.work]\nkind = "imap"\nbase_url = "https://a.example"', 'kind "imap"'),
        (
            '[accounts.work]\nbase_url = "https://a.example"\nmail_domain = "a b"',
            r"accounts\.work:.*mail domain",
        ),
        (
            '[accounts.work]\nbase_url = "https://a.example"\nstorage_hosts = "x"',
            "storage_hosts must be a list",
        ),
        (
            '[accounts.work]\nbase_url = "https://a.example"\nproxy = "http://u:p@x"',
            "proxy must not hold",
        ),
        ('[accounts."../x"]\nbase_url = "https://a.example"', "account name"),
        ('[ui]\nmark_read = "wild"', "ui: mark_read must be one of open, manual"),
        ("[ui]\nmark_read = []", "ui: mark_read must be one of"),
        ("[ui]\nmouse = 1", "ui: mouse must be true or false"),
        ("[ui]\npoll_seconds = 1", "ui: poll_seconds must be"),
        ("[ui]\npoll_seconds = true", "ui: poll_seconds must be"),
        ("[ui]\ntheme = 1", "ui: theme must be text"),
        ("ui = 1", "ui must be a table"),
        ("default = 1", "default must be text"),
    ],
)
def test_a_wrong_file_is_told_by_file_and_key(paths: Paths, text: str, told: str) -> None:
    write(paths, text)
    with pytest.raises(ConfigError, match=told) as error:
        load(paths, {})
    assert str(paths.config_file) in error.value.sentence


def test_a_file_that_is_not_text_is_told(paths: Paths) -> None:
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not a TOML file"):
        load(paths, {})


def test_a_broken_file_is_never_overwritten_by_saving(paths: Paths) -> None:
    write(paths, "x = ")
    with pytest.raises(ConfigError):
        save_account(paths, WORK)
    assert paths.config_file.read_text() == "x = "


def test_saving_refuses_what_loading_would_refuse(paths: Paths) -> None:
    with pytest.raises(UsageError):
        save_account(paths, Account("work", "assmbl", "http://a.example"))
    with pytest.raises(ConfigError):
        save_settings(paths, Settings(mark_read="wild"))
    assert not paths.config_file.exists()


def test_the_environment_makes_an_account_that_comes_first(paths: Paths) -> None:
    save_account(paths, WORK)
    environ = {
        "AGENTMAIL_API_BASE_URL": "https://env.example/",
        "AGENTMAIL_TOKEN": "t1",
        "MAIL_DOMAIN": "Agents.Example.com",
    }
    config = load(paths, environ)
    account = config.account()
    assert account.from_environment
    assert account.base_url == "https://env.example"
    assert account.mail_domain == "agents.example.com"
    assert config.account("work") == WORK


def test_another_token_in_the_environment_is_another_account(paths: Paths) -> None:
    def name(token: str) -> str:
        environ = {"AGENTMAIL_API_BASE_URL": "https://env.example", "AGENTMAIL_TOKEN": token}
        return load(paths, environ).account().name

    assert name("t1") == name("t1")
    assert name("t1") != name("t2")
    assert "t1" not in name("t1")


def test_a_wrong_url_in_the_environment_is_told_by_its_variable(paths: Paths) -> None:
    with pytest.raises(ConfigError, match="AGENTMAIL_API_BASE_URL"):
        load(paths, {"AGENTMAIL_API_BASE_URL": "env.example"})


def test_a_token_alone_is_for_the_only_account(paths: Paths) -> None:
    save_account(paths, WORK)
    assert load(paths, {"AGENTMAIL_TOKEN": "t"}).account().takes_environment_token
    save_account(paths, Account("other", "assmbl", "https://b.example.com"))
    accounts = load(paths, {"AGENTMAIL_TOKEN": "t"}).accounts
    assert not any(account.takes_environment_token for account in accounts)


def test_a_token_of_assmbl_is_never_a_key_of_agentmail_to(paths: Paths) -> None:
    save_account(paths, Account("swarm", "agentmail.to", "", address="bot@agentmail.to"))
    assert not load(paths, {"AGENTMAIL_TOKEN": "t"}).account().takes_environment_token


def test_a_pipe_or_a_device_in_the_place_of_the_file_is_refused(paths: Paths) -> None:
    paths.config_dir.mkdir(parents=True)
    os.mkfifo(paths.config_file)
    with pytest.raises(ConfigError, match="not a plain file"):
        load(paths, {})
    paths.config_file.unlink()
    paths.config_file.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="not a plain file"):
        load(paths, {})


def test_decrypted_text_is_kept_only_when_the_file_says_so(paths: Paths) -> None:
    assert not load(paths, {}).keep_decrypted
    paths.config_dir.mkdir(parents=True)
    paths.config_file.write_text("[keys]\nkeep_decrypted = true\n")
    assert load(paths, {}).keep_decrypted
    paths.config_file.write_text('[keys]\nkeep_decrypted = "yes"\n')
    with pytest.raises(ConfigError, match="keep_decrypted must be true or false"):
        load(paths, {})


def test_an_account_has_a_colour_of_its_own_by_a_known_word(paths: Paths) -> None:
    write(paths, '[accounts.work]\nbase_url = "https://a.example"\ncolour = "pink"\n')
    assert load(paths, {}).account("work").colour == "pink"
    write(paths, '[accounts.work]\nbase_url = "https://a.example"\ncolour = "#ff0000"\n')
    with pytest.raises(ConfigError, match=r"colour must be one of blue, green"):
        load(paths, {})


def test_several_accounts_are_written_in_one_step_or_not_at_all(paths: Paths) -> None:
    good = Account("one", "assmbl", "https://a.example")
    bad = Account("two", "assmbl", "ftp://a.example")
    with pytest.raises(UsageError):
        save_accounts(paths, (good, bad))
    assert not paths.config_file.exists()
    save_accounts(paths, (good, Account("two", "assmbl", "https://b.example")), default="two")
    assert [one.name for one in load(paths, {}).accounts] == ["one", "two"]
    assert load(paths, {}).account().name == "two"
