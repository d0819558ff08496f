"""A service that sends frames without end: it is not listened to, and nothing else stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from services.api.agentmail_to.push import LONGEST_ID, AgentMailToPush, News, read
from services.errors import BadAnswer
from tests.patience import PATIENCE

INBOX = "bot@agents.example.com"
TINY = bytes([0x81, 2]) + b"{}"
"""A whole frame, as it is on the wire."""


@asynccontextmanager
async def flooding(*, before: str) -> AsyncIterator[str]:
    """A service that floods whoever subscribes, once it has said `before`."""

    async def handle(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await connection.recv()
            if before:
                await connection.send(before)
            while not connection.transport.is_closing():
                connection.transport.write(TINY * 10_000)
                await asyncio.sleep(0.001)

    async with serve(handle, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}/v0"


@pytest.mark.parametrize(
    "before", ["", '{"type": "subscribed"}'], ids=["unsubscribed", "listening"]
)
async def test_frames_without_end_end_the_connection(before: str) -> None:
    async with flooding(before=before) as url:
        push = AgentMailToPush(url, "am_key", INBOX)
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(BadAnswer, match="without end"):
                await push.listen(lambda _: None)


def test_an_id_without_end_is_not_kept() -> None:
    news = News(INBOX)
    event = {"type": "event", "event_type": "message.sent", "send": {"inbox_id": INBOX}}
    for length, told in ((LONGEST_ID, [True, False]), (LONGEST_ID + 1, [True, True])):
        frame = read(msgspec.json.encode(event | {"event_id": "e" * length}))
        assert [news.is_told_by(frame), news.is_told_by(frame)] == told
