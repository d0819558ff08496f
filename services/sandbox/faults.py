"""Faults that tests and people can order: what the service does when it misbehaves.

Closes the trap of a client that was only ever tested against a service in good health. A fault can
wait for one operation or one agent, let some calls pass, and end after some; the first fault of
each kind that fits is taken. Content faults (short pages, pending files) are read by the handlers,
transport faults (delays, cuts) by the app.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

FaultKind = Literal[
    "latency", "status", "status_after", "answer", "html", "invalid_json", "drop_before", "drop_after", "truncated",
    "slow_drip", "short_page", "empty_page", "repeated_cursor", "expired_cursor", "short_ttl",
    "pending_attachments", "failed_attachments", "unknown_fields", "unknown_labels", "absent_text",
    "unknown_event", "repeated_event",
]  # fmt: skip
_UNSENDABLE: Final = r"^(?![\s\S]*[^\x20-\x7e])"


class Fault(Struct, kw_only=True, forbid_unknown_fields=True):
    """One ordered fault; the fields after `skip` matter to some kinds only.

    `operation` is a name of the route table, `s3_upload`, `s3_download`, `ses_send` or `ses_other`;
    None means all, another name is refused. Those of the AgentMail.to door begin with `v0_`
    (agentmail_to/endpoints.py), with `v0_websocket` for a handshake and `v0_event` for an event on
    its way. `times` None means until it is taken back.
    """

    kind: FaultKind
    operation: str | None = None
    agent_id: str | None = None
    times: Annotated[int, Meta(ge=1)] | None = 1
    skip: Annotated[int, Meta(ge=0)] = 0
    status: Annotated[int, Meta(ge=200, le=599)] | None = None
    """For status and status_after (500 when not given) and answer (200)."""
    error: str | None = None
    retry_after: Annotated[str, Meta(max_length=200, pattern=_UNSENDABLE)] | None = None
    seconds: Annotated[float, Meta(ge=0, le=600)] = 1.0
    """For latency and slow_drip the pause, for short_ttl the life of a link."""
    size: Annotated[int, Meta(ge=0, le=10_000_000)] = 1
    """For short_page the items, for truncated and slow_drip the bytes (of all, of one piece)."""
    body: str = ""
    content_type: Annotated[str, Meta(max_length=200, pattern=_UNSENDABLE)] = "application/json"
    """For answer: what is sent and as what."""


class Faults:
    """The faults in force."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Put a fault behind those already ordered."""
        self._ordered.append(fault)

    def clear(self, agent_id: str | None = None) -> None:
        """Take back all faults, or those of one agent."""
        kept = [f for f in self._ordered if agent_id is not None and f.agent_id != agent_id]
        self._ordered = kept

    def ordered(self) -> list[Fault]:
        """Return the faults in force, oldest first."""
        return list(self._ordered)

    def take(self, operation: str, agent_id: str | None) -> dict[str, Fault]:
        """Return the faults that hit this call, one a kind, and count them down."""
        hit: dict[str, Fault] = {}
        for fault in tuple(self._ordered):
            if fault.kind in hit or not _fits(fault, operation, agent_id):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            hit[fault.kind] = fault
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._ordered.remove(fault)
        return hit


def _fits(fault: Fault, operation: str, agent_id: str | None) -> bool:
    return fault.operation in (None, operation) and fault.agent_id in (None, agent_id)
