"""`accounts`: the mailboxes that are set up: list, add, remove, test.

Tokens are asked for on the terminal, or read with --token-fd N or from standard input; never give one
as an argument. Closes the trap of an account that is saved and does not work: `add` tries every mailbox
before anything is written, and writes all of them or none.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from services.account_colours import COLOURS
from services.config import Account, Config, load
from services.errors import ConfigError, MailError
from services.paths import Paths
from services.policy_config import ApprovalRule
from services.safe_text import clean_line
from services.secrets import SecretStore
from services.service_config import KINDS
from tui.cli import VerbParsers, acts_of
from tui.listing import fit, print_json

if TYPE_CHECKING:
    from services.api.factory import AccountCheck
    from services.outbound.gate.transports.ses import SesCheck

_SKEW: Final = 120.0
"""Seconds of clock difference that begin to matter to signed links."""
Act = Callable[[argparse.Namespace], int]


def add(verbs: VerbParsers) -> None:
    """Add the verb's parsers."""
    parser = verbs.add_parser("accounts", help="the mailboxes that are set up", description=__doc__)
    act = acts_of(parser)
    act("list", "name, kind, address, where the token lies, and what may leave")
    _add_adding(act("add", "set up a mailbox, or several inboxes of one AgentMail.to key"))
    removing = act("remove", "take an account out; its mail stays on the disk without --purge")
    removing.add_argument("name", help="the account")
    removing.add_argument("--purge", action="store_true", help="delete its mail on this disk too")
    removing.add_argument(
        "--drafts-too", action="store_true", help="with --purge: also drafts and unsent mail"
    )
    removing.add_argument("--yes", action="store_true", help="do not ask")
    testing = act("test", "ask each service once: connection, clock, policy, SES")
    testing.add_argument("name", nargs="?", help="only this account")


