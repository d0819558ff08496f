"""Connections to storage hosts that read in large pieces, so that Python does not slow a file down.

Closes the trap of a file that comes in pieces of 64 KB whatever the socket holds (httpcore's own
figure): each costs turns of the loop and a dozen calls, and 100 MB took two to three times as long
as the host needed to send them. Here the loop fills one buffer, and a read takes all that is in it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpcore
import httpx

WIDE: Final = 1024 * 1024
"""Bytes of the buffer of a connection, and of one read at most."""
_EYEBALLS: Final = 0.25
"""Seconds after which another address of a host is tried beside the first (RFC 8305)."""


class WideTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport over wide connections, wherever the installed httpcore takes them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if isinstance(getattr(self._pool, "_network_backend", None), httpcore.AsyncNetworkBackend):
            # httpx offers no other way to it; without it, reads are merely short.
            self._pool._network_backend = WideBackend()  # noqa: SLF001


class WideBackend(httpcore.AsyncNetworkBackend):
    """Opens wide connections; raises httpcore's errors as its own backends do."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own name
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to a host."""
        loop = asyncio.get_running_loop()
        source = None if local_address is None else (local_address, 0)
        async with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError, timeout):
            transport, flow = await loop.create_connection(
                _Flow, host, port, local_addr=source, happy_eyeballs_delay=_EYEBALLS
            )
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return _WideStream(transport, flow)

    async def sleep(self, seconds: float) -> None:
        """Wait between two tries."""
        await asyncio.sleep(seconds)


class _Flow(asyncio.BufferedProtocol):
    """What has come and not been taken, and whether more may be sent."""

    def __init__(self) -> None:
        self._buffer = bytearray(WIDE)
        self._filled = 0
        self._ended = False
        self._error: Exception | None = None
        self._has_come = asyncio.Event()
        self.may_write = asyncio.Event()
        self.may_write.set()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's own name
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if self._filled == WIDE and self.transport is not None:
            self.transport.pause_reading()
        self._has_come.set()

    def eof_received(self) -> None:
        self._ended = True
        self._has_come.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._error, self._ended = exc, True
        self._has_come.set()
        self.may_write.set()

    def pause_writing(self) -> None:
        self.may_write.clear()

    def resume_writing(self) -> None:
        self.may_write.set()

    @property
    def is_spent(self) -> bool:
        """Something is there that nobody asked for, or the other side has closed."""
        return self._ended or self._filled > 0

    def check(self) -> None:
        """Raise what the connection was lost by."""
        if self._error is not None:
            raise self._error

    async def take(self) -> bytes:
        """Return what has come, b"" at the end; waits for it."""
        if not self._filled and not self._ended:
            self._has_come.clear()
            await self._has_come.wait()
        taken = bytes(memoryview(self._buffer)[: self._filled])
        if not taken:
            self.check()
        was_full, self._filled = self._filled == WIDE, 0
        if was_full and self.transport is not None and not self._ended:
            self.transport.resume_reading()
        return taken


class _WideStream(httpcore.AsyncNetworkStream):
    def __init__(self, transport: asyncio.Transport, flow: _Flow) -> None:
        self._transport = transport
        self._flow = flow

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        async with _told_as(httpcore.ReadTimeout, httpcore.ReadError, timeout):
            return await self._flow.take()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        async with _told_as(httpcore.WriteTimeout, httpcore.WriteError, timeout):
            self._flow.check()
            if buffer:
                self._transport.write(buffer)
            await self._flow.may_write.wait()
            self._flow.check()

    async def aclose(self) -> None:
        # Whatever is unsent or unread is nobody's any more.
        self._transport.abort()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's own name
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        async with _told_as(httpcore.ConnectTimeout, httpcore.ConnectError, timeout):
            transport = await loop.start_tls(
                self._transport, self._flow, ssl_context, server_hostname=server_hostname
            )
        if transport is None:
            raise httpcore.ConnectError("The connection was closed.")
        self._flow.transport = transport
        return _WideStream(transport, self._flow)

    def get_extra_info(self, info: str) -> Any:
        names = {"client_addr": "sockname", "server_addr": "peername"}
        if info == "is_readable":
            return self._flow.is_spent
        return self._transport.get_extra_info(names.get(info, info))


@asynccontextmanager
async def _told_as(
    late: type[Exception], broken: type[Exception], seconds: float | None
) -> AsyncIterator[None]:
    """Turn what asyncio raises into what httpcore promises; the cause stays for the one who asks."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except (OSError, ssl.SSLError) as error:
        raise broken(str(error)) from error
