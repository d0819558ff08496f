"""The test-only operations under `/_sandbox/`: agents, mail, faults, what was seen and sent.

Closes the trap of a test door that looks like the API: nothing outside this prefix exists in the
real service's contract. No token is asked for, so only requests that name a loopback host are
taken, which keeps web pages out (DNS rebinding).
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from services.api.codec import iso_time, received_at
from services.api.wire_types import AgentId
from services.sandbox.context import ApiError, Call, Handler, Settings
from services.sandbox.faults import Fault
from services.sandbox.operations import check_operation
from services.sandbox.records import Agent

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})


class NewAgent(Struct, kw_only=True):
    """An agent to make; without a name it gets a random one."""

    agent_id: AgentId | None = None


class NewMail(Struct, kw_only=True, forbid_unknown_fields=True):
    """A mail to put into a mailbox: `raw` as text, or `raw_base64` as bytes."""

    agent_id: str
    raw: str | None = None
    raw_base64: str | None = None
    verified: bool = False
    received_at: float | str | None = None
    labels: list[str] = []
    is_read: bool = False
    archived: bool = False
    trust_tier: str = ""
    traffic_type: str = ""
    message_id: str = ""


class Fill(Struct, kw_only=True):
    """Sample mail to put into a mailbox."""

    agent_id: str
    count: Annotated[int, Meta(ge=0, le=1_000_000)]
    seed: int = 7
    front: bool = True


class Nothing(Struct):
    """No body is needed; one that comes is ignored."""


@dataclass(frozen=True, slots=True)
class Control:
    """One test operation."""

    name: str
    method: str
    path: str
    handler: Handler
    request: type | None = None


def check_host(headers: Mapping[str, str]) -> None:
    """Raise 403 unless the request names a loopback host and comes from no web page."""
    host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
    if host not in _LOOPBACK or "origin" in headers:
        raise ApiError(403, "forbidden", "The test controls answer to local programs only.")


def _about(agent: Agent) -> dict[str, str]:
    return {"agent_id": agent.agent_id, "address": agent.address, "token": agent.token}


def _add_agent(call: Call) -> object:
    body: NewAgent = call.body
    return _about(call.store.add_agent(body.agent_id or f"agent-{secrets.token_hex(6)}"))


def _agents(call: Call) -> object:
    return {"agents": [_about(agent) for agent in call.store.agents()]}


def _named(call: Call, agent_id: str) -> Agent:
    agent = call.store.agent(agent_id)
    if agent is None:
        raise ApiError(404, "agent_not_found", "There is no such agent.")
    return agent


def _remove_agent(call: Call) -> object:
    agent = _named(call, call.ids["agent_id"])
    call.store.remove_agent(agent)
    call.sandbox.faults.clear(agent.agent_id)
    return {"removed": agent.agent_id}


def _add_mail(call: Call) -> object:
    body: NewMail = call.body
    agent = _named(call, body.agent_id)
    at = body.received_at
    try:
        message_id = call.store.deliver(
            agent.agent_id,
            _raw(body),
            verified=body.verified,
            received_at=None if at is None else float(received_at(at)),
            labels=tuple(body.labels),
            is_read=body.is_read,
            archived=body.archived,
            trust_tier=body.trust_tier,
            traffic_type=body.traffic_type,
            message_id=body.message_id,
        )
    except ValueError as error:
        raise ApiError(409, "message_id_taken", str(error)) from error
    return {"message_id": message_id}


def _raw(body: NewMail) -> bytes:
    if body.raw_base64 is None:
        return (body.raw or "").encode()
    try:
        return base64.b64decode(body.raw_base64, validate=True)
    except binascii.Error as error:
        raise ApiError(400, "invalid_request", "raw_base64 is not base64.") from error


def _clear_mail(call: Call) -> object:
    agent = _named(call, call.ids["agent_id"])
    call.store.clear(agent)
    return {"cleared": agent.agent_id}


def _fill(call: Call) -> object:
    from services.sandbox import samples

    body: Fill = call.body
    agent = _named(call, body.agent_id)
    try:
        filled = samples.fill(
            call.store,
            agent.agent_id,
            body.count,
            now=call.sandbox.clock(),
            seed=body.seed,
            front=body.front,
        )
    except ValueError as error:
        raise ApiError(409, "message_id_taken", str(error)) from error
    return {"filled": filled}


def _add_fault(call: Call) -> object:
    fault: Fault = call.body
    if fault.operation is not None:
        check_operation(fault.operation)
    call.sandbox.faults.order(fault)
    return {"faults": call.sandbox.faults.ordered()}


def _faults(call: Call) -> object:
    return {"faults": call.sandbox.faults.ordered()}


def _clear_faults(call: Call) -> object:
    call.sandbox.faults.clear(call.query.get("agent_id"))
    return _faults(call)


def _requests(call: Call) -> object:
    wanted = call.query.get("agent_id")
    seen = [r for r in call.sandbox.requests if wanted in (None, r.agent_id)]
    return {"requests": seen}


def _clear_requests(call: Call) -> object:
    call.sandbox.requests.clear()
    return {"requests": []}


def _sent(call: Call) -> object:
    rows = call.store.database.connection.execute(
        "SELECT a.agent_id, s.message_id, s.recipient, s.local, s.sent_at, s.raw, "
        "coalesce(b.body, '{}') FROM sent s JOIN agents a ON a.number = s.agent "
        "LEFT JOIN sent_bodies b ON b.number = s.number "
        "WHERE ?1 IS NULL OR a.agent_id = ?1 ORDER BY s.number",
        (call.query.get("agent_id"),),
    )
    return {
        "sent": [
            {
                "agent_id": agent_id,
                "message_id": message_id,
                "to": recipient,
                "local": bool(local),
                "sent_at": iso_time(at),
                "raw_mime": raw.decode("utf-8", "replace"),
                "request": msgspec.json.decode(body),
            }
            for agent_id, message_id, recipient, local, at, raw, body in rows
        ]
    }


def _settings(call: Call) -> object:
    return call.sandbox.settings


def _put_settings(call: Call) -> object:
    given: dict[str, object] = call.body
    standing = msgspec.structs.asdict(call.sandbox.settings)
    try:
        settings = msgspec.convert({**standing, **given}, Settings)
    except msgspec.ValidationError as error:
        raise ApiError(400, "invalid_request", str(error)) from error
    call.sandbox.settings = settings
    call.sandbox.clock.offset = settings.clock_offset
    return settings


def _reset(call: Call) -> object:
    call.sandbox.faults.clear()
    call.sandbox.held.let_go()
    call.sandbox.requests.clear()
    call.sandbox.settings = Settings()
    call.sandbox.clock.offset = 0.0
    call.sandbox.ses.reset()
    return {"reset": True}


def _health(call: Call) -> object:
    return {"agents": len(call.store.agents())}


CONTROLS: Final = (
    Control("sandbox_health", "GET", "/_sandbox/health", _health),
    Control("sandbox_add_agent", "POST", "/_sandbox/agents", _add_agent, NewAgent),
    Control("sandbox_agents", "GET", "/_sandbox/agents", _agents),
    Control("sandbox_remove_agent", "DELETE", "/_sandbox/agents/{agent_id}", _remove_agent),
    Control("sandbox_add_mail", "POST", "/_sandbox/mail", _add_mail, NewMail),
    Control("sandbox_clear_mail", "DELETE", "/_sandbox/mail/{agent_id}", _clear_mail),
    Control("sandbox_fill", "POST", "/_sandbox/fill", _fill, Fill),
    Control("sandbox_add_fault", "POST", "/_sandbox/faults", _add_fault, Fault),
    Control("sandbox_faults", "GET", "/_sandbox/faults", _faults),
    Control("sandbox_clear_faults", "DELETE", "/_sandbox/faults", _clear_faults),
    Control("sandbox_requests", "GET", "/_sandbox/requests", _requests),
    Control("sandbox_clear_requests", "DELETE", "/_sandbox/requests", _clear_requests),
    Control("sandbox_sent", "GET", "/_sandbox/sent", _sent),
    Control("sandbox_settings", "GET", "/_sandbox/settings", _settings),
    Control("sandbox_put_settings", "PUT", "/_sandbox/settings", _put_settings, dict),
    Control("sandbox_reset", "POST", "/_sandbox/reset", _reset),
)
