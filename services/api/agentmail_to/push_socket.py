"""One WebSocket connection to one address, without surprises: the only user of `websockets` here.

Closes the traps that the library leaves open: redirects that would carry the key on, the environment's
proxies, compressed frames (a few bytes inflate to megabytes), messages without end, and a close that
waits ten seconds for somebody who is gone. Imported with the first connection (`push`),
because it costs about 45 ms.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxyStatus,
    InvalidStatus,
    InvalidURI,
    ProxyError,
)

from services import redact
from services.api import connection_failures
from services.api.connection_failures import HttpRoute
from services.api.failures import Answer
from services.api.http import user_agent
from services.errors import BadAnswer, Offline

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of one message."""
AHEAD: Final = 4
"""Messages that are read ahead of us; then the other side has to wait."""
OPEN_SECONDS: Final = 10.0
QUIET_SECONDS: Final = 30.0
"""Between two pings of ours; a connection that leaves one unanswered is dead."""
PONG_SECONDS: Final = 20.0
CLOSE_SECONDS: Final = 0.3
_TOO_BIG: Final = 1009


class HandshakeRefused(Exception):
    """The other side answered, and not with an open connection; `answer` says how."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Pinned(connect):
    """Goes where it is told to and nowhere else."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirect."""
        return exc


@asynccontextmanager
async def opened(
    url: str, headers: Mapping[str, str], trust: ssl.SSLContext | None, way: HttpRoute
) -> AsyncIterator[ClientConnection]:
    """Connect, lend the connection, and end it within moments; `way` is named in errors.

    Raises HandshakeRefused, and Offline, TimedOut or BadAnswer for what goes wrong here and inside.
    """
    redact.silence_libraries()
    try:
        connection = await _Pinned(
            url,
            additional_headers=headers,
            user_agent_header=user_agent(),
            compression=None,
            proxy=way.proxy or None,
            ssl=trust,
            open_timeout=OPEN_SECONDS,
            ping_interval=QUIET_SECONDS,
            ping_timeout=PONG_SECONDS,
            close_timeout=CLOSE_SECONDS,
            max_size=LARGEST,
            max_queue=AHEAD,
        )
        try:
            yield connection
        finally:
            await connection.close()
    except InvalidStatus as error:
        response = error.response
        told = {name.lower(): value for name, value in response.headers.raw_items()}
        refused = HandshakeRefused(Answer(response.status_code, told, bytes(response.body or b"")))
        raise refused from None
    except ConnectionClosed as error:
        raise _closed(error, way.place) from None
    except TimeoutError:
        raise connection_failures.timed_out(way.place, uncertain=False) from None
    except (OSError, InvalidHandshake, InvalidURI) as error:
        raise _unreachable(error, way) from None


def _closed(error: ConnectionClosed, place: str) -> Offline | BadAnswer:
    if error.sent is not None and error.sent.code == _TOO_BIG:
        return BadAnswer(f"{place} sent more at once than is taken.", "Mail is asked for instead.")
    return Offline(f"The connection to {place} ended.", "It is made again.")


def _unreachable(error: Exception, way: HttpRoute) -> Offline:
    if (untrusted := connection_failures.of_certificate(error, way)) is not None:
        return untrusted
    if isinstance(error, InvalidProxyStatus):
        return connection_failures.of_proxy(way, error.response.status_code)
    if isinstance(error, ProxyError):
        return connection_failures.of_proxy(way)
    return connection_failures.unreachable(error, way)
