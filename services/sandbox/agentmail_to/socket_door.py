"""The WebSocket of the door: a handshake with the key, subscriptions, events (§10).

Closes the trap of a stand-in that is kinder than the service: nothing is replayed, a lost
connection loses its events, and hidden mail is told only to who asks for it and may see it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct
from starlette.types import Receive, Scope, Send

from services.sandbox.agentmail_to.admission import (
    caller,
    headers_of,
    key_of,
    ordered_failure,
)
from services.sandbox.agentmail_to.context import Services
from services.sandbox.agentmail_to.draft_calls import send_due
from services.sandbox.agentmail_to.failures import failure_answer
from services.sandbox.agentmail_to.hub import Session, Subscription
from services.sandbox.agentmail_to.records import Key
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.agentmail_to.spoiling import spoilt
from services.sandbox.connections import Connections
from services.sandbox.context import ApiError
from services.sandbox.faults import Fault
from services.sandbox.faulty_wire import Answer
from services.sandbox.visit import seen_at

OPERATION: Final = "v0_websocket"
EVENT: Final = "v0_event"
_BEAT: Final = 0.25
"""Seconds between looks at drafts whose time has come."""


class _Subscribe(Struct, tag="subscribe", kw_only=True):
    event_types: list[str] | None = None
    inbox_ids: list[str] | None = None
    pod_ids: list[str] | None = None


class SocketDoor:
    """The ASGI application for WebSocket sessions."""

    def __init__(self, services: Services, connections: Connections) -> None:
        self._services = services
        self._connections = connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold one session until either side ends it."""
        await receive()
        seen = seen_at("agentmail_to", scope, OPERATION, status=101)
        self._services.sandbox.requests.append(seen)
        faults = self._services.sandbox.faults.take(OPERATION, None)
        if fault := faults.get("latency"):
            await asyncio.sleep(fault.seconds)
        if "drop_before" in faults:
            self._cut(scope)
            return
        try:
            key = self._key(scope, faults)
        except ApiError as error:
            seen.status = error.status
            await _refuse(send, failure_answer(error))
            return
        await send({"type": "websocket.accept"})
        if "drop_after" in faults:
            self._cut(scope)
            return
        await self._hold(Session(key), scope, receive, send)

    def _key(self, scope: Scope, faults: Mapping[str, Fault]) -> Key:
        if fault := faults.get("status"):
            raise ordered_failure(fault)
        if scope["path"].rstrip("/") != "/v0":
            raise ApiError(404, "not_found")
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("api_key")
        if asked:
            return key_of(self._services, asked[-1])
        return caller(self._services, headers_of(scope))

    async def _hold(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        hub = self._services.hub
        hub.enter(session)
        writing = asyncio.create_task(self._write(session, scope, send))
        try:
            await self._read(session, receive)
        finally:
            hub.leave(session)
            writing.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await writing

    async def _read(self, session: Session, receive: Receive) -> None:
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text") or message.get("bytes") or b""
            session.waiting.put_nowait(self._answer(session, text))

    def _answer(self, session: Session, text: str | bytes) -> Json:
        try:
            asked = msgspec.json.decode(text, type=_Subscribe)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            return _error("ValidationError", str(error)[:200])
        if not session.key.grants("message_read"):
            return _error("MissingPermissionError", "This API key lacks message_read.")
        try:
            self._check_scope(session.key, asked)
        except ApiError as error:
            return _error("NotFoundError", error.message)
        for inbox in self._services.tenancy.inboxes(session.key):
            self._services.room.catch_up(inbox)  # what is there already is no event
        session.subscriptions.append(
            Subscription(_set(asked.event_types), _set(asked.inbox_ids), _set(asked.pod_ids))
        )
        echo = {
            name: value for name in _Subscribe.__struct_fields__ if (value := getattr(asked, name))
        }
        return {"type": "subscribed", **echo}

    def _check_scope(self, key: Key, asked: _Subscribe) -> None:
        for inbox_id in asked.inbox_ids or ():
            self._services.tenancy.inbox(key, inbox_id)
        for pod_id in asked.pod_ids or ():
            self._services.tenancy.pod(key, pod_id)

    # ── out ──────────────────────────────────────────────────────────────────────────────────────

    async def _write(self, session: Session, scope: Scope, send: Send) -> None:
        while True:
            try:
                async with asyncio.timeout(_BEAT):
                    frame = await session.waiting.get()
            except TimeoutError:
                send_due(self._services)
                continue
            faults: dict[str, Fault] = {}
            if frame["type"] == "event":
                faults = self._services.sandbox.faults.take(EVENT, None)
            if not await self._send(frame, faults, scope, send):
                return

    async def _send(
        self, frame: Json, faults: Mapping[str, Fault], scope: Scope, send: Send
    ) -> bool:
        """Send a frame with what the faults do to it; tells whether the connection is left."""
        if fault := faults.get("latency"):
            await asyncio.sleep(fault.seconds)
        if "drop_before" in faults:
            self._cut(scope)
            return False
        texts = [json.dumps(spoilt(frame, faults))]
        if "unknown_event" in faults:
            texts.insert(0, json.dumps(_event_of_tomorrow()))
        if "repeated_event" in faults:
            texts.append(texts[-1])
        if "invalid_json" in faults:
            texts[-1] = texts[-1][:-1]
        if fault := faults.get("answer"):
            texts = [fault.body]
        for text in texts:
            await send({"type": "websocket.send", "text": text})
        if "drop_after" in faults:
            self._cut(scope)
            return False
        return True

    def _cut(self, scope: Scope) -> None:
        transport = self._connections.pop(tuple(scope.get("client") or ()), None)
        if transport is not None:
            transport.abort()


def _set(values: list[str] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(values)


def _error(name: str, message: str) -> Json:
    return {"type": "error", "name": name, "message": message}


def _event_of_tomorrow() -> dict[str, Any]:
    event_id = f"evt_{secrets.token_hex(12)}"
    return {"type": "event", "event_type": "message.teleported", "event_id": event_id, "news": {}}


async def _refuse(send: Send, answer: Answer) -> None:
    headers = [(b"content-type", answer.content_type.encode("latin-1"))]
    await send({
        "type": "websocket.http.response.start", "status": answer.status, "headers": headers,
    })  # fmt: skip
    await send({"type": "websocket.http.response.body", "body": answer.body})
