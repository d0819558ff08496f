"""Carries out the ordered faults that lie below the answer: delays, cuts, wrong bytes, slow bytes.

Closes the trap of faults that only the handler can have: here the answer is made first and spoilt
on its way, so that the state behind it is the one a client would really have to cope with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from starlette.types import Message, Receive, Scope, Send

from services.api import wire
from services.sandbox.connections import Connections, cut
from services.sandbox.context import ApiError
from services.sandbox.faults import Fault
from services.sandbox.held_back import HeldBack

JSON: Final = "application/json"
_NAMES: Final = {
    401: "unauthorized", 403: "forbidden", 404: "message_not_found", 429: "rate_limited",
    503: "unavailable",
}  # fmt: skip
_HTML: Final = b"<!doctype html><title>Sign in</title><p>Please sign in to this network.</p>"


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] | None = None


class Dropped(Exception):
    """The connection was cut on order."""


class LetGo(Dropped):
    """The connection was cut because nobody waits for its answer any more."""


def ordered_answer(faults: Mapping[str, Fault]) -> Answer | None:
    """Return the answer that takes the place of the real one, before anything is handled."""
    if fault := faults.get("status"):
        raise _failure(fault)
    if fault := faults.get("answer"):
        return Answer(fault.status or 200, fault.body.encode(), fault.content_type)
    if "html" in faults:
        return Answer(200, _HTML, "text/html")
    return None


@dataclass(frozen=True, slots=True)
class FaultyWire:
    """Sends answers over one connection, spoilt by the faults that hit the call."""

    connections: Connections
    held: HeldBack
    scope: Scope
    receive: Receive
    send: Send

    async def before(self, faults: Mapping[str, Fault]) -> None:
        """Delay or cut before anything is handled; raises Dropped, and LetGo after a reset."""
        fault = faults.get("latency")
        if fault is not None and not await self.held.wait(fault.seconds):
            await cut(self.connections, self.scope, self.receive, hard=True)
            raise LetGo
        if "drop_before" in faults:
            await cut(self.connections, self.scope, self.receive, hard=True)
            raise Dropped

    async def answer(self, answer: Answer, faults: Mapping[str, Fault]) -> None:
        """Send an answer, or what the faults leave of it; raises Dropped."""
        if "drop_after" in faults:
            await cut(self.connections, self.scope, self.receive, hard=True)
            raise Dropped
        if fault := faults.get("status_after"):
            answer = error_answer(_failure(fault))
        body = answer.body
        if "invalid_json" in faults:
            body = body[:-1] + b",]"
        await self.send(_start(answer, len(body)))
        if fault := faults.get("truncated"):
            await self.send(_piece(body[: min(fault.size, len(body) - 1)], more=True))
            await cut(self.connections, self.scope, self.receive, hard=False)
            raise Dropped
        if fault := faults.get("slow_drip"):
            await self._drip(body, fault)
            return
        await self.send(_piece(body, more=False))

    def spoiling(self, send: Send, faults: Mapping[str, Fault]) -> Send:
        """Return a `send` that cuts or drips a body as it is streamed; it raises Dropped."""
        if not ("truncated" in faults or "slow_drip" in faults):
            return send
        passed = 0
        drips = True

        async def spoilt(message: Message) -> None:
            nonlocal passed, drips
            if message["type"] != "http.response.body":
                await send(message)
                return
            body: bytes = message.get("body", b"")
            if (fault := faults.get("truncated")) and passed + len(body) >= fault.size:
                await send(_piece(body[: max(0, fault.size - passed)], more=True))
                await cut(self.connections, self.scope, self.receive, hard=False)
                raise Dropped
            passed += len(body)
            while body and drips and (fault := faults.get("slow_drip")):
                piece, body = body[: max(1, fault.size)], body[max(1, fault.size) :]
                await send(_piece(piece, more=True))
                drips = await self.held.wait(fault.seconds)
            await send(_piece(body, more=message.get("more_body", False)))

        return spoilt

    async def _drip(self, body: bytes, fault: Fault) -> None:
        size = max(1, fault.size)
        while len(body) > size:
            await self.send(_piece(body[:size], more=True))
            body = body[size:]
            if not await self.held.wait(fault.seconds):
                break
        await self.send(_piece(body, more=False))


def _failure(fault: Fault) -> ApiError:
    status = fault.status or 500
    name = fault.error or _NAMES.get(status, "internal_error")
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    return ApiError(status, name, "This failure was ordered.", headers)


def error_answer(error: ApiError) -> Answer:
    """Return an error as the contract writes it: a JSON body with its name."""
    body = wire.Error(error=error.code)
    if error.message:
        body.message = error.message
    return Answer(error.status, wire.encode(body), headers=error.headers)


def _start(answer: Answer, length: int) -> Message:
    headers = {
        "Content-Type": answer.content_type,
        "Content-Length": str(length),
        "Cache-Control": "no-store",
        **(answer.headers or {}),
    }
    pairs = [(name.lower().encode("latin-1"), v.encode("latin-1")) for name, v in headers.items()]
    return {"type": "http.response.start", "status": answer.status, "headers": pairs}


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
