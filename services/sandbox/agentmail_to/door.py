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
from services.sandbox.body import Gone, read_body
from services.sandbox.connections import Connections
from services.sandbox.context import ApiError, SeenRequest
from services.sandbox.faults import Fault
from services.sandbox.faulty_wire import Answer, Dropped, FaultyWire, ordered_answer

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
        wire_out = FaultyWire(self._connections, scope, receive, send)
        seen = SeenRequest(
            door=DOOR, method=scope["method"], path=scope["raw_path"].decode("latin-1"),
            operation="", agent_id=None, status=0,
            headers=[name.decode("latin-1") for name, _ in scope["headers"]],
        )  # fmt: skip
        faults: dict[str, Fault] = {}
        try:
            answer = await self._answer(scope, receive, wire_out, seen, faults)
        except ApiError as error:
            answer = failure_answer(error)
        except (sqlite3.OperationalError, OSError):
            answer = failure_answer(Failure(503, "service_unavailable", "Try again later."))
        except (Dropped, Gone):
            self._remember(seen)
            return
        if fault := faults.pop("status_after", None):
            answer = failure_answer(ordered_failure(fault))
        seen.status = answer.status
        self._remember(seen)
        try:
            await wire_out.answer(answer, faults)
        except Dropped:
            return

    async def _answer(
        self,
        scope: Scope,
        receive: Receive,
        wire_out: FaultyWire,
        seen: SeenRequest,
        faults: dict[str, Fault],
    ) -> Answer:
        endpoint, ids = self._table.find(seen.method, scope["raw_path"])
        seen.operation = endpoint.name
        headers = headers_of(scope)
        if endpoint.name.startswith("sandbox_"):
            return await self._control(scope, receive, endpoint, ids, headers)
        seen.agent_id = ids.get("inbox_id", "").partition("@")[0] or None
        faults.update(self._services.sandbox.faults.take(endpoint.name, seen.agent_id))
        await wire_out.before(faults)
        if fault := faults.pop("status", None):
            raise ordered_failure(fault)
        if (ordered := ordered_answer(faults)) is not None:
            return ordered
        data = await _read(scope, receive)
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
        self,
        scope: Scope,
        receive: Receive,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Answer:
        controls.check(headers)
        data = await read_body(scope, receive)
        body = None if endpoint.body is None else decode_body(data, endpoint.body)
        call = V0Call(
            self._services, controls.KEY, endpoint.name, ids, _query(scope), headers, {}, body
        )
        return Answer(200, wire.encode(endpoint.handler(call)))

    def _remember(self, seen: SeenRequest) -> None:
        if not seen.path.startswith("/_sandbox/"):
            self._services.sandbox.requests.append(seen)


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
