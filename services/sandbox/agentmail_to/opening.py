"""Opens the door in two steps: its keys when the sandbox starts, the rest at the first request.

Closes two traps. A second start that makes other keys: with `--data`, what was announced once still
works. And a start that pays for a door that nobody enters: importing it costs more than the others
together.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.types import ASGIApp, Receive, Scope, Send

from services.sandbox.agentmail_to.tables import make_tables
from services.sandbox.agentmail_to.tenancy import Tenancy
from services.sandbox.connections import Connections
from services.sandbox.context import Sandbox
from services.sandbox.store import Store

if TYPE_CHECKING:
    from services.sandbox.agentmail_to.context import Services


class LateDoor:
    """The ASGI application of the AgentMail.to port, made when the first request comes."""

    def __init__(self, sandbox: Sandbox, connections: Connections) -> None:
        self._sandbox = sandbox
        self._connections = connections
        self._door: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hold one WebSocket session."""
        if self._door is None:
            self._door = _open(self._sandbox, self._connections)
        await self._door(scope, receive, send)


def _open(sandbox: Sandbox, connections: Connections) -> ASGIApp:
    from services.sandbox.agentmail_to.context import Services
    from services.sandbox.agentmail_to.door import AgentmailDoor
    from services.sandbox.agentmail_to.hub import Hub
    from services.sandbox.agentmail_to.mailroom import Mailroom
    from services.sandbox.agentmail_to.message_calls import received_event
    from services.sandbox.agentmail_to.rules import Rules

    room = Mailroom(sandbox.store, Rules(sandbox.store).labels)
    services = Services(sandbox, Tenancy(sandbox.store), room, Hub())
    room.arrived = partial(received_event, services)
    _watch_deliveries(services)
    return AgentmailDoor(services, connections)


def _watch_deliveries(services: Services) -> None:
    """Tell listeners about mail that comes in through any door."""
    loop = asyncio.get_running_loop()

    def take_over(number: int) -> None:
        inbox = services.tenancy.inbox_of(number)
        if inbox is not None:
            services.room.catch_up(inbox)

    def delivered(number: int) -> None:
        # Later, because the delivery may be part of a transaction that is not committed yet.
        if services.hub.listens():
            loop.call_soon(take_over, number)

    services.store.delivered = delivered


def first_keys(store: Store) -> dict[str, Any]:
    """Return the keys to announce, of the first organization and of each of its inboxes.

    Every agent of a new sandbox has an inbox there.
    """
    make_tables(store.database)
    tenancy = Tenancy(store)
    with store.transaction():
        if not tenancy.organizations():
            organization, pod = tenancy.add_organization()
            for agent in store.agents():
                tenancy.add_inbox(agent, organization, pod, {})
        organization = tenancy.organizations()[0]
        rows = store.database.connection.execute(
            "SELECT agent FROM v0_inboxes WHERE organization_id = ? ORDER BY agent", (organization,)
        ).fetchall()
        inboxes = [inbox for row in rows if (inbox := tenancy.inbox_of(row[0]))]
        return {
            "organization_id": organization,
            "api_key": tenancy.secret(organization, None),
            "inboxes": [
                {"inbox_id": inbox.inbox_id, "api_key": tenancy.secret(organization, inbox.number)}
                for inbox in inboxes
            ],
        }
