"""What a handler of the AgentMail.to door gets to know: the services behind it and the call.

Closes the trap of handlers that reach for the request: a handler takes a `V0Call` with a checked
key and decoded ids and returns JSON, or raises `Failure`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from services.sandbox.agentmail_to.failures import Failure, invalid
from services.sandbox.agentmail_to.hub import Hub
from services.sandbox.agentmail_to.mailroom import Mailroom
from services.sandbox.agentmail_to.moments import moment
from services.sandbox.agentmail_to.pages import Paging, paging
from services.sandbox.agentmail_to.records import Inbox, Key, Letter
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.agentmail_to.tenancy import Tenancy
from services.sandbox.context import Sandbox
from services.sandbox.faults import Fault
from services.sandbox.store import Store

_ID: Final = re.compile(r"[A-Za-z0-9\-._~]{1,256}")


@dataclass(frozen=True, slots=True)
class Services:
    """What the whole door stands on."""

    sandbox: Sandbox
    tenancy: Tenancy
    room: Mailroom
    hub: Hub

    @property
    def store(self) -> Store:
        """The mail store of the sandbox."""
        return self.sandbox.store


@dataclass(frozen=True, slots=True)
class V0Call:
    """One call of an operation: by which key, about which ids, with what."""

    services: Services
    key: Key
    operation: str
    ids: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    faults: Mapping[str, Fault]
    body: Any = None
    sent: bytes = field(default=b"", repr=False)
    """The body as it came."""

    @property
    def store(self) -> Store:
        """The mail store."""
        return self.services.store

    @property
    def room(self) -> Mailroom:
        """The messages."""
        return self.services.room

    def inbox(self) -> Inbox:
        """Return the inbox that the path names, its mail taken over; raises 404."""
        found = self.services.tenancy.inbox(self.key, self.ids["inbox_id"])
        if "pod_id" in self.ids and self.pod() != found.pod_id:
            raise Failure(404, "not_found", "Inbox not found")
        self.room.catch_up(found)
        return found

    def inboxes(self) -> list[Inbox]:
        """Return the inboxes in the scope of the path, their mail taken over; raises 404."""
        if "inbox_id" in self.ids:
            return [self.inbox()]
        found = self.services.tenancy.inboxes(self.key, self.pod())
        for inbox in found:
            self.room.catch_up(inbox)
        return found

    def pod(self) -> str | None:
        """Return the pod that the path names, if it names one; raises 404."""
        named = self.ids.get("pod_id")
        return None if named is None else self.services.tenancy.pod(self.key, named)

    def letter(self) -> tuple[Inbox, Letter]:
        """Return the message that the path names; raises 404."""
        inbox = self.inbox()
        return inbox, self.room.get(self.key, inbox, self.ids["message_id"])

    # ── the query ────────────────────────────────────────────────────────────────────────────────

    def word(self, name: str) -> str | None:
        """Return one value of the query, the last of several."""
        values = self.query.get(name)
        return values[-1] if values else None

    def words(self, name: str) -> list[str]:
        """Return a list of the query: a JSON array, comma-joined, or repeated (§1)."""
        found: list[str] = []
        for value in self.query.get(name, ()):
            found.extend(_listed(value))
        return found

    def flag(self, name: str) -> bool:
        """Return a truth value of the query, false when it is not there; raises 400."""
        value = self.word(name)
        if value not in (None, "true", "false"):
            raise invalid("Expected boolean", name)
        return value == "true"

    def moment(self, name: str) -> float | None:
        """Return a moment of the query; raises 400."""
        value = self.word(name)
        return None if value is None else moment(value, name)

    def paging(self, largest: int = 500, *also: object) -> Paging:
        """Return limit and place; a token holds for the same path, query and key scope only."""
        known = [self.operation, sorted(self.ids.items()), self.key.key_id, also]
        asked = {
            name: values
            for name, values in sorted(self.query.items())
            if name not in ("limit", "page_token")
        }
        name = json.dumps([known, asked], default=str)
        single = {name: values[-1] for name, values in self.query.items()}
        return paging(self.store, name, single, self.faults, largest)


def _listed(value: str) -> list[str]:
    if value.startswith("["):
        try:
            read = json.loads(value)
        except ValueError:
            read = None
        if isinstance(read, list):
            return [str(one) for one in read]
    return value.split(",") if value else []


def checked_id(text: str, *path: str | int) -> str:
    """Return a client_id or idempotency key, or raise 400 for characters it may not hold."""
    if not _ID.fullmatch(text):
        raise invalid("Must be 1 to 256 characters of A-Z a-z 0-9 - . _ ~", *path)
    return text


V0Handler = Callable[[V0Call], Json | None]
"""Returns what is answered as JSON, None for an empty answer."""
