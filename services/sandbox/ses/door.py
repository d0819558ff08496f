"""The SES door's HTTP: signature first, then one of the two APIs, errors in that API's own form.

Closes the trap of faults and refusals that no real client would understand: whatever goes wrong, an
ordered failure too, is written as the API that was called writes it.
"""

from __future__ import annotations

import secrets
import sqlite3
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote

import msgspec
from starlette.types import Receive, Scope, Send

from services.sandbox.body import read_body
from services.sandbox.connections import Connections
from services.sandbox.context import ApiError, Sandbox
from services.sandbox.faults import Fault
from services.sandbox.faulty_wire import Answer, ordered_answer
from services.sandbox.ses import v2
from services.sandbox.ses.errors import Reason, SesError
from services.sandbox.ses.mailing import Mailing
from services.sandbox.ses.query import QueryApi, error_xml, read_form
from services.sandbox.ses.sigv4 import SignedRequest, check
from services.sandbox.visit import Visit

BODY_LIMIT: Final = 64 * 2**20
"""Bytes of a request: a mail of 40 MB in base64, and what stands around it."""
_SENDS: Final = ("SendEmail", "SendRawEmail")
SEND_FAULT: Final = "ses_send"
OTHER_FAULT: Final = "ses_other"
"""What the door's operations are called in faults."""


@dataclass(slots=True)
class _Asked:
    """A request with what was found out about it."""

    request: SignedRequest
    is_v2: bool
    operation: str = ""
    identity: str = ""
    form: dict[str, str] = field(default_factory=dict)


class SesDoor:
    """An ASGI application that answers like one region of Amazon SES."""

    def __init__(self, sandbox: Sandbox, connections: Connections) -> None:
        self._sandbox = sandbox
        self._connections = connections
        mailing = Mailing(sandbox)
        self._query = QueryApi(sandbox, mailing)
        self._json = v2.JsonApi(sandbox, mailing)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        visit = Visit.at("ses", self._sandbox, self._connections, scope, receive, send)
        await visit.end(self._sandbox, self._answer(visit))

    async def _answer(self, visit: Visit) -> Answer:
        scope, faults = visit.scope, visit.faults
        is_v2 = scope["raw_path"].startswith(v2.PREFIX.encode())
        try:
            asked = _asked(scope, await read_body(scope, visit.receive, BODY_LIMIT), is_v2=is_v2)
            visit.seen.operation = SEND_FAULT if asked.operation in _SENDS else OTHER_FAULT
            faults.update(self._sandbox.faults.take(visit.seen.operation, None))
            await visit.wire_out.before(faults)
            if (ordered := ordered_answer(faults)) is not None:
                return ordered
            answer = self._carried_out(asked)
            # Written here, in the form of this API, instead of by the wire.
            late = faults.pop("status_after", None)
            return answer if late is None else _ordered(late, is_v2=is_v2)
        except SesError as error:
            return _refused(error, is_v2=is_v2)
        except ApiError as error:
            return _failure(error, is_v2=is_v2)
        except (sqlite3.Error, OSError):
            return _refused(SesError(Reason.UNAVAILABLE, "Try again."), is_v2=is_v2)

    def _carried_out(self, asked: _Asked) -> Answer:
        check(asked.request, self._sandbox.ses, self._sandbox.clock())
        if not asked.is_v2:
            return Answer(200, self._query.answer(asked.form), "text/xml", _request_id())
        found = self._json.answer(asked.operation, asked.identity, asked.request.body)
        return Answer(200, msgspec.json.encode(found), headers=_request_id())


def _asked(scope: Scope, body: bytes, *, is_v2: bool) -> _Asked:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    path = scope["raw_path"]
    request = SignedRequest(scope["method"], path, scope["query_string"], headers, body)
    if is_v2:
        operation, identity = v2.find(request.method, unquote(path.decode("latin-1")))
        return _Asked(request, is_v2, operation, identity)
    if request.method != "POST" or path != b"/":
        raise SesError(Reason.NO_ACTION, "There is no such operation here.")
    form = read_form(body)
    return _Asked(request, is_v2, form.get("Action", ""), form=form)


# ── answers ──────────────────────────────────────────────────────────────────────────────────────


def _refused(error: SesError, *, is_v2: bool) -> Answer:
    reason = error.reason
    if is_v2:
        return _error(reason.v2_status, reason.v2, error.message, is_v2=True)
    return _error(reason.v1_status, reason.v1, error.message, is_v2=False)


def _ordered(fault: Fault, *, is_v2: bool) -> Answer:
    code = fault.error or "InternalFailure"
    return _error(fault.status or 500, code, "This failure was ordered.", is_v2=is_v2)


def _failure(error: ApiError, *, is_v2: bool) -> Answer:
    """Write an ordered failure, or one of the sandbox itself."""
    answer = _error(error.status, error.code, error.message, is_v2=is_v2)
    return replace(answer, headers={**(answer.headers or {}), **error.headers})


def _error(status: int, code: str, message: str, *, is_v2: bool) -> Answer:
    if is_v2:
        headers = {**_request_id(), "x-amzn-ErrorType": code}
        return Answer(status, v2.error_json(message), headers=headers)
    return Answer(status, error_xml(code, message, status), "text/xml", _request_id())


def _request_id() -> dict[str, str]:
    return {"x-amzn-RequestId": secrets.token_hex(16)}
