"""The way to a service as it is in the world: TLS with a real authority, and a CONNECT proxy before it.

TlsFront   ends TLS before a plain server on this machine and hands every byte on
FakeProxy  an HTTP proxy for CONNECT that keeps all it can read; names lead where the test says
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import trustme

from tests.fakes.listener import Listener


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's side of TLS with a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


class _Between(Listener):
    """Hands bytes on in both directions."""

    def _end(self, writer: asyncio.StreamWriter) -> None:
        # A peer that has gone does not answer the end of TLS.
        writer.transport.abort()

    async def _joined(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            ways = (self._pumped(reader, far_writer), self._pumped(far_reader, writer))
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            far_writer.transport.abort()

    async def _pumped(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            self._passed(data)
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
        else:
            writer.close()
            await writer.wait_closed()

    def _passed(self, data: bytes) -> None:
        """Take note of bytes on their way."""


class TlsFront(_Between):
    """TLS before the plain server at `port`."""

    def __init__(self, certificate: trustme.LeafCert, port: int) -> None:
        super().__init__(server_context(certificate))
        self._behind = port

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._joined(reader, writer, self._behind)


class FakeProxy(_Between):
    """A proxy: `targets` leads `host:port` to a port here; with `refusal` it answers that, and closes.

    `heard` is every byte that it could read, in both directions; `asked` the places it was asked for.
    """

    def __init__(
        self,
        targets: Mapping[str, int],
        *,
        refusal: bytes = b"",
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        super().__init__(server_context(certificate) if certificate else None)
        self._is_secure = certificate is not None
        self._targets = targets
        self._refusal = refusal
        self.heard = bytearray()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http{'s' if self._is_secure else ''}://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self._passed(head)
        method, place, _ = head.split(b"\r\n")[0].decode().split(" ")
        self.asked.append(place)
        port = self._targets.get(place) if method == "CONNECT" else None
        if self._refusal or port is None:
            writer.write(self._refusal or b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await self._joined(reader, writer, port)

    def _passed(self, data: bytes) -> None:
        self.heard += data
