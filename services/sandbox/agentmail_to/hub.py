"""Hands events to the WebSocket sessions that subscribed to them (api/agentmail_to.md §10).

Closes the trap of a slow listener: events wait in a queue of the session, and nobody who sends or
receives mail waits for a socket.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from services.sandbox.agentmail_to.records import Inbox, Key
from services.sandbox.agentmail_to.shapes import Json
from services.sandbox.agentmail_to.tenancy import reaches

_LABELLED = "message.received."
"""Events of hidden mail: asked for by name, and with the permission to see it."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a session wants to hear; None stands for everything in its key's scope."""

    event_types: frozenset[str] | None
    inbox_ids: frozenset[str] | None
    pod_ids: frozenset[str] | None

    def wants(self, key: Key, event_type: str, inbox: Inbox) -> bool:
        """Tell whether an event of an inbox belongs to this subscription."""
        if self.inbox_ids is not None or self.pod_ids is not None:
            named = inbox.inbox_id in (self.inbox_ids or ()) or inbox.pod_id in (self.pod_ids or ())
            if not named:
                return False
        if event_type.startswith(_LABELLED):
            label = event_type.removeprefix(_LABELLED)
            asked = self.event_types is not None and event_type in self.event_types
            return asked and key.grants(f"label_{label}_read")
        return self.event_types is None or event_type in self.event_types


@dataclass(slots=True)
class Session:
    """One connected socket: its key, its subscriptions, the events that wait for it."""

    key: Key
    subscriptions: list[Subscription] = field(default_factory=list)
    waiting: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)


class Hub:
    """The connected sessions."""

    def __init__(self) -> None:
        self._sessions: list[Session] = []

    def enter(self, session: Session) -> None:
        """Take a session in."""
        self._sessions.append(session)

    def leave(self, session: Session) -> None:
        """Forget a session."""
        self._sessions.remove(session)

    def listens(self) -> bool:
        """Tell whether anybody has subscribed to anything."""
        return any(session.subscriptions for session in self._sessions)

    def publish(self, event_type: str, inbox: Inbox, payload: Callable[[], Json]) -> None:
        """Tell all who want to hear; the payload is made only when somebody does."""
        wanting = [
            session
            for session in self._sessions
            if reaches(session.key, inbox)
            and any(one.wants(session.key, event_type, inbox) for one in session.subscriptions)
        ]
        if wanting:
            event_id = f"evt_{secrets.token_hex(12)}"
            head = {"type": "event", "event_type": event_type, "event_id": event_id}
            event = {**head, **payload()}
            for session in wanting:
                session.waiting.put_nowait(event)
