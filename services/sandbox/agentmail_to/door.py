"""The AgentMail.to door: one port for `/v0` over HTTP, its WebSocket, and its test controls.

Closes three traps. Paths are split before they are decoded, because ids hold slashes. Errors come
in the service's shape, also those that a fault orders. And whatever is refused was refused before
anything changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from services.api import wire
from services.sandbox.agentmail_to import controls
from services.sandbox.agentmail_to.admission import (
    caller,
    check_permission,
    headers_of,
    ordered_failure,
)
from services.sandbox.agentmail_to.bodies import BODY_LIMIT, decode_body, too_large
from services.sandbox.agentmail_to.context import Services, V0Call
from services.sandbox.agentmail_to.draft_calls import send_due
from services.sandbox.agentmail_to.endpoints import Endpoint, Table, endpoints
from services.sandbox.agentmail_to.failures import (
    Failure,
    failure_answer,
    invalid,
)
from services.sandbox.agentmail_to.fetching import fetch_links
from services.sandbox.agentmail_to.socket_door import SocketDoor
from services.sandbox.agentmail_to.spoiling import spoilt
from services.sandbox.body import read_body
from services.sandbox.connections import Connections
from services.sandbox.context import ApiError
from services.sandbox.faulty_wire import Answer, ordered_answer
from services.sandbox.visit import Visit

DOOR: Final = "agentmail_to"


class AgentmailDoor:
    """The ASGI application of the AgentMail.to port."""

    def __init__(self, services: Services, connections: Connections) -> None:
        self._services = services
        self._connections = connections
        self._table = Table([*endpoints(), *controls.endpoints()])
        self._socket = SocketDoor(services, connections)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hold one WebSocket session."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        visit = Visit.at(DOOR, self._services.sandbox, self._connections, scope, receive, send)
        await visit.end(self._services.sandbox, self._answered(visit))

    async def _answered(self, visit: Visit) -> Answer:
        try:
            answer = await self._answer(visit)
        except ApiError as error:
            answer = failure_answer(error)
        except (sqlite3.OperationalError, OSError):
            answer = failure_answer(Failure(503, "service_unavailable", "Try again later."))
        if fault := visit.faults.pop("status_after", None):
            return failure_answer(ordered_failure(fault))
        return answer

    async def _answer(self, visit: Visit) -> Answer:
        scope, seen, faults = visit.scope, visit.seen, visit.faults
        endpoint, ids = self._table.find(seen.method, scope["raw_path"])
        seen.operation = endpoint.name
        headers = headers_of(scope)
        if endpoint.name.startswith("sandbox_"):
            return await self._control(visit, endpoint, ids, headers)
        seen.agent_id = ids.get("inbox_id", "").partition("@")[0] or None
        faults.update(self._services.sandbox.faults.take(endpoint.name, seen.agent_id))
        await visit.wire_out.before(faults)
        if fault := faults.pop("status", None):
            raise ordered_failure(fault)
        if (ordered := ordered_answer(faults)) is not None:
            return ordered
        data = await _read(scope, visit.receive)
        key = caller(self._services, headers)
        check_permission(key, endpoint)
        body = None if endpoint.body is None else decode_body(data, endpoint.body)
        await fetch_links(body)
        send_due(self._services)
        call = V0Call(
            self._services, key, endpoint.name, ids, _query(scope), headers, faults, body, data
        )
        result = endpoint.handler(call)
        return Answer(200, b"" if result is None else wire.encode(spoilt(result, faults)))

    async def _control(
        self, visit: Visit, endpoint: Endpoint, ids: Mapping[str, str], headers: Mapping[str, str]
    ) -> Answer:
        controls.check(headers)
        data = await read_body(visit.scope, visit.receive)
        body = None if endpoint.body is None else decode_body(data, endpoint.body)
        call = V0Call(
            self._services, controls.KEY, endpoint.name, ids, _query(visit.scope), headers, {}, body
        )
        return Answer(200, wire.encode(endpoint.handler(call)))


async def _read(scope: Scope, receive: Receive) -> bytes:
    try:
        return await read_body(scope, receive, BODY_LIMIT)
    except ApiError as error:
        raise too_large() from error


def _query(scope: Scope) -> dict[str, list[str]]:
    try:
        pairs: list[tuple[str, Any]] = parse_qsl(
            scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=500
        )
    except ValueError as error:
        raise invalid("The query has too many values") from error
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found
