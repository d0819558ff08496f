"""What a handler of the sandbox gets to know: the services of the process and the call at hand.

Closes the trap of handlers that reach for the request: a handler takes a `Call` with checked values
and returns a struct (or JSON bytes), or raises `ApiError`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from services.sandbox.faults import Fault, Faults
from services.sandbox.held_back import HeldBack
from services.sandbox.presign import Signer
from services.sandbox.records import Agent, StoredMail
from services.sandbox.ses.account import SesAccount
from services.sandbox.store import Store

_REMEMBERED: Final = 5_000
"""Requests kept for `/_sandbox/requests`."""


class ApiError(Exception):
    """An answer that is an error: status, the contract's error name, a sentence for people."""

    def __init__(
        self, status: int, code: str, message: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class Clock:
    """The sandbox's time in seconds since the epoch; tests move `offset` instead of waiting."""

    def __init__(self) -> None:
        self.offset = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset


class Settings(Struct, kw_only=True, forbid_unknown_fields=True):
    """What can be switched while the sandbox runs; times in seconds."""

    footer: bool = True
    """Append the links to a mail with attachments (api/assmbl.md §5.3)."""
    dedupe: bool = True
    """Deliver a mail once whose idempotency key comes again (api/assmbl.md §13 promises neither)."""
    upload_ttl: Annotated[float, Meta(ge=0, le=604_800)] = 300.0
    download_ttl: Annotated[float, Meta(ge=0, le=604_800)] = 300.0
    clock_offset: Annotated[float, Meta(ge=-1e9, le=1e9)] = 0.0


class SeenRequest(Struct, kw_only=True):
    """One request as it came in: no header values, no bodies, no presigned queries."""

    door: str
    method: str
    path: str
    operation: str
    agent_id: str | None
    headers: list[str]
    status: int


@dataclass(slots=True)
class Sandbox:
    """The services that all doors share."""

    store: Store
    signer: Signer
    clock: Clock
    settings: Settings = field(default_factory=Settings)
    faults: Faults = field(default_factory=Faults)
    held: HeldBack = field(default_factory=HeldBack)
    ses: SesAccount = field(default_factory=SesAccount)
    requests: deque[SeenRequest] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an operation: who, which ids, what body, which faults hit it."""

    sandbox: Sandbox
    caller: Agent | None
    ids: Mapping[str, str]
    body: Any
    query: Mapping[str, str]
    faults: Mapping[str, Fault]
    sent: bytes = field(default=b"", repr=False)
    """The body as it came, with what the contract does not know."""

    @property
    def store(self) -> Store:
        """The mail store."""
        return self.sandbox.store

    @property
    def agent(self) -> Agent:
        """The agent that the token stands for."""
        assert self.caller is not None
        return self.caller

    def mail(self) -> StoredMail:
        """Return the message that the path names; raises 404 when it is gone or another's."""
        mail = self.store.message(self.agent, self.ids["message_id"])
        if mail is None:
            raise ApiError(404, "message_not_found", "There is no such message.")
        return mail

    def ttl(self, usual: float) -> float:
        """Return how long a presigned link lives, in seconds."""
        fault = self.faults.get("short_ttl")
        return fault.seconds if fault else usual


Handler = Callable[[Call], object]
"""Returns a struct, or bytes that are JSON already."""
