"""Reads a request's body and decodes it, and names what is wrong with it.

Closes two traps: a body that is endless, cut, no JSON, too deep or of the wrong types is a 4xx with
a JSON answer and never a 500; and one word for all of it would hide the contract's own error names.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.types import Receive, Scope

from services.sandbox.context import ApiError

BODY_LIMIT: Final = 10 * 2**20
"""Bytes of a request body (the usual cap of an API gateway; api/assmbl.md §14 knows none)."""
_NAMED: Final = (
    ("patch_message_labels", "$.add[", "invalid_label"),
    ("patch_message_labels", "$.remove[", "invalid_label"),
    ("send_mail", "$.headers", "invalid_header"),
    ("send_mail", "key` in `$.headers", "invalid_header"),
    ("register_directory_key", "$.algorithm", "unsupported_algorithm"),
    ("register_directory_key", "$.public_key", "invalid_public_key"),
    ("register_directory_key", "$.openpgp_public_key", "invalid_public_key"),
)


class Gone(Exception):
    """The client went away before it had sent its request."""


async def read_body(scope: Scope, receive: Receive, limit: int = BODY_LIMIT) -> bytes:
    """Return the whole body; raises 413 above `limit` bytes, and Gone."""
    headers = dict(scope["headers"])
    announced = headers.get(b"content-length", b"0")
    if len(announced) > 15 or (announced.isdigit() and int(announced) > limit):
        raise _too_large(limit)
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        more = message.get("more_body", False)
    return bytes(body)


def decode(operation: str, body: bytes, kind: type[Any]) -> Any:
    """Return the struct that a body holds; raises 400."""
    try:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.ValidationError:
            return msgspec.convert(_whole_numbers(msgspec.json.decode(body)), kind)
    except msgspec.ValidationError as error:
        raise ApiError(400, _name(operation, str(error)), str(error)[:300]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = "The body is nested too deeply." if isinstance(error, RecursionError) else ""
        reason = reason or "The body is not JSON."
        raise ApiError(400, "invalid_json", reason) from error


def _whole_numbers(value: Any) -> Any:
    """Write 5.0 as 5: to JSON they are one number, to msgspec they are two types."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _whole_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole_numbers(inner) for inner in value]
    return value


def _name(operation: str, reason: str) -> str:
    for wanted, mark, name in _NAMED:
        if operation == wanted and mark in reason:
            return name
    return "invalid_request"


def _too_large(limit: int) -> ApiError:
    reason = f"The body is larger than {limit} bytes."
    return ApiError(413, "payload_too_large", reason, {"Connection": "close"})
