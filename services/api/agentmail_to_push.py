"""What AgentMail.to tells by itself: one WebSocket, one inbox, one subscription.

Closes these traps: the key in a URL (it goes into the header of the handshake, to the service's own
host and nowhere else), a frame without end, an event of another inbox, a word of tomorrow that ends
the connection, and a socket that is dead without saying so. What an event says is not believed: it is
a reason to look. Reconnecting is `services.sync.watching`'s. Source: api/agentmail_to.md §10.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.ports import PushSignal
from services.redact import Secret

LARGEST_FRAME: Final = 4 * 1024 * 1024
"""Bytes; an event holds a whole message, at most about 1 MB of text (§9)."""
OPEN_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 30.0
"""Between two pings of ours; a connection that does not answer one in time is dead."""
CLOSE_SECONDS: Final = 1.0


class AgentMailToPush:
    """The events of one inbox. `base_url` as `services.service_config.service_url` returns it."""

    def __init__(self, base_url: str, token: Secret, inbox_id: str, *, proxy: str = "") -> None:
        self._base_url = base_url
        self._token = token
        self._inbox_id = inbox_id
        self._proxy = proxy

    async def listen(self, tell: Callable[[PushSignal], None]) -> None:
        """Hold one connection and tell what comes; see `services.ports.PushSource`."""
        raise NotImplementedError
