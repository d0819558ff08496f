"""The HTTP connections of a server, so that an ordered fault can cut the one it is on.

Closes the trap of a "dropped connection" that is really a polite 500: ASGI has no way to cut, so
the protocol registers its transports by the client's address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from starlette.types import Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

Connections = dict[tuple[str, int], asyncio.Transport]


class _Tracked(H11Protocol):
    def __init__(self, *arguments: Any, connections: Connections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._connections = connections
        self._peer: tuple[str, int] = ("", 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = tuple((transport.get_extra_info("peername") or self._peer)[:2])
        self._connections[self._peer] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.pop(self._peer, None)
        super().connection_lost(exc)


def protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Return a protocol for uvicorn that registers its connections."""
    make: Callable[..., H11Protocol] = partial(_Tracked, connections=connections)
    return cast("type[asyncio.Protocol]", make)


async def cut(connections: Connections, scope: Scope, receive: Receive, *, hard: bool) -> None:
    """End the connection of a request, by a reset (`hard`) or after what was written."""
    transport = connections.get(tuple(scope.get("client") or ()))
    if transport is None:
        return
    if hard:
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
