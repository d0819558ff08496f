"""`doctor`: configuration, secrets, terminal, clock and connection, one line each.

Closes the trap of a support question without facts: everything is looked at even when something is
broken, nothing is changed, no secret is printed, and it works before an account is set up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from services.config import ENV_BASE_URL, Account, Config, load
from services.errors import CacheLocked, MailError
from services.paths import Paths
from services.redact import Secret
from services.safe_text import clean_line
from services.secrets import SecretStore
from tui.cli import VerbParsers

if TYPE_CHECKING:
    from services.api.factory import AccountCheck
    from services.service_config import SesPlace

State = Literal["ok", "note", "broken"]

_SKEW: Final = 120.0
"""Seconds of clock difference that begin to matter to signed links and webhooks."""
_LIBRARIES: Final = ("textual", "httpx", "tinydb", "keyring", "msgspec", "PGPy", "cryptography")
_MARKS: Final = {"ok": "ok    ", "note": "note  ", "broken": "BROKEN"}


_WITHOUT_KEYRING: Final = (
    "Unlock or start one (GNOME Keyring, KWallet), or keep tokens in files that only you can read: "
    "agentmail-tui accounts add --token-file."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, how it stands, and a sentence."""

    name: str
    state: State
    sentence: str
    next_step: str = ""


