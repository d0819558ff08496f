"""What can go wrong at Amazon SES, as members of the error family with a sentence and a next step.

Closes two traps. A repeated mail: SES has no idempotency, so whatever leaves open whether it was
taken (a lost answer, a failure of the service) is `uncertain`. And the service's own words on a
screen: they are only compared with what we know, never shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.api import connection_failures
from services.api.connection_failures import HttpRoute
from services.api.failures import LONGEST_WAIT
from services.errors import (
    BadAnswer,
    Forbidden,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
)

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

_CREDENTIALS: Final = "Set AWS credentials the way the aws command line takes them, then try again."
_CONSOLE: Final = "Look at the account in the SES console."
_CODE: Final = re.compile(r"[A-Za-z]{1,60}")
_FAILED: Final = re.compile(
    r"failed the check in region ([A-Za-z0-9-]{1,30}): (.{1,4000})", re.DOTALL
)
_TUNNEL: Final = re.compile(r"Tunnel connection failed: ([1-9]\d\d)\b", re.ASCII)
_OTHER_NAME: Final = "doesn't match"
_Told = tuple[type[ServiceError], str, str]

_BY_CODE: Final[Mapping[str, _Told]] = {
    "AccessDenied": (
        Forbidden,
        "The AWS credentials may not send mail with SES.",
        "They need ses:SendEmail and ses:SendRawEmail for the sender's identity.",
    ),
    "InvalidClientTokenId": (SignedOut, "AWS does not know these credentials.", _CREDENTIALS),
    "ExpiredToken": (SignedOut, "The AWS credentials have expired.", "Sign in to AWS again."),
    "SignatureDoesNotMatch": (
        SignedOut,
        "AWS does not accept the credentials' signature.",
        "Check the secret key and the region of the account.",
    ),
    "AccountSendingPaused": (Rejected, "AWS has paused sending for this account.", _CONSOLE),
    "AccountSuspended": (Rejected, "AWS has suspended this SES account.", _CONSOLE),
    "MailFromDomainNotVerified": (
        Rejected,
        "The account's MAIL FROM domain is not set up in the DNS.",
        _CONSOLE,
    ),
    "ConfigurationSetDoesNotExist": (
        Rejected,
        "The configuration set of the account does not exist in this region.",
        "Check configuration_set in the account's configuration.",
    ),
    "ConfigurationSetSendingPaused": (
        Rejected,
        "AWS has paused sending for the configuration set.",
        _CONSOLE,
    ),
    "MessageRejected": (Rejected, "Amazon SES rejected the mail for what is in it.", _CONSOLE),
}
_SAME: Final = {
    "AccessDeniedException": "AccessDenied",
    "OptInRequired": "AccessDenied",
    "UnrecognizedClient": "InvalidClientTokenId",
    "MissingAuthenticationToken": "InvalidClientTokenId",
    "InvalidSignature": "SignatureDoesNotMatch",
    "IncompleteSignature": "SignatureDoesNotMatch",
    "RequestExpired": "SignatureDoesNotMatch",
    "SendingPaused": "AccountSendingPaused",
    "NotFound": "ConfigurationSetDoesNotExist",
}
_THROTTLED: Final = frozenset({"Throttling", "TooManyRequests", "LimitExceeded", "SlowDown"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """What was tried, for the sentences: our own words, no answer of the service."""

    route: HttpRoute
    sender: str = ""
    to: tuple[str, ...] = ()


def of_refusal(error: ClientError, attempt: Attempt) -> ServiceError:
    """Return the error for an answer of AWS that is one."""
    answer: Mapping[str, Any] = error.response
    said = answer.get("Error", {})
    message = str(said.get("Message", ""))[:5_000]
    status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    full = str(said.get("Code", ""))
    shown = full if _CODE.fullmatch(full) else ""
    kind, sentence, next_step = _told(full.removesuffix("Exception"), message, status, attempt)
    return kind(
        sentence,
        next_step,
        status=status,
        code=shown,
        retry_after=_wait(message) if kind is RateLimited else None,
        uncertain=kind is ServerBroken,
    )


def _told(code: str, message: str, status: int, attempt: Attempt) -> _Told:
    if code in _THROTTLED or status == 429:
        return _throttled(message)
    code = _SAME.get(code, code)
    if code == "MessageRejected" and (found := _FAILED.search(message)):
        return _unverified(found[2], attempt)
    if code == "SignatureDoesNotMatch" and "ignature " in message and _is_late(message):
        return SignedOut, "AWS refused the request for its time.", "Set this machine's clock right."
    if code in _BY_CODE and status < 500:
        return _BY_CODE[code]
    if "Message length is more than" in message or status == 413:
        return Rejected, "The mail is larger than Amazon SES takes.", "Leave a file out."
    if status in (401, 403):
        return _BY_CODE["AccessDenied"]
    if 300 <= status < 400:
        return BadAnswer, "A redirect came, which is not followed.", "Check the endpoint."
    if 400 <= status < 500:
        return Rejected, "Amazon SES did not accept the mail as it is.", "Check the addresses."
    return ServerBroken, "Amazon SES has a fault of its own.", "Try again later."


def _throttled(message: str) -> _Told:
    if "daily" in message.lower():
        return (
            RateLimited,
            "The daily sending quota of the SES account is used up.",
            "Try again tomorrow, or ask AWS for a larger quota.",
        )
    return RateLimited, "This is faster than the SES account may send.", "Try again shortly."


def _wait(message: str) -> float:
    return LONGEST_WAIT if "daily" in message.lower() else 1.0


def _unverified(names: str, attempt: Attempt) -> _Told:
    """Say whose address is not verified; told apart by what we sent, not by what came back."""
    failed = {name.strip().lower() for name in names.split(",")}
    domain = attempt.sender.rpartition("@")[2].lower()
    barred = [to for to in attempt.to if to.lower() in failed]
    if barred and not failed & {attempt.sender.lower(), domain}:
        mode = "The SES account is in sandbox mode, which sends to verified addresses only"
        return (
            Rejected,
            f"{mode}; {barred[0]} is not one.",
            "Verify it in the SES console, or ask AWS for production access.",
        )
    return (
        Rejected,
        f"Amazon SES has not verified the sender {attempt.sender} in this region.",
        "Verify the address or its domain in the SES console, or set another region.",
    )


def _is_late(message: str) -> bool:
    return "expired" in message or "not yet current" in message


# ── what did not even get an answer ──────────────────────────────────────────────────────────────


def of_client(error: BotoCoreError, attempt: Attempt) -> ServiceError:
    """Return the error for a call that ended without an answer of AWS."""
    from botocore import exceptions as boto

    place = attempt.route.place
    if isinstance(error, _no_credentials()):
        return SignedOut("AWS credentials are missing or cannot be used.", _CREDENTIALS)
    if isinstance(error, boto.ConnectTimeoutError):
        return connection_failures.timed_out(place, uncertain=False)
    if isinstance(error, boto.ReadTimeoutError):
        return connection_failures.timed_out(place)
    if isinstance(error, boto.SSLError) and (found := _untrusted(error, attempt.route)) is not None:
        return found
    if isinstance(error, boto.ProxyConnectionError) and (status := _proxy_status(error)):
        return connection_failures.of_proxy(attempt.route, status)
    if isinstance(error, boto.EndpointConnectionError | boto.ProxyConnectionError):
        if attempt.route.proxy:
            return connection_failures.unreachable(error, attempt.route)
        return Offline(f"{place} cannot be reached.", "Check the network and the region.")
    if isinstance(error, boto.ParamValidationError):
        return Rejected("Amazon SES cannot be asked for this.", "Check the addresses.")
    return Offline(f"The connection to {place} broke.", "Try again later.", uncertain=True)


def _untrusted(error: BotoCoreError, way: HttpRoute) -> Offline | None:
    """Return the error for a certificate; boto3 looks at its name itself, in words of its own."""
    if _OTHER_NAME in str(error):
        return connection_failures.of_other_name(way)
    return connection_failures.of_certificate(error, way, store="the file that AWS_CA_BUNDLE names")


def _proxy_status(error: BaseException) -> int:
    """Return what a proxy answered when it was asked for the way, 0 when nothing is known."""
    found = (_TUNNEL.search(str(one)) for one in connection_failures.causes(error))
    return next((int(one[1]) for one in found if one), 0)


def _no_credentials() -> tuple[type[Exception], ...]:
    from botocore import exceptions as boto

    return (
        boto.NoCredentialsError, boto.PartialCredentialsError, boto.CredentialRetrievalError,
        boto.TokenRetrievalError, boto.SSOError, boto.MetadataRetrievalError,
        boto.RefreshWithMFAUnsupportedError, boto.UnknownCredentialError,
        boto.InfiniteLoopConfigError,
    )  # fmt: skip
