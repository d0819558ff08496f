"""Connections to storage hosts: large pieces, the errors of httpcore, and TLS over the same way."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import httpx
import pytest

from services.api.wide_reads import WIDE, WideBackend, WideTransport
from tests.fakes.scripted_service import FakeService, answer
from tests.services.api.test_http_door import self_signed

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LARGE = bytes(range(256)) * 20_000


@asynccontextmanager
async def server(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    made = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield made.sockets[0].getsockname()[1]
    made.close()


async def send_large(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(LARGE)
    await writer.drain()
    writer.close()


async def read_all(stream: httpcore.AsyncNetworkStream) -> list[bytes]:
    pieces = []
    while piece := await stream.read(1_000, timeout=10):
        pieces.append(piece)
    return pieces


async def test_a_read_takes_all_that_has_come_and_loses_nothing() -> None:
    async with server(send_large) as port:
        stream = await WideBackend().connect_tcp("127.0.0.1", port, timeout=10)
        pieces = await read_all(stream)
        await stream.aclose()
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) > 64 * 1024
    assert max(map(len, pieces)) <= WIDE


async def test_the_transport_reads_wide_with_the_installed_httpx() -> None:
    async with (
        FakeService(answer(200, LARGE)) as service,
        httpx.AsyncClient(transport=WideTransport(trust_env=False)) as client,
        client.stream("GET", service.url) as response,
    ):
        pieces = [piece async for piece in response.aiter_raw()]
    assert b"".join(pieces) == LARGE
    assert max(map(len, pieces)) > 64 * 1024


async def test_errors_are_those_that_httpcore_promises() -> None:
    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    backend, over = WideBackend(), asyncio.Event()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(httpcore.ConnectError):
            await backend.connect_tcp("127.0.0.1", free.getsockname()[1], timeout=10)
    async with server(silent) as port:
        stream = await backend.connect_tcp("127.0.0.1", port, timeout=10)
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(10, timeout=0.01)
        with pytest.raises(httpcore.WriteTimeout):
            await stream.write(LARGE * 10, timeout=0.01)
        await stream.aclose()
        over.set()
    async with server(reset) as port:
        stream = await backend.connect_tcp("127.0.0.1", port, timeout=10)
        with pytest.raises(httpcore.ReadError):
            await stream.read(10, timeout=10)
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"x", timeout=10)
        await stream.aclose()


async def test_tls_goes_the_same_way_and_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    ours = ssl.create_default_context(cafile=None)
    async with server(send_large, self_signed(tmp_path)) as port:
        plain = await WideBackend().connect_tcp("127.0.0.1", port, timeout=10)
        with pytest.raises(httpcore.ConnectError, match="CERTIFICATE_VERIFY"):
            await plain.start_tls(ours, "127.0.0.1", timeout=10)
        ours.load_verify_locations(tmp_path / "both.pem")
        plain = await WideBackend().connect_tcp("127.0.0.1", port, timeout=10)
        stream = await plain.start_tls(ours, "127.0.0.1", timeout=10)
        assert b"".join(await read_all(stream)) == LARGE
        assert isinstance(stream.get_extra_info("ssl_object"), ssl.SSLObject)
        await stream.aclose()
