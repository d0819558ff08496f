"""The WebSocket side of the server: loaded when the first client asks for one.

Closes the trap of a start that pays for what nobody uses: `websockets` costs about as much to
import as the door itself.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast


def socket_protocol() -> type[asyncio.Protocol]:
    """Return what uvicorn makes a protocol of when a request asks for an upgrade."""

    def make(**named: Any) -> asyncio.Protocol:
        from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

        return WebSocketsSansIOProtocol(**named)

    return cast("type[asyncio.Protocol]", make)