def _add_adding(adding: argparse.ArgumentParser) -> None:
    adding.add_argument("--name", help="what to call it (default: made of its address)")
    adding.add_argument("--kind", choices=KINDS, help="the service")
    adding.add_argument("--base-url", metavar="URL", help="where the service is")
    adding.add_argument("--mail-domain", metavar="HOST", default="", help="the agents' domain")
    adding.add_argument(
        "--address",
        action="append",
        default=[],
        help="its address; at AgentMail.to the inbox, once for each of several",
    )
    adding.add_argument("--all-inboxes", action="store_true", help="every inbox of the key")
    adding.add_argument("--colour", choices=COLOURS, default="", help="of its mark in lists")
    adding.add_argument("--proxy", metavar="URL", default="", help="an HTTP proxy")
    adding.add_argument(
        "--token-fd", type=int, metavar="N", help="read the token from this file descriptor"
    )
    adding.add_argument(
        "--token-file", action="store_true", help="without a keyring keep it in a file (0600)"
    )
    adding.add_argument("--default", action="store_true", help="make it the default account")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one act; exit code 2 for what was typed wrong, 5 to 7 as everywhere."""
    return _ACTS[arguments.act](arguments)


# ── list ─────────────────────────────────────────────────────────────────────────────────────────


def _list(arguments: argparse.Namespace) -> int:
    paths = Paths.from_environment()
    config, secrets = load(paths), SecretStore(paths)
    default = config.account().name if config.accounts else ""
    found = [_told(account, secrets, default) for account in config.accounts]
    if arguments.json:
        print_json(found)
    _require_some(config)
    if arguments.json:
        return 0
    for one in found:
        sys.stdout.write("".join(f"{line}\n" for line in _lines(one)))
    return 0


def _require_some(config: Config) -> None:
    if not config.accounts:
        raise ConfigError("No account is set up.", "Add one: agentmail-tui accounts add")


def _told(account: Account, secrets: SecretStore, default: str) -> dict[str, Any]:
    return {
        "name": account.name,
        "kind": account.kind,
        "address": account.address,
        "base_url": account.base_url,
        "default": account.name == default,
        "from_environment": account.from_environment,
        "token": _token_place(account, secrets),
        "policy": policy_line(account),
        "ses": account.ses.identity if account.ses is not None else None,
        "colour": account.colour or None,
    }


def _token_place(account: Account, secrets: SecretStore) -> str | None:
    """Where the token lies: keyring, file, environment; None when it has to be entered."""
    try:
        found = secrets.find(account)
    except MailError:
        return "unusable"
    return found.source.value if found is not None else None


def policy_line(account: Account) -> str:
    """What may leave an account, in one line."""
    policy = account.policy
    told = [
        f"oversight {policy.oversight}" if policy.oversight else "nothing to the outside",
        f"approval {policy.approval.value}",
        f"encryption {policy.encryption.value}",
    ]
    caps = [(policy.per_hour, "an hour"), (policy.per_day, "a day")]
    told += [f"{number:,} {span}" for number, span in caps if number]
    return ", ".join(told)


def _lines(one: dict[str, Any]) -> Iterator[str]:
    mark = "*" if one["default"] else " "
    name, kind = fit(clean_line(one["name"]), 20), fit(one["kind"], 12)
    yield f"{mark} {name} {kind} {clean_line(one['address'] or one['base_url'])}"
    ses = f", SES as {clean_line(one['ses'])}" if one["ses"] else ""
    yield f"  {'':20} token: {one['token'] or 'not kept'}; {clean_line(one['policy'])}{ses}"


# ── test ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Tried:
    """What was found about one account; `notes` need a look, `code` 0 means it works.

    `ses` is how its way out by Amazon SES stands, None without one.
    """

    account: Account
    sentence: str
    next_step: str = ""
    code: int = 0
    unread: int | None = None
    skew: float | None = None
    notes: tuple[str, ...] = ()
    ses: SesCheck | None = None

    def as_json(self) -> dict[str, Any]:
        """The object of `--json`."""
        return {
            "name": self.account.name,
            "ok": not self.code,
            "sentence": self.sentence,
            "next_step": self.next_step or None,
            "unread": self.unread,
            "clock_skew": self.skew,
            "notes": list(self.notes),
            "ses": asdict(self.ses) if self.ses is not None else None,
        }


def _test(arguments: argparse.Namespace) -> int:
    paths = Paths.from_environment()
    config, name = load(paths), arguments.name or arguments.profile
    if arguments.json and not (config.accounts or name):
        print_json([])
    if not name:
        _require_some(config)
    accounts = (config.account(name),) if name else config.accounts
    secrets = SecretStore(paths)
    found = [_try(account, secrets) for account in accounts]
    if arguments.json:
        print_json([one.as_json() for one in found])
    else:
        for one in found:
            sys.stdout.write("".join(f"{clean_line(line)}\n" for line in _test_lines(one)))
    return next((one.code for one in found if one.code), 0)


def _try(account: Account, secrets: SecretStore) -> Tried:
    from services.api.factory import check_account

    notes, by_ses = tuple(_policy_notes(account)), _ses(account)
    try:
        token = secrets.token(account)
    except MailError as error:
        return Tried(account, error.sentence, error.next_step, 5, notes=notes, ses=by_ses)
    if token is None:
        step = f"Start agentmail-tui --profile {account.name} and press g s to enter one."
        return Tried(account, "No token is known.", step, 5, notes=notes, ses=by_ses)
    told: AccountCheck = asyncio.run(check_account(account, token))
    return Tried(
        account,
        told.sentence,
        told.next_step,
        0 if told.ok else told.exit_code or 1,
        told.unread,
        told.clock_skew,
        (*notes, *_clock_notes(told.clock_skew)),
        by_ses,
    )


def _policy_notes(account: Account) -> Iterator[str]:
    policy = account.policy
    if not policy.oversight:
        where = f"[accounts.{account.name}.policy]"
        yield f"Nothing can be sent to the outside: set oversight under {where}."
    if policy.approval is ApprovalRule.NEVER:
        yield "What agents propose is sent without anybody's approval (approval = never)."


def _clock_notes(skew: float | None) -> Iterator[str]:
    if skew is not None and abs(skew) > _SKEW:
        side = "ahead of" if skew > 0 else "behind"
        yield f"This machine's clock is {abs(skew):.0f} s {side} the service's: set it."


def _ses(account: Account) -> SesCheck | None:
    if account.ses is None:
        return None
    from services.outbound.gate.transports import ses

    sentence, step = ses.hindrance(account.ses, account.name)
    if sentence:
        return ses.SesCheck(False, sentence, step)
    return asyncio.run(ses.check_ses(account.ses))


def _test_lines(one: Tried) -> Iterator[str]:
    mark = "BROKEN" if one.code else "ok    "
    yield f"{mark}  {one.account.name}: {one.sentence} {one.next_step}".rstrip()
    if one.ses is not None:
        mark = "ok    " if one.ses.ok else "BROKEN"
        yield f"{mark}  {one.account.name}: {one.ses.sentence} {one.ses.next_step}".rstrip()
    for note in one.notes:
        yield f"note    {one.account.name}: {note}"


def _added(arguments: argparse.Namespace) -> int:
    from tui.account_adding import add_accounts

    return add_accounts(arguments)


def _removed(arguments: argparse.Namespace) -> int:
    from tui.account_removing import remove

    return remove(arguments)


_ACTS: Final[dict[str, Act]] = {"list": _list, "add": _added, "remove": _removed, "test": _test}
