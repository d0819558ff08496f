"""Answers of storage hosts in large pieces, so that a download is not slowed down by Python.

Closes the trap of a file that comes in pieces of 64 KB whatever the socket holds (httpcore's own
figure): each costs a turn of the loop and a dozen calls, and 100 MB took twice as long as the host
needed to send them. What the transport has read is handed on whole; nothing else is changed.
"""

from __future__ import annotations

from typing import Any, Final

import httpcore
import httpx

WIDE: Final = 1024 * 1024
"""Bytes that one read may return; the loop itself reads 256 KB at most."""


class WideTransport(httpx.AsyncHTTPTransport):
    """httpx's own transport with wide reads, wherever the installed httpcore lets them be had."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        backend = getattr(self._pool, "_network_backend", None)
        if isinstance(backend, httpcore.AsyncNetworkBackend):
            # httpx offers no other way to it; without it, reads are merely short.
            self._pool._network_backend = _WideBackend(backend)  # noqa: SLF001


class _WideBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, backend: httpcore.AsyncNetworkBackend) -> None:
        self._backend = backend

    async def connect_tcp(self, *told: Any, **named: Any) -> httpcore.AsyncNetworkStream:
        return _WideStream(await self._backend.connect_tcp(*told, **named))

    async def connect_unix_socket(self, *told: Any, **named: Any) -> httpcore.AsyncNetworkStream:
        return _WideStream(await self._backend.connect_unix_socket(*told, **named))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _WideStream(httpcore.AsyncNetworkStream):
    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max(max_bytes, WIDE), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(self, *told: Any, **named: Any) -> httpcore.AsyncNetworkStream:
        return _WideStream(await self._stream.start_tls(*told, **named))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
