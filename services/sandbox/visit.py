"""One HTTP request at a door: as it came, what is noted of it, the faults that hit it, the way back.

Closes the trap of doors that note requests each in its own way: what was asked is noted once, also
when the connection was cut before there was an answer, and the test controls are noted nowhere.
"""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field

from starlette.types import Receive, Scope, Send

from services.sandbox.body import Gone
from services.sandbox.connections import Connections
from services.sandbox.context import Sandbox, SeenRequest
from services.sandbox.faults import Fault
from services.sandbox.faulty_wire import Answer, Dropped, FaultyWire, LetGo

_CONTROLS = "/_sandbox/"


def seen_at(door: str, scope: Scope, operation: str = "", *, status: int = 0) -> SeenRequest:
    """Return what is noted of a request as long as nobody has looked at it."""
    return SeenRequest(
        door=door,
        method=scope.get("method", "GET"),
        path=scope["raw_path"].decode("latin-1"),
        operation=operation,
        agent_id=None,
        status=status,
        headers=[name.decode("latin-1") for name, _ in scope["headers"]],
    )


@dataclass(frozen=True, slots=True)
class Visit:
    """A request under way; `seen` and `faults` are filled in by its door."""

    scope: Scope
    receive: Receive
    wire_out: FaultyWire
    seen: SeenRequest
    faults: dict[str, Fault] = field(default_factory=dict)

    @classmethod
    def at(
        cls,
        door: str,
        sandbox: Sandbox,
        connections: Connections,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> Visit:
        """Begin one."""
        wire_out = FaultyWire(connections, sandbox.held, scope, receive, send)
        return cls(scope, receive, wire_out, seen_at(door, scope))

    async def end(self, sandbox: Sandbox, answering: Awaitable[Answer]) -> None:
        """Note the request and send its answer, as the faults let it."""
        try:
            answer = await answering
        except LetGo:
            return
        except (Dropped, Gone):
            self._note(sandbox)
            return
        self.seen.status = answer.status
        self._note(sandbox)
        with suppress(Dropped):
            await self.wire_out.answer(answer, self.faults)

    def _note(self, sandbox: Sandbox) -> None:
        if not self.seen.path.startswith(_CONTROLS):
            sandbox.requests.append(self.seen)
