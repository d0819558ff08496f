"""The one request that tells whether a key and an inbox of AgentMail.to can be used.

Closes the trap of a key that is fine for another inbox: what is asked for is the unread mail of the
very inbox, and not who the key is.
"""

from __future__ import annotations

from typing import Final

from services.api.agentmail_to import codec, labels
from services.api.agentmail_to.failures import of_answer
from services.api.agentmail_to.routes import ROUTES
from services.api.agentmail_to.wire import MAX_PAGE
from services.api.factory import Question
from services.api.failures import Answer
from services.errors import BadAnswer, NotFound, ServiceError

_SCOPES: Final = {
    "organization": "all inboxes of its organization",
    "pod": "all inboxes of its pod",
    "inbox": "one inbox",
}


def question(inbox_id: str) -> Question:
    """Return what to ask about an inbox; about the key alone for "". UsageError for an odd id."""
    if not inbox_id:
        return Question(ROUTES["auth_me"].url_path(), of_answer, _scope)
    path = ROUTES["list_messages"].url_path(inbox_id=inbox_id)
    wanted = f'["{labels.RECEIVED}","{labels.UNREAD}"]'
    query = (
        ("limit", str(MAX_PAGE)),
        ("labels", wanted),
        ("include_unauthenticated", "true"),
    )
    return Question(path, _error, _unread, query)


def _error(answer: Answer) -> ServiceError | None:
    error = of_answer(answer)
    if isinstance(error, NotFound):
        return NotFound(
            "The API key does not reach this inbox, or there is no such inbox.",
            "Check the address, or use a key of this inbox or its organization.",
            status=error.status,
        )
    return error


def _scope(data: object) -> tuple[str, int | None] | None:
    try:
        told = codec.mapping(data, "an identity")
    except BadAnswer:
        return None
    scope = codec.text(told.get("scope_type"))
    return (
        (f"Connected: the key reaches {_SCOPES.get(scope, 'an inbox')}.", None) if scope else None
    )


def _unread(data: object) -> tuple[str, int | None] | None:
    try:
        told = codec.mapping(data, "a page")
        if "messages" not in told:
            return None
        found, following = codec.entries(told, "messages")
    except BadAnswer:
        return None
    unread = sum(1 for entry in found if _is_unread(entry))
    if following is not None:
        return f"Connected: {unread} or more unread.", None
    return f"Connected: {unread} unread.", unread


def _is_unread(entry: codec.Fields) -> bool:
    told = codec.labels_of(entry)
    return labels.is_in_mailbox(told) and labels.UNREAD in told and labels.ARCHIVED not in told
