"""The sandbox's API door: finds the operation, checks the token, decodes, handles, answers.

Closes three traps. Routing goes by the raw path, segment by segment, because ids hold encoded
slashes that a framework would decode first. Every answer is JSON, the refused ones too. And an
error of a handler's own is the only thing that can become a 500.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from services.api import wire
from services.api.routes import ROUTES
from services.sandbox import (
    attachments_door,
    control_door,
    delivery,
    directory_door,
    messages_door,
    settings_door,
)
from services.sandbox.body import decode, read_body
from services.sandbox.connections import Connections
from services.sandbox.context import ApiError, Call, Handler, Sandbox
from services.sandbox.faulty_wire import Answer, error_answer, ordered_answer
from services.sandbox.path_parts import decoded_parts, ids_in
from services.sandbox.records import Agent
from services.sandbox.ses import controls as ses_controls
from services.sandbox.visit import Visit

_HANDLERS: Final[Mapping[str, Handler]] = {
    **messages_door.HANDLERS,
    **attachments_door.HANDLERS,
    **delivery.HANDLERS,
    **directory_door.HANDLERS,
    **settings_door.HANDLERS,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation with its handler; `segments` in braces take an id."""

    name: str
    method: str
    segments: tuple[str, ...]
    handler: Handler
    request: type | None
    auth: bool
    control: bool = False


def endpoints() -> tuple[Endpoint, ...]:
    """Return the contract's operations and the test controls."""
    contract = [
        Endpoint(op.name, op.method, _split(op.path), _HANDLERS[op.name], op.request, op.auth)
        for op in ROUTES.values()
    ]
    controls = [
        Endpoint(c.name, c.method, _split(c.path), c.handler, c.request, auth=False, control=True)
        for c in (*control_door.CONTROLS, *ses_controls.CONTROLS)
    ]
    return (*contract, *controls)


def _split(path: str) -> tuple[str, ...]:
    return tuple(path.strip("/").split("/"))


class ApiDoor:
    """The ASGI application of the API port."""

    def __init__(self, sandbox: Sandbox, connections: Connections) -> None:
        self._sandbox = sandbox
        self._connections = connections
        self._table = _Table(endpoints())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        visit = Visit.at("api", self._sandbox, self._connections, scope, receive, send)
        await visit.end(self._sandbox, self._answered(visit))

    async def _answered(self, visit: Visit) -> Answer:
        try:
            return await self._answer(visit)
        except ApiError as error:
            return error_answer(error)
        except (sqlite3.OperationalError, OSError):
            return error_answer(ApiError(503, "unavailable", "The store cannot be used now."))

    async def _answer(self, visit: Visit) -> Answer:
        scope, seen, faults = visit.scope, visit.seen, visit.faults
        endpoint, ids = self._table.find(seen.method, scope["raw_path"])
        seen.operation = endpoint.name
        headers = _headers(scope)
        if endpoint.control:
            control_door.check_host(headers)
        caller = self._caller(headers) if not endpoint.control else None
        seen.agent_id = caller.agent_id if caller else None
        if not endpoint.control:
            faults.update(self._sandbox.faults.take(endpoint.name, seen.agent_id))
        await visit.wire_out.before(faults)
        if (ordered := ordered_answer(faults)) is not None:
            return ordered
        if endpoint.auth and caller is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            raise ApiError(401, "unauthorized", "The token is missing or wrong.", challenge)
        data = await read_body(scope, visit.receive)
        body = None
        if endpoint.request is not None:
            body = decode(endpoint.name, data, endpoint.request)
        call = Call(self._sandbox, caller, ids, body, _query(scope), faults, data)
        result = endpoint.handler(call)
        return Answer(200, result if isinstance(result, bytes) else wire.encode(result))

    def _caller(self, headers: Mapping[str, str]) -> Agent | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        return self._sandbox.store.agent_by_token(token.strip())


class _Table:
    """The endpoints by number of segments."""

    def __init__(self, rows: Iterable[Endpoint]) -> None:
        self._rows: dict[int, list[Endpoint]] = {}
        for row in rows:
            self._rows.setdefault(len(row.segments), []).append(row)

    def find(self, method: str, raw_path: bytes) -> tuple[Endpoint, dict[str, str]]:
        """Return the endpoint and the ids of a path; raises 404 and 405."""
        parts = decoded_parts(raw_path)
        fitting = [
            (row, ids)
            for row in self._rows.get(len(parts), ())
            if (ids := ids_in(parts, row.segments)) is not None
        ]
        for row, ids in fitting:
            if row.method == method:
                return row, ids
        if fitting:
            allowed = ", ".join(sorted({row.method for row, _ in fitting}))
            raise ApiError(405, "method_not_allowed", "", {"Allow": allowed})
        raise ApiError(404, "not_found", "There is no such operation.")


def _headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _query(scope: Scope) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=100
        )
    except ValueError as error:
        raise ApiError(400, "invalid_query", "The query has too many values.") from error
    return dict(pairs)
