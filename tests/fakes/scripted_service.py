"""FakeService: a real TCP server whose every byte is scripted, for answers no real server gives."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.fakes.listener import Listener


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came over the wire; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """Bytes to send; then the connection is kept, dripped on for ever, or closed."""

    data: bytes = b""
    close: bool = False
    drip: bytes = b""


DROP = Reply(close=True)
"""Take the request, then close without a word."""


def answer(
    status: int = 200, body: object = None, *, headers: dict[str, str] | None = None
) -> Reply:
    """A well-formed answer: JSON unless the body is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    told |= headers or {}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return Reply(f"HTTP/1.1 {status} Scripted\r\n{lines}\r\n".encode() + content)


Script = Callable[[Seen], Reply]


class FakeService(Listener):
    """Serves scripted replies in order, the last one again and again; or what a function says."""

    def __init__(self, *replies: Reply, script: Script | None = None) -> None:
        super().__init__()
        self._replies = list(replies)
        self._script = script
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await self._one(reader, writer):
            pass

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        pairs = (line.split(":", 1) for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        seen = Seen(method, target, headers, body)
        self.seen.append(seen)
        reply = self._script(seen) if self._script else self._next()
        writer.write(reply.data)
        await writer.drain()
        while reply.drip:
            writer.write(reply.drip)
            await writer.drain()
            await asyncio.sleep(0.01)
        return not reply.close

    def _next(self) -> Reply:
        return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class FakeSleep:
    """Takes the place of `asyncio.sleep`: returns at once and keeps what was asked for."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waits.append(seconds)
