"""The mail door: an SMTP server inside the sandbox's own event loop that delivers to its agents.

Closes the trap of an open relay and of silent acceptance: a foreign domain and an unknown agent are
refused at RCPT with the codes that senders act on, and what is accepted is stored before it is
acknowledged. Nothing that comes in here is verified (research/sandbox.md §4).
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.utils import formatdate
from typing import Final, Protocol, cast

from aiosmtpd.smtp import SMTP, Envelope, Session

SIZE_LIMIT: Final = 40 * 2**20
"""Bytes of a mail, announced as SIZE; a longer one is refused with 552."""
RECIPIENT_LIMIT: Final = 100
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")
_UNPRINTABLE: Final = re.compile(r"[^!-~\u00a1-\ud7ff]")


class Deliveries(Protocol):
    """What the door needs of the store.

    Deliveries inside `transaction` are stored together or not at all, durably when it ends; OSError
    or sqlite3.Error when they cannot be. `deliver` raises KeyError for an agent that is gone.
    """

    def transaction(self) -> AbstractContextManager[object]: ...

    def agent(self, agent_id: str) -> object | None: ...

    def deliver(self, agent_id: str, raw: bytes, *, verified: bool) -> str: ...


class MailHandler:
    """Decides about recipients and hands accepted mail to the store; one per server."""

    def __init__(self, deliveries: Deliveries, mail_domain: str) -> None:
        self._deliveries = deliveries
        self._domain = mail_domain.lower()

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take any sender, also the empty one that bounces carry."""
        envelope.mail_from = address or "<>"
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take local agents only: 550 5.7.1 for another domain, 550 5.1.1 for an unknown agent."""
        agent_id, _, domain = address.rpartition("@")
        if domain.lower() != self._domain:
            return "550 5.7.1 Relaying denied"
        if self._deliveries.agent(agent_id) is None:
            return "550 5.1.1 No such agent here"
        if len(envelope.rcpt_tos) >= RECIPIENT_LIMIT:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Deliver to each recipient once; acknowledged means stored."""
        raw = envelope.content
        if not isinstance(raw, bytes) or _BARE_LF.search(raw):
            return "554 5.6.0 Bare line feeds are not accepted"
        names = (address.rpartition("@")[0] for address in envelope.rcpt_tos)
        agents = {name.lower(): name for name in names}
        traced = _trace(session, envelope, self._domain) + raw
        try:
            with self._deliveries.transaction():
                for agent_id in agents.values():
                    self._deliveries.deliver(agent_id, traced, verified=False)
        except (OSError, sqlite3.Error):
            return "452 4.3.1 Insufficient system storage"
        except KeyError:
            return "550 5.1.1 No such agent here"
        return "250 2.0.0 OK"


@dataclass(frozen=True, slots=True)
class SmtpDoor:
    """A running SMTP server; `port` is the one that was bound."""

    host: str
    port: int
    _server: asyncio.Server
    _open: set[asyncio.Transport]

    async def stop(self) -> None:
        """Stop listening and cut what is still connected: a silent client delays nothing."""
        self._server.close()
        for transport in tuple(self._open):
            transport.abort()
        await self._server.wait_closed()


class _Connection(SMTP):
    """One SMTP session that registers itself while it is open."""

    def __init__(
        self, handler: MailHandler, connections: set[asyncio.Transport], hostname: str
    ) -> None:
        super().__init__(
            handler,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            decode_data=False,
            hostname=hostname,
            ident="agentmail sandbox",
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(transport, asyncio.Transport):
            self._wire = transport
            self._connections.add(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._wire is not None:
            self._connections.discard(self._wire)
        super().connection_lost(error)


async def open_smtp_door(
    deliveries: Deliveries, mail_domain: str, *, host: str = "127.0.0.1", port: int = 0
) -> SmtpDoor:
    """Listen for mail to `<agent>@<mail_domain>` in the running loop; port 0 takes a free one."""
    handler = MailHandler(deliveries, mail_domain)
    connections: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Connection(handler, connections, mail_domain), host=host, port=port
    )
    bound = server.sockets[0].getsockname()
    return SmtpDoor(host, int(bound[1]), server, connections)


def _trace(session: Session, envelope: Envelope, domain: str) -> bytes:
    sender = (envelope.mail_from or "").strip("<>")
    helo = _UNPRINTABLE.sub("", session.host_name or "unknown")
    peer = cast("object", session.peer)
    address = peer[0] if isinstance(peer, tuple) else "unknown"
    lines = (
        f"Return-Path: <{_UNPRINTABLE.sub('', sender)}>",
        f"Received: from {helo} ([{address}])",
        f" by {domain} with SMTP; {formatdate()}",
    )
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