def add(verbs: VerbParsers) -> None:
    """Add the verb's parser."""
    parser = verbs.add_parser("doctor", help="check the set-up", description=__doc__ or "")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Look at everything, print it, and return 1 when something is broken."""
    findings = list(examine(arguments.profile))
    broken = any(finding.state == "broken" for finding in findings)
    if arguments.json:
        import json

        print(json.dumps({"ok": not broken, "checks": [asdict(f) for f in findings]}))
    else:
        for finding in findings:
            line = f"{finding.sentence} {finding.next_step}".rstrip()
            print(f"{_MARKS[finding.state]}  {finding.name:<9} {clean_line(line)}")
    return 1 if broken else 0


def examine(profile: str | None) -> Iterator[Finding]:
    """Yield what was found, in the order of what depends on what."""
    yield _versions()
    yield _terminal()
    try:
        paths = Paths.from_environment()
    except MailError as error:
        yield _failed("paths", error)
        return
    yield from _folders(paths)
    secrets = SecretStore(paths)
    yield _keyring(secrets)
    try:
        config = load(paths)
    except MailError as error:
        yield _failed("config", error)
        return
    yield _config(paths)
    yield from _account_findings(paths, secrets, config, profile)


def _keyring(secrets: SecretStore) -> Finding:
    keyring = secrets.keyring_state()
    sentence = _sentence(keyring.sentence)
    return (
        Finding("keyring", "ok", sentence)
        if keyring.usable
        else Finding("keyring", "note", sentence, _WITHOUT_KEYRING)
    )


def _account_findings(
    paths: Paths, secrets: SecretStore, config: Config, profile: str | None
) -> Iterator[Finding]:
    if not config.accounts and not profile:
        yield Finding(
            "account",
            "note",
            "No account is set up.",
            f"Start agentmail-tui, or set {ENV_BASE_URL}.",
        )
        return
    try:
        account = config.account(profile)
    except MailError as error:
        yield _failed("account", error)
        return
    names = ", ".join(one.name for one in config.accounts)
    yield Finding("account", "ok", f"{account.name} at {account.base_url} (known: {names}).")
    yield _cache(paths, account)
    yield from _key_findings(paths, secrets, account)
    token, finding = _token(secrets, account)
    yield finding
    if token is not None:
        yield from _service(account, token)
    if account.ses is not None:
        yield _ses(account.ses)


def _key_findings(paths: Paths, secrets: SecretStore, account: Account) -> Iterator[Finding]:
    from tui.key_findings import key_findings

    return key_findings(paths, secrets, account)


def _versions() -> Finding:
    told = [f"agentmail-tui {_version('agentmail-tui')}", f"Python {platform.python_version()}"]
    told += [f"{name} {_version(name)}" for name in _LIBRARIES]
    missing = [name for name in _LIBRARIES if _version(name) == "missing"]
    return Finding("versions", "broken" if missing else "ok", f"{', '.join(told)}.")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _terminal() -> Finding:
    environ = os.environ
    term = environ.get("TERM", "")
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    facts = [
        f"TERM {term or 'not set'}",
        f"COLORTERM {environ.get('COLORTERM') or 'not set'}",
        "over SSH" if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY") else "local",
        "in tmux" if environ.get("TMUX") else "no tmux",
        "UTF-8" if "utf" in locale.lower() else f"locale {locale or 'not set'}, ASCII glyphs",
    ]
    poor = term in ("", "dumb")
    return Finding(
        "terminal",
        "note" if poor else "ok",
        f"{', '.join(facts)}.",
        "The app needs a terminal with colours." if poor else "",
    )


def _folders(paths: Paths) -> Iterator[Finding]:
    for name, folder in (
        ("config", paths.config_dir),
        ("data", paths.data_dir),
        ("state", paths.state_dir),
    ):
        yield _folder(f"{name} dir", folder)


def _folder(name: str, folder: Path) -> Finding:
    try:
        status = folder.stat()
    except FileNotFoundError:
        return Finding(name, "ok", f"{folder} is made when needed.")
    except OSError as error:
        return Finding(name, "broken", f"{folder} cannot be read: {error.strerror}.")
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISDIR(status.st_mode):
        return Finding(name, "broken", f"{folder} is not a folder.", "Move it away.")
    if status.st_uid != os.geteuid():
        return Finding(name, "broken", f"{folder} belongs to another user.", "Use chown.")
    if mode & 0o077:
        step = f"Run: chmod 700 {folder}"
        return Finding(name, "broken", f"{folder} is open to others ({mode:04o}).", step)
    if not os.access(folder, os.W_OK | os.X_OK):
        return Finding(name, "broken", f"{folder} is not writable.", f"Run: chmod 700 {folder}")
    return Finding(name, "ok", f"{folder} ({mode:04o}).")


def _config(paths: Paths) -> Finding:
    there = paths.config_file.exists()
    return Finding("config", "ok", f"{paths.config_file} {'is fine' if there else 'is not there'}.")


def _token(secrets: SecretStore, account: Account) -> tuple[Secret | None, Finding]:
    try:
        found = secrets.find(account)
    except MailError as error:
        return None, _failed("token", error)
    if found is None:
        step = "Start agentmail-tui to enter one, or set AGENTMAIL_TOKEN."
        return None, Finding("token", "broken", "No token is known.", step)
    sentence = f"Taken from the {found.source.value}. {found.remark}".rstrip()
    return found.token, Finding("token", "note" if found.remark else "ok", sentence)


def _service(account: Account, token: Secret) -> Iterator[Finding]:
    from services.api.factory import check_account

    told = asyncio.run(check_account(account, token))
    spent = f" ({told.milliseconds:.0f} ms)" if told.milliseconds else ""
    yield Finding("service", "ok" if told.ok else "broken", told.sentence + spent, told.next_step)
    yield _clock(told)


def _ses(place: SesPlace) -> Finding:
    from services.outbound.gate.transports import ses

    if hindrance := ses.hindrance(place)[0]:
        return Finding("ses", "note", hindrance)
    told = asyncio.run(ses.check_ses(place))
    return Finding("ses", "ok" if told.ok else "broken", told.sentence, told.next_step)


def _clock(told: AccountCheck) -> Finding:
    skew = told.clock_skew
    if skew is None:
        return Finding("clock", "note", "The service did not tell its time.")
    if abs(skew) <= _SKEW:
        return Finding("clock", "ok", f"Within {max(1, round(abs(skew)))} s of the service's.")
    side = "ahead of" if skew > 0 else "behind"
    sentence = f"This machine is {abs(skew):.0f} s {side} the service."
    return Finding("clock", "note", sentence, "Set the clock: links and signatures expire by time.")


def _cache(paths: Paths, account: Account) -> Finding:
    from services.cache.files import WriterLock

    folder = paths.account_folder(account.name)
    if not folder.is_dir():
        return Finding("cache", "ok", "Empty: nothing has been fetched yet.")
    sentence = f"{_size(folder) / 1_000_000:.1f} MB in {folder}"
    lock = folder / "mail.lock"
    if not lock.exists():
        return Finding("cache", "ok", f"{sentence}.")
    try:
        WriterLock(lock).release()
    except CacheLocked:
        return Finding("cache", "note", f"{sentence}, in use by a running agentmail-tui.")
    except MailError as error:
        return _failed("cache", error)
    return Finding("cache", "ok", f"{sentence}, not in use.")


def _size(folder: Path) -> int:
    """Bytes of all files below; what goes away meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total


def _failed(name: str, error: MailError) -> Finding:
    return Finding(name, "broken", error.sentence, error.next_step)


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text[:1].upper()}{text[1:]}."
