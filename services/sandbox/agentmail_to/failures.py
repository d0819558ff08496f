"""The errors of the AgentMail.to door, in its own shape (api/agentmail_to.md §8).

Closes the trap of error bodies that only one client understands: the code is what clients branch
on, `name` and `message` are for people, and a gateway in front answers with less.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from services.sandbox.context import ApiError
from services.sandbox.faulty_wire import Answer

_NAMES: Final = {
    "validation_error": "ValidationError", "not_found": "NotFoundError",
    "message_rejected": "MessageRejectedError", "rate_limit_exceeded": "RateLimitError",
}  # fmt: skip
_USUAL: Final = {
    400: "validation_error", 401: "unauthorized", 403: "forbidden", 404: "not_found",
    409: "conflict", 422: "unprocessable", 429: "rate_limit_exceeded", 500: "internal_error",
    503: "service_unavailable",
}  # fmt: skip


class Failure(ApiError):
    """An error answer; `errors` are pairs of a path into the request and what is wrong there."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fix: str = "",
        errors: Sequence[tuple[Sequence[str | int], str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, code, message, headers)
        self.fix = fix
        self.errors = errors


class GatewayFailure(ApiError):
    """What the gateway in front of the service answers: a bare message, without a code."""


def invalid(message: str, *path: str | int) -> Failure:
    """Return the 400 for a wrong value at a path of the request."""
    return Failure(400, "validation_error", message, errors=[(path, message)])


def missing(what: str) -> Failure:
    """Return the 404, which also stands for what this key may not see."""
    return Failure(404, "not_found", f"{what} not found")


def conflict(message: str) -> Failure:
    """Return the 409."""
    return Failure(409, "conflict", message)


def usual_code(status: int) -> str:
    """Return the code that a status mostly comes with."""
    return _USUAL.get(status, "internal_error")


def failure_answer(error: ApiError) -> Answer:
    """Return an error as the service writes it."""
    if isinstance(error, GatewayFailure):
        return _answer(error, {"message": error.message})
    code = error.code
    name = _NAMES.get(code, "".join(word.title() for word in code.split("_")) + "Error")
    body: dict[str, object] = {"name": name, "code": code, "message": error.message or name}
    if isinstance(error, Failure):
        if error.fix:
            body["fix"] = error.fix
        if error.errors:
            body["errors"] = [
                {"path": list(path), "message": message} for path, message in error.errors
            ]
    return _answer(error, body)


def _answer(error: ApiError, body: Mapping[str, object]) -> Answer:
    return Answer(error.status, json.dumps(body).encode(), headers=error.headers)
