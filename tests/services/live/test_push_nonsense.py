"""A socket that says whatever it likes: the connection ends with a sentence, or listens on."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import struct
from collections.abc import Callable

import pytest

from services.api.agentmail_to.push import AgentMailToPush
from services.api.agentmail_to.push_socket import CLOSE_SECONDS, opened
from services.api.connection_failures import HttpRoute
from services.errors import ServiceError
from services.ports import PushSignal
from tests.fakes.scripted_service import FakeService, Reply, Seen
from tests.patience import PATIENCE
from tests.spoiled_bytes import spoiled

KEY = "key-canary"
PIECES = (b"\r\n", b"\0", b":", b"\xff", b"\x81\x7f", b"\x88\x02\x03\xe8", b"9" * 30, b"\x89\x7e")


def accepted(seen: Seen) -> bytes:
    """The answer that opens a socket."""
    told = seen.headers["sec-websocket-key"].encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    proof = base64.b64encode(hashlib.sha1(told).digest()).decode()
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {proof}\r\n\r\n"
    ).encode()


def frame(data: bytes, opcode: int = 1) -> bytes:
    """One whole frame as a server sends it."""
    return bytes([0x80 | opcode, 126]) + struct.pack("!H", len(data)) + data


SUBSCRIBED = frame(b'{"type":"subscribed"}')
EVENT = frame(
    b'{"type":"event","event_type":"message.received","message":{"inbox_id":"a@b.example"}}'
)


def in_the_handshake(chance: random.Random) -> Callable[[Seen], Reply]:
    return lambda seen: Reply(
        spoiled(accepted(seen), chance, PIECES) + SUBSCRIBED + EVENT, close=True
    )


def in_the_frames(chance: random.Random) -> Callable[[Seen], Reply]:
    return lambda seen: Reply(
        accepted(seen) + spoiled(SUBSCRIBED + EVENT + EVENT, chance, PIECES), close=True
    )


@pytest.mark.parametrize("script", [in_the_handshake, in_the_frames])
@pytest.mark.parametrize("seed", range(3))
async def test_nonsense_ends_the_connection_with_a_sentence(
    script: Callable[[random.Random], Callable[[Seen], Reply]], seed: int
) -> None:
    chance = random.Random(seed)
    async with FakeService(script=script(chance)) as service:
        push = AgentMailToPush(f"{service.url}/v0", KEY, "a@b.example")
        for _ in range(30):
            with pytest.raises(ServiceError) as ended:
                async with asyncio.timeout(PATIENCE):
                    await push.listen(lambda _: None)
            assert ended.value.sentence
            assert KEY not in str(ended.value)


async def test_stopping_does_not_wait_for_a_side_that_says_no_goodbye() -> None:
    async with FakeService(script=lambda seen: Reply(accepted(seen) + SUBSCRIBED)) as service:
        push, heard = AgentMailToPush(f"{service.url}/v0", KEY, "a@b.example"), asyncio.Queue()
        listening = asyncio.ensure_future(push.listen(heard.put_nowait))
        async with asyncio.timeout(PATIENCE):
            assert await heard.get() is PushSignal.LISTENING
            listening.cancel()
            await asyncio.wait((listening,))
        assert listening.cancelled()


async def test_the_end_of_a_connection_is_waited_for_a_moment_only() -> None:
    async with FakeService(script=lambda seen: Reply(accepted(seen))) as service:
        way = HttpRoute(service.url, "")
        async with opened(service.url.replace("http", "ws", 1), {}, None, way) as connection:
            assert connection.close_timeout == CLOSE_SECONDS < 1
