"""What AgentMail.to answers when it does not do something, as sentences with a next step (§8).

Closes three traps. A 404 of a wrong host taken for the proof that a message is gone: only the
service's own `not_found` is one. The service's words on a screen: of its answer only known names are
used, and names of permissions. And two meanings of 403: a key that may not, and a mail that the
service will not carry. Sources: api/agentmail_to.md §8, the table of errors in reference 004.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from services.api import failures
from services.api.failures import Answer
from services.errors import (
    BadAnswer,
    Conflict,
    Forbidden,
    NotFound,
    RateLimited,
    Rejected,
    ServerBroken,
    ServiceError,
    SignedOut,
)
from services.service_config import AGENTMAIL_TO_URL

_NEW_KEY: Final = "Set a new API key for the account (AGENTMAIL_API_KEY of the service)."
_Told = tuple[type[ServiceError], str, str]
_BY_CODE: Final[Mapping[str, _Told]] = {
    "validation_error": (Rejected, "AgentMail.to did not accept the request.", ""),
    "query_range_too_wide": (
        Rejected,
        "The search goes over too long a time.",
        "Search in a shorter time.",
    ),
    "api_key_expired": (SignedOut, "The API key has expired.", _NEW_KEY),
    "missing_permission": (
        Forbidden,
        "The API key lacks a permission for this.",
        "Ask whoever made the key.",
    ),
    "forbidden": (
        Forbidden,
        "The API key does not reach this.",
        "Use a key of the inbox or the organization.",
    ),
    "message_rejected": (
        Rejected,
        "AgentMail.to does not carry this mail: a recipient is blocked, suppressed or not allowed.",
        "Check the recipients and the lists of the inbox; do not send it without oversight.",
    ),
    "inbox_paused": (
        Rejected,
        "The inbox is paused: nothing leaves it.",
        "Let the owner of the inbox resume it, then send again.",
    ),
    "limit_exceeded": (Rejected, "A limit of the AgentMail.to plan is reached.", ""),
    "domain_not_verified": (Rejected, "The domain of the inbox is not verified yet.", ""),
    "not_found": (
        NotFound,
        "AgentMail.to has nothing of this name that the key may see.",
        "It may be deleted, or out of the key's reach.",
    ),
    "conflict": (
        Conflict,
        "The same key was used for another request, or it is still under way.",
        "Check whether the mail left before sending again.",
    ),
    # Labels fold: asking again is what the service wants, and no conflict of ours.
    "race_condition": (ServerBroken, "Somebody changed this at the same moment.", "Try again."),
    "unprocessable": (
        Rejected,
        "AgentMail.to cannot carry this out.",
        "A mail needs a recipient; a conversation of 100 messages or more cannot be labelled whole.",
    ),
}
_GATEWAY_KEY: Final = (SignedOut, "AgentMail.to does not accept the API key.", _NEW_KEY)
_WRONG_HOST: Final = (
    "There is no AgentMail.to at this address.",
    f"Check the base URL: {AGENTMAIL_TO_URL}/ (api.agentmail.ai is not the service).",
)
_WRONG_KEYS: Final = (
    "AgentMail.to missed a field: the text of a mail is called text.",
    "This is a fault of the program; report it.",
)
_PERMISSION: Final = re.compile(
    r"\b(?:(?:message|draft|inbox|list_entry|webhook|api_key|pod)_"
    r"(?:read|create|update|delete|send|reply)"
    r"|label_(?:spam|blocked|unauthenticated|trash)_read)\b"
)
_LARGEST: Final = 16_384


class _Body(msgspec.Struct):
    """What is read of an error; every field may be anything."""

    code: object = None
    message: object = None
    fix: object = None
    detail: object = None


def of_answer(answer: Answer) -> ServiceError | None:
    """Return the error that an answer stands for, None for any 2xx."""
    error = failures.of_answer(answer)
    if error is None or not 400 <= answer.status < 500:
        return error
    body = _read(answer.body)
    code = failures.known_name(body.code) if body is not None else ""
    kind, sentence, step = _told(error, answer.status, code, body)
    return kind(
        sentence,
        step,
        status=error.status,
        code=code,
        retry_after=error.retry_after,
        uncertain=error.uncertain,
    )


def _told(error: ServiceError, status: int, code: str, body: _Body | None) -> _Told:
    same = (type(error), error.sentence, error.next_step)
    if status == 401:
        return _BY_CODE[code] if code == "api_key_expired" else _GATEWAY_KEY
    if status == 429 or code == "rate_limit_exceeded":
        return (RateLimited, error.sentence if status == 429 else "Too many requests.", "")
    if code in _BY_CODE:
        kind, sentence, step = _BY_CODE[code]
        if code == "missing_permission" and (name := _permission(body)):
            sentence = f"The API key lacks the permission {name}."
        return kind, sentence, step
    if code:
        return same
    if status == 404:
        return (BadAnswer, *_WRONG_HOST)
    if status == 403:
        return _GATEWAY_KEY if body is not None else same
    if status == 413:
        return (Rejected, "This is too large for AgentMail.to (6 MB with attachments).", "")
    if status == 422 and body is not None and body.detail is not None:
        return (Rejected, *_WRONG_KEYS)
    return same


def _permission(body: _Body | None) -> str:
    """Return the permission that an answer names; only what looks like one of the service's."""
    for value in (body.fix, body.message) if body else ():
        found = _PERMISSION.search(value) if isinstance(value, str) else None
        if found:
            return found[0]
    return ""


def _read(body: bytes) -> _Body | None:
    """Return the JSON object of an error; None for HTML, nothing, or anything else."""
    try:
        return msgspec.json.decode(body[:_LARGEST], type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
