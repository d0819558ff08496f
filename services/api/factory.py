"""From a configured account to a mail provider, and the check that the set-up screen makes.

Closes the trap of a set-up that is saved and then fails: address, token and service are tried with
one real request, without retries, and the outcome is a sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Final

from services import origins
from services.api import failures
from services.api.assmbl import AssmblClient
from services.api.exchange import decode
from services.api.failures import Answer
from services.api.http import HttpDoor
from services.api.routes import ROUTES
from services.config import Account, check_account_fields
from services.errors import BadAnswer, ConfigError, MailError, NotFound, ServiceError, UsageError
from services.ports import MailProvider
from services.redact import Secret
from services.secrets import clean_token
from services.service_config import AGENTMAIL_TO, ASSMBL, KINDS

CHECK_SECONDS: Final = 12.0
_KNOWN_KINDS: Final = f"Known: {', '.join(KINDS)}."


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """What one request to an account's service told."""

    ok: bool
    sentence: str
    next_step: str = ""
    unread: int | None = None
    milliseconds: float = 0.0
    clock_skew: float | None = None
    """Seconds that this machine is ahead of the service; None when the service did not tell."""
    exit_code: int = 0
    """What a verb ends with when it is not ok."""


def provider_for(account: Account, token: Secret) -> MailProvider:
    """Return the client for an account: `AssmblClient` or `AgentMailToClient`.

    ConfigError for a kind that this version does not speak, and for an account without its inbox.
    """
    if account.kind == ASSMBL:
        return AssmblClient(
            account.base_url,
            token,
            account.mail_domain,
            proxy=account.proxy,
            storage_hosts=account.storage_hosts,
        )
    if account.kind != AGENTMAIL_TO:
        raise ConfigError(f'The account kind "{account.kind}" is not known.', _KNOWN_KINDS)
    if not account.address:
        raise ConfigError(
            f'The account "{account.name}" names no inbox.',
            "Set address to the address of one inbox of the key.",
        )
    # Here, so that whoever has no such account does not load it.
    from services.api.agentmail_to.client import AgentMailToClient

    return AgentMailToClient(
        account.base_url,
        token,
        account.address,
        proxy=account.proxy,
        storage_hosts=account.storage_hosts,
    )


async def check_account(account: Account, token: str | Secret) -> AccountCheck:
    """Try an account as typed: its form first, then one request. Never raises a MailError.

    Of an AgentMail.to account without an address only the key is tried.
    """
    try:
        account = check_account_fields(
            replace(
                account, mail_domain=account.mail_domain.strip(), address=account.address.strip()
            )
        )
        secret = token if isinstance(token, Secret) else clean_token(token)
        question = _question(account)
    except UsageError as error:
        return AccountCheck(False, error.sentence, error.next_step, exit_code=error.exit_code)
    door = HttpDoor(account.base_url, secret, proxy=account.proxy)
    started = time.monotonic()
    try:
        answer = await door.ask("GET", question.path, query=question.query, seconds=CHECK_SECONDS)
        return _told(answer, question, started)
    except MailError as error:
        spent = (time.monotonic() - started) * 1000
        return AccountCheck(
            False,
            error.sentence,
            error.next_step,
            milliseconds=spent,
            exit_code=error.exit_code,
        )
    finally:
        await door.aclose()


@dataclass(frozen=True, slots=True)
class Question:
    """The one request that tells whether an account can be used, and how its answer is read."""

    path: str
    error_of: Callable[[Answer], ServiceError | None]
    read: Callable[[object], tuple[str, int | None] | None]
    """The sentence and the number of unread messages; None for what another service answers."""
    query: Sequence[tuple[str, str]] = ()


def _question(account: Account) -> Question:
    if account.kind == AGENTMAIL_TO:
        from services.api.agentmail_to.checking import question

        return question(account.address)
    return Question(ROUTES["get_unread_count"].url_path(), _assmbl_error, _unread)


def _assmbl_error(answer: Answer) -> ServiceError | None:
    error = failures.of_answer(answer)
    if isinstance(error, NotFound):
        return BadAnswer("There is no mail service at this address.", "Check the base URL.")
    return error


def _unread(data: object) -> tuple[str, int | None] | None:
    unread = data.get("unread_count") if isinstance(data, dict) else None
    is_count = isinstance(unread, int) and not isinstance(unread, bool) and 0 <= unread < 2**53
    return (f"Connected: {unread} unread.", unread) if is_count else None


def _told(answer: Answer, question: Question, started: float) -> AccountCheck:
    spent = (time.monotonic() - started) * 1000
    skew = _skew(answer.headers.get("date", ""))
    error = question.error_of(answer)
    if error is not None:
        code = error.exit_code
        return AccountCheck(False, error.sentence, error.next_step, None, spent, skew, code)
    found = question.read(decode(answer.body))
    if found is None:
        sentence = "What answers there is not the mail service."
        return AccountCheck(False, sentence, "Check the base URL.", None, spent, exit_code=6)
    return AccountCheck(True, found[0], "", found[1], spent, skew)


def _skew(date: str) -> float | None:
    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def service_of(account: Account) -> str:
    """Return the origin of an account's service, for people."""
    return str(origins.origin_of(account.base_url))
