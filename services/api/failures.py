"""What a service may answer instead of what was asked, as members of the error family with a sentence and a next step.

Closes two traps. The service's own words on a screen: they are untrusted and may echo a token, so
only its status and, as a hint, a known error name are used (api/assmbl.md §15). A `Retry-After` that
is nonsense or an hour long: garbage counts as none, and nobody waits longer than five minutes on a
server's word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
)

LONGEST_WAIT: Final = 300.0
"""Seconds that a caller waits at most because a server said so."""

_CODE: Final = re.compile(r"[a-z]+(_[a-z]+){0,5}")
"""An error name; without digits, so that an echoed token does not pass as one."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer of the service; `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CutAnswer(BadAnswer):
    """The answer broke off before its end; asking again may help."""


class Barred(Offline):
    """There is no way to the service; asking again does not help."""


class Untrusted(Barred):
    """The server's certificate cannot be trusted."""


_BY_CODE: Final[Mapping[str, tuple[str, str]]] = {
    "invalid_query": ("The service did not accept the search text.", "Search for other words."),
    "invalid_limit": ("The service did not accept the page size.", ""),
    "invalid_cursor": (
        "The place in the inbox has expired.",
        "Refresh to start from the beginning.",
    ),
    "invalid_label": (
        "The service did not accept the label.",
        "A label has 1 to 64 characters and is not blank.",
    ),
    "too_many_labels": ("A message carries at most 20 labels.", "Remove one first."),
    "already_archived": ("The message is archived already.", ""),
    "message_not_found": ("The message is not in the mailbox any more.", ""),
    "attachment_not_found": ("The attachment is not there any more.", ""),
    "attachment_not_ready": ("The service still prepares the attachment.", "Try again shortly."),
    "agent_not_found": ("The directory knows no such agent.", "Check the address."),
    "peer_not_found": ("No trust is set for this agent.", ""),
    "invalid_public_key": ("The service did not accept the public key.", ""),
    "unsupported_algorithm": ("The service does not know this kind of key.", ""),
    "version_conflict": (
        "The key in the directory has changed meanwhile.",
        "Look at the directory's key before publishing again.",
    ),
    "idempotency_key_conflict": (
        "Another mail was sent with the same key before.",
        "Check whether it arrived before sending again.",
    ),
    "forbidden_object_key": ("This file belongs to another agent.", ""),
    "peer_missing_openpgp_public_key": ("The recipient has published no OpenPGP key.", ""),
}
_TRY_LATER: Final = "Try again later."
_BY_STATUS: Final[Mapping[int, tuple[type[ServiceError], str, str]]] = {
    400: (Rejected, "The service did not accept the request.", ""),
    401: (SignedOut, "The service does not accept the token.", "Set a new token for the account."),
    403: (Forbidden, "The token does not allow this.", "Ask the operator of the service."),
    404: (NotFound, "What was asked for is not there any more.", ""),
    408: (ServerBroken, "The service gave up waiting for the request.", _TRY_LATER),
    409: (Conflict, "The service has another state than expected.", "Refresh and try again."),
    412: (Conflict, "The service has another state than expected.", "Refresh and try again."),
    413: (Rejected, "This is too large for the service.", ""),
    422: (Rejected, "The service did not accept the request.", ""),
    429: (RateLimited, "The service asks for fewer requests.", ""),
}


def of_answer(answer: Answer) -> ServiceError | None:
    """Return the error that an answer stands for, None for any 2xx."""
    status = answer.status
    if 200 <= status < 300:
        return None
    if not 400 <= status < 600:
        return _not_an_answer(status)
    code = _code_of(answer.body)
    kind, sentence, next_step = _BY_STATUS.get(status) or (
        (Rejected, f"The service refused the request (status {status}).", "")
        if status < 500
        else (ServerBroken, f"The service has a fault of its own (status {status}).", _TRY_LATER)
    )
    if code in _BY_CODE and status < 500 and status not in (401, 429):
        sentence, next_step = _BY_CODE[code]
    told = retry_after(answer.headers.get("retry-after"))
    if status == 429 and told is not None:
        sentence = f"The service asks for fewer requests and to wait {_duration(told)}."
    return kind(
        sentence,
        next_step,
        status=status,
        code=code,
        retry_after=None if told is None else min(told, LONGEST_WAIT),
        uncertain=status >= 500 or status == 408,
    )


def retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header (a number or a date); None for anything else."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", text):
        return float(text)
    if not 20 <= len(text) <= 40:
        return None
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError, TypeError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _not_an_answer(status: int) -> BadAnswer:
    if 300 <= status < 400:
        return BadAnswer(
            "The service sent a redirect, which is not followed.",
            "Check the base URL of the account.",
            status=status,
        )
    return BadAnswer(f"The service sent an odd status ({status}).", status=status)


def _code_of(body: bytes) -> str:
    try:
        code = msgspec.json.decode(body[:4_096], type=_ErrorBody).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return known_name(code)


def known_name(code: object) -> str:
    """Return what can be the name of an error, "" for anything else."""
    fits = isinstance(code, str) and len(code) <= 40 and _CODE.fullmatch(code)
    return str(code) if fits else ""


class _ErrorBody(msgspec.Struct):
    error: str


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    if seconds < 5_400:
        return f"{math.ceil(seconds / 60)} minutes"
    return f"{math.ceil(seconds / 3_600)} hours"
