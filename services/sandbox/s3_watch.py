"""The object store's door as the sandbox serves it: requests are remembered, faults carried out.

Closes the trap of a door that tests cannot look through: whether a bearer token reached the storage
host is read from the header names kept here.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.sandbox.connections import Connections, cut
from services.sandbox.context import ApiError, Sandbox
from services.sandbox.faulty_wire import Dropped, FaultyWire, error_answer, ordered_answer
from services.sandbox.visit import seen_at

UPLOAD: Final = "s3_upload"
DOWNLOAD: Final = "s3_download"
"""What the operations are called in faults."""


@dataclass(frozen=True, slots=True)
class S3Watch:
    """Wraps the door."""

    door: ASGIApp
    sandbox: Sandbox
    connections: Connections

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        operation = UPLOAD if scope["method"] == "POST" else DOWNLOAD
        seen = seen_at("s3", scope, operation)
        self.sandbox.requests.append(seen)
        faults = self.sandbox.faults.take(operation, None)
        out = FaultyWire(self.connections, self.sandbox.held, scope, receive, send)
        try:
            await out.before(faults)
            ordered = ordered_answer(faults)
            if ordered is not None:
                await out.answer(ordered, faults)
                return
        except ApiError as error:
            seen.status = error.status
            await out.answer(error_answer(error), {})
            return
        except Dropped:
            return

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                if "drop_after" in faults:
                    await cut(self.connections, scope, receive, hard=True)
            await send(message)

        spoilt = out.spoiling(watched, faults) if operation == DOWNLOAD else watched
        with suppress(Dropped):
            await self.door(scope, receive, spoilt)
