"""What AgentMail.to tells by itself: one WebSocket, one inbox, one subscription.

Closes these traps: the key in a URL (it goes into the header of the handshake, to the service's own
host), an event of another inbox, a word of tomorrow that ends the connection, an event that is
believed (what it says is a reason to look, no more), and frames by the ten thousand that leave the loop
no time for anything else. Reconnecting is the caller's
(`services.sync.watching`). Source: api/agentmail_to.md §10.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import msgspec

from services import origins
from services.api.agentmail_to.failures import of_answer
from services.api.connection_failures import HttpRoute
from services.api.http import bare, proxy_to, trust
from services.errors import BadAnswer, Forbidden, NotFound, ServiceError, TimedOut, UsageError
from services.ports import PushSignal
from services.redact import LOGGER, Secret

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

ANSWER_SECONDS: Final = 10.0
"""For the answer to the subscription."""
REMEMBERED: Final = 512
"""Events that are known again when they are told twice."""
LONGEST_ID: Final = 256
MOST_FRAMES: Final = 5_000
"""Frames in `SPAN` seconds; who sends more is not listened to for a while."""
SPAN: Final = 10.0
_IN_A_ROW: Final = 50
"""Frames after which others have their turn, also when more are there."""
_HOSTS: Final = {"api.agentmail.to": "ws.agentmail.to", "api.agentmail.eu": "ws.agentmail.eu"}
_TELLING: Final = frozenset({
    "message.received", "message.received.spam", "message.received.blocked",
    "message.received.unauthenticated", "message.sent", "message.delivered", "message.bounced",
    "message.complained", "message.rejected", "message.opened", "message.security.completed",
    "message.security.review", "message.security.override",
})  # fmt: skip
_PAYLOADS: Final = ("message", "send", "delivery", "bounce", "complaint", "reject", "open")
_log: Final = logging.getLogger(f"{LOGGER}.api")


class Frame(msgspec.Struct):
    """What is read of a frame; every field may be anything, others are passed over."""

    type: object = None
    name: object = None
    event_type: object = None
    event_id: object = None
    message: object = None
    send: object = None
    delivery: object = None
    bounce: object = None
    complaint: object = None
    reject: object = None
    open: object = None


class AgentMailToPush:
    """The events of one inbox: a `services.ports.PushSource`.

    `base_url` as `services.service_config.service_url` returns it. UsageError when the service has
    no events.
    """

    def __init__(self, base_url: str, key: Secret | str, inbox_id: str, *, proxy: str = "") -> None:
        self._url = socket_url(base_url)
        self._origin = origins.origin_of(self._url.replace("ws", "http", 1))
        self._key = key if isinstance(key, Secret) else Secret(key)
        self._inbox_id = inbox_id
        self._route = HttpRoute(str(self._origin), proxy_to(self._origin, proxy))

    async def listen(self, tell: Callable[[PushSignal], None]) -> None:
        """Hold one connection and tell what comes; see `services.ports.PushSource`."""
        await bare(self._listen(tell))

    async def _listen(self, tell: Callable[[PushSignal], None]) -> None:
        # In a thread, and late: only who has such an account pays for the import.
        await asyncio.to_thread(import_module, "services.api.agentmail_to.push_socket")
        from services.api.agentmail_to import push_socket

        headers = {"Authorization": f"Bearer {self._key.reveal()}"}
        is_plain = self._url.startswith("ws:")
        secure = None if is_plain else await asyncio.to_thread(trust, self._origin)
        place = self._route.place
        try:
            async with push_socket.opened(self._url, headers, secure, self._route) as connection:
                frames = Frames(connection, place)
                await self._subscribe(connection, frames, place)
                tell(PushSignal.LISTENING)
                news = News(self._inbox_id)
                while True:
                    if news.is_told_by(await frames.next()):
                        tell(PushSignal.CHANGED)
        except push_socket.HandshakeRefused as refused:
            error = of_answer(refused.answer)
        raise error or BadAnswer(f"{place} did not open a connection.")

    async def _subscribe(self, connection: ClientConnection, frames: Frames, place: str) -> None:
        asked = {"type": "subscribe", "inbox_ids": [self._inbox_id]}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.send(msgspec.json.encode(asked).decode())
                while True:
                    frame = await frames.next()
                    if frame.type == "subscribed":
                        return
                    if frame.type == "error":
                        raise _not_subscribed(frame.name)
        except TimeoutError:
            raise TimedOut(f"{place} did not answer in time.") from None


class Frames:
    """What comes over one connection, frame by frame, with turns for others in between."""

    def __init__(self, connection: ClientConnection, place: str) -> None:
        self._connection = connection
        self._place = place
        self._count = 0
        self._since = time.monotonic()

    async def next(self) -> Frame:
        """Return the next frame; BadAnswer when there are too many."""
        frame = read(await self._connection.recv(decode=False))
        self._count += 1
        if self._count % _IN_A_ROW == 0:
            # Nothing else runs as long as frames are at hand.
            await asyncio.sleep(0)
            now = time.monotonic()
            if now - self._since >= SPAN:
                self._count, self._since = 0, now
        if self._count >= MOST_FRAMES:
            raise BadAnswer(f"{self._place} sends without end.", "Mail is asked for instead.")
        return frame


class News:
    """Tells which events are news of one inbox: known kinds, each once."""

    def __init__(self, inbox_id: str) -> None:
        self._inbox_id = inbox_id
        self._told: dict[str, None] = {}

    def is_told_by(self, frame: Frame) -> bool:
        """Tell whether a frame is a reason to look."""
        if frame.type != "event" or frame.event_type not in _TELLING:
            return False
        payloads = (getattr(frame, name) for name in _PAYLOADS)
        if not any(
            isinstance(one, dict) and one.get("inbox_id") == self._inbox_id for one in payloads
        ):
            return False
        event_id = frame.event_id
        is_named = isinstance(event_id, str) and len(event_id) <= LONGEST_ID
        return not is_named or self._is_first(str(event_id))

    def _is_first(self, event_id: str) -> bool:
        if event_id in self._told:
            return False
        self._told[event_id] = None
        if len(self._told) > REMEMBERED:
            del self._told[next(iter(self._told))]
        return True


def read(data: str | bytes) -> Frame:
    """Return a frame; one that makes no sense is an empty one, which nobody acts on."""
    try:
        return msgspec.json.decode(data, type=Frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        _log.debug("%d bytes that are no frame", len(data))
        return Frame()


def socket_url(base_url: str) -> str:
    """Return where the events of a service are; UsageError for one that has no such place.

    Another host than that of the requests (§1); on this machine the same.
    """
    origin = origins.origin_of(base_url)
    host = _HOSTS.get(origin.host) if origin.scheme == "https" else None
    if host is not None:
        return f"wss://{host}/v0"
    if not origin.is_loopback:
        raise UsageError("This service tells nothing by itself.")
    scheme = "wss" if origin.scheme == "https" else "ws"
    return f"{scheme}://{urlsplit(base_url).netloc}/v0"


def _not_subscribed(name: object) -> ServiceError:
    """Return the error for a subscription that is refused, by the service's name for the reason."""
    if name == "MissingPermissionError":
        return Forbidden("The API key lacks the permission message_read.", "Mail is looked for.")
    if name == "NotFoundError":
        return NotFound("The API key does not reach this inbox.")
    return BadAnswer("The service did not accept the subscription.")
