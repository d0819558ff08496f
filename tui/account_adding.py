"""`accounts add`: asks for what is missing, tries every mailbox, then writes all of them or none.

Closes three traps: half an account (a token without its table, or the other way round, is taken back),
a second account over the same mailbox (they would share cache and token), and a token that lands in a
file nobody has agreed to.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.config import Account, check_account_fields, load, save_accounts
from services.errors import (
    ConfigError,
    MailError,
    SecretStoreError,
    ServiceError,
    SignedOut,
    UsageError,
)
from services.paths import Paths, account_name
from services.redact import Secret
from services.safe_text import clean_line
from services.secrets import SecretStore, StoredToken, TokenSource
from services.service_config import AGENTMAIL_TO, AGENTMAIL_TO_URL, ASSMBL, service_url
from tui import passphrase as asking
from tui.listing import print_json

if TYPE_CHECKING:
    from services.api.agentmail_to.inboxes import RemoteInbox
    from services.api.factory import AccountCheck

_AGAIN: Final = (
    "Nothing was added. Copy the token whole from the service's dashboard, and try again."
)
_NEITHER: Final = re.compile(r"[^A-Za-z0-9._+-]")


class TriedService(ServiceError):
    """A mailbox that was tried and cannot be used; ends as the trouble itself would."""

    def __init__(self, told: AccountCheck) -> None:
        super().__init__(told.sentence, told.next_step)
        self.exit_code = told.exit_code or 1


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be added: one account for each address."""

    kind: str
    base_url: str
    addresses: tuple[str, ...]
    token: Secret


def add_accounts(arguments: argparse.Namespace) -> int:
    """Add one account, or one for each inbox that was chosen; raises UsageError, ServiceError."""
    paths = Paths.from_environment()
    known, secrets = load(paths, environ={}).accounts, SecretStore(paths)
    wanted = _wanted(arguments)
    accounts = _accounts(arguments, wanted, known)
    told = [_try(account, wanted.token) for account in accounts]
    places = _keep(paths, secrets, accounts, wanted.token, arguments)
    if arguments.json:
        print_json([{"name": one.name, "address": one.address} for one in accounts])
        return 0
    for account, sentence in zip(accounts, told, strict=True):
        where = account.address or account.base_url
        sys.stdout.write(f"Added {account.name}: {clean_line(where)}. {clean_line(sentence)}\n")
    for place in dict.fromkeys(places):
        sys.stdout.write(f"{clean_line(place)}\n")
    return 0


# ── what is wanted ───────────────────────────────────────────────────────────────────────────────


def _wanted(arguments: argparse.Namespace) -> _Wanted:
    kind = arguments.kind or _asked_kind()
    url = arguments.base_url or ""
    if kind == ASSMBL and not url:
        url = _asked("Base URL of the service", "--base-url")
    checked = service_url(kind, url or AGENTMAIL_TO_URL)
    token = asking.token(arguments.token_fd)
    addresses = tuple(dict.fromkeys(arguments.address))
    if kind == AGENTMAIL_TO:
        found = _inboxes(checked, token, arguments.proxy)
        addresses = _chosen(found, addresses, everything=arguments.all_inboxes)
    elif len(addresses) > 1:
        raise UsageError("An account of Assmbl has one address.", "Add them one by one.")
    elif not addresses and sys.stdin.isatty() and arguments.token_fd is None:
        typed = _asked("Address of the agent (Enter: unknown)", "--address", may_be_empty=True)
        addresses = (typed,) if typed else ()
    return _Wanted(kind, checked, addresses or ("",), token)


def _asked_kind() -> str:
    if not sys.stdin.isatty():
        raise UsageError("Which service is it?", f"Add --kind {ASSMBL} or --kind {AGENTMAIL_TO}.")
    sys.stderr.write("Which service?\n  1  Assmbl\n  2  AgentMail.to\n")
    answer = _asked("1 or 2", "--kind")
    kinds = {"1": ASSMBL, "2": AGENTMAIL_TO, ASSMBL: ASSMBL, AGENTMAIL_TO: AGENTMAIL_TO}
    if answer.lower() not in kinds:
        raise UsageError("That is neither 1 nor 2.", "Nothing was changed; start again.")
    return kinds[answer.lower()]


def _asked(question: str, option: str, *, may_be_empty: bool = False) -> str:
    if not sys.stdin.isatty():
        raise UsageError(f"{question}: nobody can be asked.", f"Add {option}.")
    sys.stderr.write(f"{question}: ")
    sys.stderr.flush()
    answer = sys.stdin.readline().strip()
    if not answer and not may_be_empty:
        raise UsageError("Nothing was typed.", "Nothing was changed; start again.")
    return answer


def _inboxes(base_url: str, token: Secret, proxy: str) -> tuple[RemoteInbox, ...]:
    try:
        return asyncio.run(inboxes_of(base_url, token, proxy))
    except SignedOut as error:
        raise SignedOut(error.sentence, _AGAIN) from None


async def inboxes_of(base_url: str, token: Secret, proxy: str = "") -> tuple[RemoteInbox, ...]:
    """Return the inboxes that a key of AgentMail.to reaches; raises ServiceError, UsageError."""
    from services.api.agentmail_to.door import V0Door
    from services.api.agentmail_to.inboxes import Inboxes, RemoteInbox

    door = V0Door(base_url, token, proxy=proxy)
    try:
        inboxes = Inboxes(door)
        identity = await inboxes.identity()
        if identity.inbox_id:
            return (RemoteInbox(identity.inbox_id, identity.inbox_id),)
        return await inboxes.all()
    finally:
        await door.aclose()


