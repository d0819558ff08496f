"""The configuration: accounts and settings in one TOML file, and what the environment adds.

Closes three traps. A half-written or hand-broken file: writing is atomic and keeps every key that
this version does not know, and an error names the file and the key. Mailboxes mixed up: an account
from the environment has a name of its own made from its URL and token, so another token never opens
the first one's cache. A token sent to the wrong service: the environment's token is tied to the
account that it was meant for. The file holds no secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import sha256
from typing import Any, Final

from services import origins
from services.account_colours import read_colour
from services.errors import ConfigError, UsageError
from services.paths import Paths, account_name
from services.policy_config import DEFAULT_POLICY, Policy, Repeats, read_policy, read_repeats
from services.service_config import (
    AGENTMAIL_TO,
    ASSMBL,
    SendProfile,
    SesPlace,
    read_profile,
    read_ses,
    service_url,
)
from services.toml_file import read_toml, table_of, text_of, texts_of, write_toml

ENV_BASE_URL: Final = "AGENTMAIL_API_BASE_URL"
ENV_TOKEN: Final = "AGENTMAIL_TOKEN"  # noqa: S105 - the name of a variable
ENV_MAIL_DOMAIN: Final = "MAIL_DOMAIN"

_DOMAIN: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "preview": ("auto", "right", "below", "off"),
    "keymap": ("default", "vim", "gmail", "mutt", "emacs"),
    "mark_read": ("open", "manual"),
    "glyphs": ("auto", "unicode", "ascii"),
}
_POLL: Final = range(5, 86_401)
_IDLE_LOCK: Final = range(1, 1_441)
_IDLE_MINUTES: Final = 15


@dataclass(frozen=True, slots=True)
class Account:
    """One mailbox on one service. The token is not here: see `services.secrets`."""

    name: str
    kind: str
    base_url: str
    mail_domain: str = ""
    """What follows the @ of the service's own addresses; "" when unknown."""
    address: str = ""
    """The mailbox's address; "" when unknown."""
    proxy: str = ""
    """An explicit HTTP proxy; the environment's proxies are never given the token."""
    storage_hosts: tuple[str, ...] = ()
    """Storage hosts to trust besides S3 and the API's own host (`services.origins`)."""
    from_environment: bool = False
    """Made of AGENTMAIL_API_BASE_URL, not of the file."""
    takes_environment_token: bool = False
    """AGENTMAIL_TOKEN was meant for this account."""
    policy: Policy = DEFAULT_POLICY
    """What may leave it (`[accounts.NAME.policy]`); written by the operator alone."""
    repeats: Repeats = Repeats.UNKNOWN
    """Whether the service delivers a mail once that is sent twice under one key."""
    profile: SendProfile = SendProfile.STRICT
    """How much AgentMail.to is asked to carry."""
    ses: SesPlace | None = None
    """The way out by Amazon SES (`[accounts.NAME.ses]`)."""
    colour: str = ""
    """What its mark in lists is painted with, a word of `services.account_colours`; "" any."""

    @property
    def agent(self) -> str:
        """What tells this mailbox from others on the same service: the agent id, else the name.

        The inboxes of AgentMail.to lie in many domains, so there it is the whole address.
        """
        whole = self.address if self.kind == AGENTMAIL_TO else self.address.partition("@")[0]
        return whole or self.name


@dataclass(frozen=True, slots=True)
class Settings:
    """How the program looks and behaves (`[ui]`)."""

    theme: str = ""
    """A theme's name; "" for the program's own."""
    preview: str = "auto"
    """Where the reader stands: auto by width, right, below, off."""
    keymap: str = "default"
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The operator's own keys (`[ui.keys]`): command id → keys; checked by `tui.keymap`."""
    mark_read: str = "open"
    """Whether opening a message marks it read: open, manual."""
    glyphs: str = "auto"
    mouse: bool = True
    poll_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is configured; accounts in the order of the file, the environment's first."""

    accounts: tuple[Account, ...] = ()
    settings: Settings = field(default_factory=Settings)
    default: str = ""
    idle_lock_minutes: int = _IDLE_MINUTES
    """After how long without use the own keys lock (`[keys] idle_lock_minutes`)."""
    keep_decrypted: bool = False
    """Decrypted text is kept on the disk, sealed to the own key (`[keys] keep_decrypted`)."""

    def account(self, name: str | None = None) -> Account:
        """Return the named account, else the default, else the first; ConfigError without one."""
        if name:
            for account in self.accounts:
                if account.name == name:
                    return account
            known = ", ".join(account.name for account in self.accounts) or "none"
            raise ConfigError(f'There is no account "{name}".', f"Known accounts: {known}.")
        if not self.accounts:
            raise ConfigError(
                "No account is set up.",
                f"Start agentmail-tui to set one up, or set {ENV_BASE_URL} and {ENV_TOKEN}.",
            )
        return next((a for a in self.accounts if a.name == self.default), self.accounts[0])


