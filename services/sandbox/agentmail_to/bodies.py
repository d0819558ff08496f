"""The request bodies of `/v0`, and how they are decoded (api/agentmail_to.md §4, §6).

Closes two traps: the path of a wrong value is told as the service tells it, in pieces; and what is
left out is another thing than null, because null clears.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from services.sandbox.agentmail_to.failures import Failure, GatewayFailure
from services.sandbox.context import ApiError

BODY_LIMIT: Final = 6 * 2**20
"""Bytes of a whole request (§9)."""

OneOrMore = str | list[str]
_AT: Final = re.compile(r" - at (?:key in )?`(\$[^`]*)`")
_STEP: Final = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+|\.\.\.)\]")


class SendAttachment(Struct, kw_only=True):
    """A file to send: exactly one of `content` (base64) and `url`."""

    filename: str | None = None
    content_type: str | None = None
    content_disposition: str | None = None
    content_id: str | None = None
    content: str | None = None
    url: str | None = None


class Texts(Struct, kw_only=True):
    """What every send may carry."""

    reply_to: OneOrMore | None = None
    text: str | None = None
    html: str | None = None
    attachments: list[SendAttachment] | None = None
    headers: dict[str, str] | None = None
    labels: list[str] | None = None
    track_opens: bool | None = None


class SendBody(Texts, kw_only=True):
    """Of send and forward."""

    to: OneOrMore | None = None
    cc: OneOrMore | None = None
    bcc: OneOrMore | None = None
    subject: str | None = None


class ReplyBody(Texts, kw_only=True):
    """Of reply: the subject is the service's."""

    to: OneOrMore | None = None
    cc: OneOrMore | None = None
    bcc: OneOrMore | None = None
    reply_all: bool | None = None


class ReplyAllBody(Texts, kw_only=True):
    """Of reply-all: the recipients are the service's."""


class LabelsBody(Struct, kw_only=True):
    """Labels to add and to remove."""

    add_labels: OneOrMore | None = None
    remove_labels: OneOrMore | None = None


class ThreadLabelsBody(Struct, kw_only=True):
    """The same for a thread: lists only."""

    add_labels: list[str] | None = None
    remove_labels: list[str] | None = None


class BatchGetBody(Struct, kw_only=True):
    """Which messages to get."""

    message_ids: list[str]


class BatchUpdateBody(LabelsBody, kw_only=True):
    """Which messages to change and how."""

    message_ids: list[str]


Metadata = dict[str, str | int | float | bool]


class NewInbox(Struct, kw_only=True):
    """An inbox to make; everything may be left out."""

    username: str | None = None
    domain: str | None = None
    display_name: str | None = None
    client_id: str | None = None
    status: str | None = None
    metadata: Metadata | None = None


class InboxPatch(Struct, kw_only=True):
    """What to change of an inbox."""

    display_name: str | UnsetType | None = UNSET
    status: str | UnsetType = UNSET
    metadata: dict[str, str | int | float | bool | None] | UnsetType | None = UNSET


class DraftTexts(Struct, kw_only=True):
    """What both kinds of draft bodies may carry; UNSET keeps, None clears."""

    reply_to: list[str] | UnsetType | None = UNSET
    to: list[str] | UnsetType | None = UNSET
    cc: list[str] | UnsetType | None = UNSET
    bcc: list[str] | UnsetType | None = UNSET
    subject: str | UnsetType | None = UNSET
    text: str | UnsetType | None = UNSET
    html: str | UnsetType | None = UNSET
    send_at: str | UnsetType | None = UNSET


class NewDraft(DraftTexts, kw_only=True):
    """A draft to make."""

    labels: list[str] | None = None
    attachments: list[SendAttachment] | None = None
    in_reply_to: str | None = None
    forward_of: str | None = None
    reply_all: bool | None = None
    client_id: str | None = None


class DraftPatch(DraftTexts, kw_only=True):
    """What to change of a draft."""

    add_attachments: list[SendAttachment] | None = None
    remove_attachments: list[str] | None = None
    add_labels: list[str] | None = None
    remove_labels: list[str] | None = None


class NewEntry(Struct, kw_only=True):
    """An entry for a list of senders or recipients."""

    entry: Annotated[str, Meta(min_length=1, max_length=320)]
    reason: str | None = None


class NewKey(Struct, kw_only=True):
    """An API key to make."""

    name: str | None = None
    permissions: dict[str, bool | None] | None = None
    expires_at: str | None = None


class NewPod(Struct, kw_only=True):
    """A pod to make."""

    name: str | None = None
    client_id: str | None = None


def decode_body(body: bytes, kind: type[Any]) -> Any:
    """Return the struct that a body holds, an empty one for no body; raises 400."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        message = str(error)
        raise Failure(
            400, "validation_error", "Request validation failed",
            errors=[(_path(message), _AT.sub("", message)[:300])],
        ) from error  # fmt: skip
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Failure(400, "validation_error", "The body is not JSON") from error


def _path(message: str) -> list[str | int]:
    at = _AT.search(message)
    if at is None:
        missing = re.search(r"required field `(\w+)`", message)
        return [missing[1]] if missing else []
    steps = _STEP.findall(at[1])
    return [name or (int(index) if index.isdigit() else index) for name, index in steps]


def too_large() -> ApiError:
    """Return the 413 of the gateway, which has no code."""
    return GatewayFailure(413, "too_large", "Request Too Long", {"Connection": "close"})


def several(value: OneOrMore | None) -> list[str]:
    """Return one or more values as a list."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else value


def canonical(body: bytes) -> bytes:
    """Return a JSON body in one spelling, for comparing two requests."""
    try:
        return json.dumps(json.loads(body or b"{}"), sort_keys=True).encode()
    except (ValueError, RecursionError):
        return body