def _chosen(
    found: Sequence[RemoteInbox], wanted: Sequence[str], *, everything: bool
) -> tuple[str, ...]:
    """The inboxes to add: all, those that were named, the only one, or those that are picked."""
    ids = tuple(inbox.inbox_id for inbox in found)
    if not ids:
        raise UsageError("This key reaches no inbox.", "Make one at AgentMail.to first.")
    if wanted:
        exact = {one.casefold(): one for one in ids}
        missing = [one for one in wanted if one.casefold() not in exact]
        if missing:
            raise UsageError(f'This key has no inbox "{missing[0]}".', f"It has: {_some(ids)}.")
        return tuple(exact[one.casefold()] for one in wanted)
    if everything or len(ids) == 1:
        return ids
    if not sys.stdin.isatty():
        step = f"Add --address for each, or --all-inboxes. It has: {_some(ids)}."
        raise UsageError(f"This key has {len(ids)} inboxes.", step)
    return _picked(found)


def _picked(found: Sequence[RemoteInbox]) -> tuple[str, ...]:
    sys.stderr.write("The inboxes of this key:\n")
    for number, inbox in enumerate(found, 1):
        name = clean_line(f"{inbox.inbox_id}  {inbox.display_name}".rstrip())
        sys.stderr.write(f"  {number:>3}  {name}\n")
    answer = _asked("Which (numbers with blanks between, or all)", "--address")
    if answer.lower() == "all":
        return tuple(inbox.inbox_id for inbox in found)
    numbers = answer.replace(",", " ").split()
    if not all(one.isascii() and one.isdigit() and 0 < int(one) <= len(found) for one in numbers):
        raise UsageError("These are no numbers of the list.", "Nothing was changed; start again.")
    return tuple(dict.fromkeys(found[int(one) - 1].inbox_id for one in numbers))


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown


# ── the accounts ─────────────────────────────────────────────────────────────────────────────────


def _accounts(
    arguments: argparse.Namespace, wanted: _Wanted, known: Sequence[Account]
) -> list[Account]:
    taken = {account.name for account in known}
    if arguments.name and len(wanted.addresses) > 1:
        raise UsageError("Several inboxes cannot have one name.", "Leave --name out.")
    if arguments.name in taken:
        raise UsageError(
            f'There is an account "{arguments.name}" already.',
            "Choose another name, or take it out first: agentmail-tui accounts remove NAME",
        )
    made = []
    for address in wanted.addresses:
        name = arguments.name or free_name(address or wanted.base_url.partition("://")[2], taken)
        taken.add(account_name(name))
        account = Account(
            name,
            wanted.kind,
            wanted.base_url,
            mail_domain=arguments.mail_domain or _own_domain(wanted.kind, address),
            address=address,
            proxy=arguments.proxy,
            colour=arguments.colour,
        )
        _require_new(account, known)
        made.append(check_account_fields(account))
    return made


def _own_domain(kind: str, address: str) -> str:
    """The domain of the agents of an Assmbl service; at AgentMail.to everybody shares it."""
    return address.partition("@")[2] if kind == ASSMBL else ""


def free_name(address: str, taken: Iterable[str]) -> str:
    """A name made of an address or host, which no other account has."""
    plain = _NEITHER.sub("-", address.partition("@")[0]).lstrip(".+-")[:48] or "mailbox"
    used = set(taken)
    number = 2
    name = plain
    while name in used:
        name, number = f"{plain}-{number}", number + 1
    return name


def _require_new(account: Account, known: Iterable[Account]) -> None:
    for other in known:
        same_place = other.base_url.rstrip("/") == account.base_url.rstrip("/")
        if same_place and other.address.casefold() == account.address.casefold():
            raise UsageError(
                f'This mailbox is set up already, as "{other.name}".',
                f"For another token start agentmail-tui --profile {other.name} and press g s.",
            )


def _try(account: Account, token: Secret) -> str:
    from services.api.factory import check_account

    told = asyncio.run(check_account(account, token))
    if told.ok:
        return told.sentence
    if told.exit_code == SignedOut.exit_code:
        raise SignedOut(told.sentence, _AGAIN)
    raise TriedService(told)


def _keep(
    paths: Paths,
    secrets: SecretStore,
    accounts: Sequence[Account],
    token: Secret,
    arguments: argparse.Namespace,
) -> list[str]:
    """Keep the tokens, then write the file; what was kept is taken back when one of them fails."""
    kept: list[Account] = []
    places = []
    agreed = arguments.token_file
    try:
        for account in accounts:
            place = _put(secrets, account, token, agreed=agreed)
            # Whoever has agreed to one file is not asked again for the next inbox.
            agreed = agreed or place.source is TokenSource.FILE
            places.append(place.sentence)
            kept.append(account)
        save_accounts(paths, accounts, default=accounts[0].name if arguments.default else "")
    except MailError:
        for account in kept:
            with suppress(ConfigError, SecretStoreError):
                secrets.forget_token(account)
        raise
    return places


def _put(secrets: SecretStore, account: Account, token: Secret, *, agreed: bool) -> StoredToken:
    try:
        return secrets.set_token(account, token, allow_file=agreed)
    except SecretStoreError as error:
        if agreed or not sys.stdin.isatty():
            raise SecretStoreError(
                error.sentence, "Add --token-file to keep it in a file."
            ) from None
        question = f"{error.sentence} Keep the token in a file that only you can read (0600)?"
    if not asking.confirmed(question, "yes", is_agreed=False):
        raise SecretStoreError("The token has not been kept anywhere.", "Nothing was added.")
    return secrets.set_token(account, token, allow_file=True)