def load(paths: Paths, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration file and the environment; ConfigError names the file and the key."""
    where = str(paths.config_file)
    document = read_toml(paths.config_file)
    settings = _settings(table_of(document, "ui", where), where)
    tables = table_of(document, "accounts", where)
    place = f"{where}, accounts"
    accounts = [_account(name, table_of(tables, name, place), place) for name in tables]
    default = text_of(document, "default", where)
    keys = table_of(document, "keys", where)
    config = Config(
        tuple(accounts), settings, default, _idle_lock(keys, where), _keep_decrypted(keys, where)
    )
    return _with_environment(config, environ)


def save_account(paths: Paths, account: Account, *, make_default: bool = True) -> None:
    """Write one account into the file, keeping everything else in it; ConfigError when refused."""
    save_accounts(paths, (account,), default=account.name if make_default else "")


def save_accounts(paths: Paths, accounts: Iterable[Account], *, default: str = "") -> None:
    """Write accounts into the file in one step; `default` makes one of them the default one."""
    checked = [check_account_fields(account) for account in accounts]
    document = read_toml(paths.config_file)
    where = str(paths.config_file)
    tables = document["accounts"] = table_of(document, "accounts", where)
    is_first = not tables
    for account in checked:
        _put_account(tables, account, f"{where}, accounts")
    if checked and (default or is_first):
        document["default"] = default or checked[0].name
    write_toml(paths.config_file, document)


def _put_account(tables: dict[str, Any], checked: Account, where: str) -> None:
    entry = tables[checked.name] = table_of(tables, checked.name, where)
    known = {
        "kind": checked.kind,
        "base_url": checked.base_url,
        "mail_domain": checked.mail_domain,
        "address": checked.address,
        "proxy": checked.proxy,
        "storage_hosts": list(checked.storage_hosts),
        "repeats": checked.repeats.value if checked.repeats is not Repeats.UNKNOWN else "",
        "profile": checked.profile.value if checked.profile is not SendProfile.STRICT else "",
        "colour": checked.colour,
    }
    for key, value in known.items():
        if value:
            entry[key] = value
        else:
            entry.pop(key, None)


def remove_account(paths: Paths, name: str) -> None:
    """Take one account out of the file; ConfigError when it is not there."""
    document = read_toml(paths.config_file)
    if table_of(document, "accounts", str(paths.config_file)).pop(name, None) is None:
        raise ConfigError(f'There is no account "{name}" in {paths.config_file}.')
    if document.get("default") == name:
        del document["default"]
    write_toml(paths.config_file, document)


def save_settings(paths: Paths, settings: Settings) -> None:
    """Write the settings that differ from the built-in ones, keeping everything else in the file."""
    document = read_toml(paths.config_file)
    table = document["ui"] = table_of(document, "ui", str(paths.config_file))
    for entry in fields(Settings):
        value = getattr(settings, entry.name)
        if value == getattr(Settings(), entry.name):
            table.pop(entry.name, None)
        else:
            table[entry.name] = value
    _settings(table, str(paths.config_file))
    write_toml(paths.config_file, document)


def check_account_fields(account: Account) -> Account:
    """Return the account with its fields checked and normalised; UsageError says what is wrong."""
    account_name(account.name)
    url = service_url(account.kind, account.base_url)
    if account.mail_domain and not _DOMAIN.fullmatch(account.mail_domain):
        raise UsageError(
            f'"{account.mail_domain}" is not a mail domain.', "It looks like agents.example.com."
        )
    if account.address and account.address.count("@") != 1:
        raise UsageError("address is not a mail address.", "It looks like bot@agents.example.com.")
    return replace(
        account,
        base_url=url,
        mail_domain=account.mail_domain.lower(),
        proxy=origins.proxy_url(account.proxy) if account.proxy else "",
    )


# ── reading ──────────────────────────────────────────────────────────────────────────────────────


def _account(name: str, table: Mapping[str, Any], where: str) -> Account:
    place = f"{where}.{name}"
    account = Account(
        name=name,
        kind=text_of(table, "kind", place) or ASSMBL,
        base_url=text_of(table, "base_url", place),
        mail_domain=text_of(table, "mail_domain", place),
        address=text_of(table, "address", place),
        proxy=text_of(table, "proxy", place),
        storage_hosts=texts_of(table, "storage_hosts", place),
        policy=read_policy(table_of(table, "policy", place), f"{place}.policy"),
        repeats=read_repeats(table, place),
        profile=read_profile(table, place),
        ses=read_ses(table, place),
        colour=read_colour(table, place),
    )
    if not account.base_url and account.kind != AGENTMAIL_TO:
        raise ConfigError(f"{place}: base_url is missing.", "Add base_url, or remove the account.")
    return _in_file(place, lambda: check_account_fields(account))


def _in_file(place: str, check: Callable[[], Account]) -> Account:
    try:
        return check()
    except UsageError as error:
        raise ConfigError(f"{place}: {error.sentence}", error.next_step) from error


def _settings(table: Mapping[str, Any], where: str) -> Settings:
    found: dict[str, Any] = {}
    place = f"{where}, ui"
    for key, allowed in _CHOICES.items():
        if key in table and table[key] not in allowed:
            raise ConfigError(f"{place}: {key} must be one of {', '.join(allowed)}.")
    if not isinstance(table.get("mouse", True), bool):
        raise ConfigError(f"{place}: mouse must be true or false.")
    poll = table.get("poll_seconds", 60)
    if isinstance(poll, bool) or not isinstance(poll, int) or poll not in _POLL:
        raise ConfigError(f"{place}: poll_seconds must be a number from 5 to 86400.")
    text_of(table, "theme", place)
    for entry in fields(Settings):
        if entry.name in table:
            found[entry.name] = table[entry.name]
    if "keys" in table:
        found["keys"] = _keys(table_of(table, "keys", place), f"{place}.keys")
    return Settings(**found)


def _idle_lock(table: Mapping[str, Any], where: str) -> int:
    minutes = table.get("idle_lock_minutes", _IDLE_MINUTES)
    if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes not in _IDLE_LOCK:
        raise ConfigError(
            f"{where}: idle_lock_minutes must be a number from {_IDLE_LOCK[0]} to {_IDLE_LOCK[-1]}.",
            "It stands under [keys].",
        )
    return minutes


def _keep_decrypted(table: Mapping[str, Any], where: str) -> bool:
    keep = table.get("keep_decrypted", False)
    if not isinstance(keep, bool):
        raise ConfigError(
            f"{where}: keep_decrypted must be true or false.", "It stands under [keys]."
        )
    return keep


def _keys(table: Mapping[str, Any], where: str) -> Mapping[str, tuple[str, ...]]:
    """Each command with one key or a list of keys."""
    listed: dict[str, Any] = {}
    for name, keys in table.items():
        one = [keys] if isinstance(keys, str) else keys
        listed[name] = list(one) if isinstance(one, tuple) else one
    return {name: texts_of(listed, name, where) for name in listed}


def _with_environment(config: Config, environ: Mapping[str, str]) -> Config:
    """Add what AGENTMAIL_API_BASE_URL, AGENTMAIL_TOKEN and MAIL_DOMAIN say."""
    url = environ.get(ENV_BASE_URL, "").strip()
    token = environ.get(ENV_TOKEN, "")
    if not url:
        # The variable is Assmbl's: a key of AgentMail.to has another name, and no other gets there.
        kinds = [account.kind for account in config.accounts]
        is_meant = bool(token) and kinds == [ASSMBL]
        return replace(config, accounts=_marked(config.accounts)) if is_meant else config
    key = f"{url}\n{token}" if token else f"{url}\n{environ.get(ENV_MAIL_DOMAIN, '')}"
    account = Account(
        name=f"env-{sha256(key.encode('utf-8', 'surrogateescape')).hexdigest()[:12]}",
        kind=ASSMBL,
        base_url=url,
        mail_domain=environ.get(ENV_MAIL_DOMAIN, "").strip(),
        from_environment=True,
        takes_environment_token=True,
    )
    checked = _in_file(
        f"Environment variable {ENV_BASE_URL}", lambda: check_account_fields(account)
    )
    return replace(config, accounts=(checked, *config.accounts), default=checked.name)


def _marked(accounts: Iterable[Account]) -> tuple[Account, ...]:
    return tuple(replace(account, takes_environment_token=True) for account in accounts)
