"""Runs the sandbox: one process, one event loop, its doors on loopback ports.

Closes three traps. It ends cleanly on SIGTERM and SIGINT with exit code 0 and takes its temporary
data with it. It ends with its parent when it was started by one (end of file on stdin), so that no
test or demo leaves a server behind. And the line with the addresses is printed only when every door
is open.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import uvicorn
from starlette.types import ASGIApp

from services.api import wire
from services.api.wire_types import MAX_UPLOAD_BYTES
from services.errors import UsageError
from services.sandbox.agentmail_to.opening import LateDoor, first_keys
from services.sandbox.agentmail_to.socket_wire import socket_protocol
from services.sandbox.app import ApiDoor
from services.sandbox.connections import Connections, protocol
from services.sandbox.context import Clock, Sandbox
from services.sandbox.presign import Signer
from services.sandbox.s3_door import S3Door
from services.sandbox.s3_watch import S3Watch
from services.sandbox.ses.door import SesDoor
from services.sandbox.signals import EndSignals, Interrupted
from services.sandbox.smtp_door import SmtpDoor, open_smtp_door
from services.sandbox.store import Store

HOST: Final = "127.0.0.1"
AGENTS: Final = ("ops-bot", "research", "billing", "csv-worker")
"""The agents of a new sandbox; sample mail goes to the first."""
_FORM_OVERHEAD: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: port 0 takes a free one, without `data` a temporary folder is used."""

    data: Path | None = None
    port: int = 0
    s3_port: int = 0
    smtp_port: int = 0
    v0_port: int = 0
    ses_port: int = 0
    messages: int = 0
    ends_with_parent: bool = False
    """Stop when stdin reaches its end."""


def serve(options: Options) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. Raises UsageError for a taken port."""
    folder = options.data or Path(tempfile.mkdtemp(prefix="agentmail-sandbox-"))
    signals = EndSignals()
    try:
        sandbox, ports = _prepare(options, folder)
        asyncio.run(_run(sandbox, options, ports, signals))
        sandbox.store.close()
    except Interrupted:
        pass
    finally:
        signals.ignore()
        if options.data is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def _open_store(options: Options, folder: Path, clock: Clock) -> Store:
    try:
        return Store(folder, durable=options.data is not None, clock=clock)
    except OSError as error:
        raise UsageError(f"The folder {folder} cannot be used: {error.strerror}.") from error
    except sqlite3.Error as error:
        raise UsageError(
            f"The data in {folder} cannot be used: {error}.", "Choose another folder."
        ) from error


@dataclass(frozen=True, slots=True)
class _Ports:
    """The sockets that the doors listen on."""

    api: socket.socket
    objects: socket.socket
    v0: socket.socket
    ses: socket.socket


def _prepare(options: Options, folder: Path) -> tuple[Sandbox, _Ports]:
    clock = Clock()
    store = _open_store(options, folder, clock)
    with store.transaction():
        # One commit: a start that is interrupted fills the mailbox the next time.
        first = not store.agents()
        for agent_id in AGENTS:
            store.add_agent(agent_id)
        if options.messages and first:
            from services.sandbox import samples

            samples.fill(store, AGENTS[0], options.messages, now=clock())
    wanted = (options.port, options.s3_port, options.v0_port, options.ses_port)
    ports = _Ports(*(_listen(port) for port in wanted))
    signer = Signer(secrets.token_hex(32), f"http://{_place(ports.objects)}", clock)
    return Sandbox(store, signer, clock), ports


def _place(listening: socket.socket) -> str:
    return f"{HOST}:{listening.getsockname()[1]}"


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off: 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(128)
        return listening
    except (OSError, OverflowError) as error:
        listening.close()
        raise UsageError(f"Port {port} cannot be used.", "Choose another one.") from error


# ── the loop ─────────────────────────────────────────────────────────────────────────────────────


class _Server(uvicorn.Server):
    """A server that leaves signals to us (uvicorn's way ends in death by signal)."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the door and say so."""
        await super().startup(sockets)
        self.open.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def _run(
    sandbox: Sandbox,
    options: Options,
    ports: _Ports,
    signals: EndSignals,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals.call(lambda: loop.call_soon_threadsafe(stop.set))
    connections: Connections = {}
    form_limit = MAX_UPLOAD_BYTES + _FORM_OVERHEAD
    s3 = S3Watch(S3Door(sandbox.store.blobs, sandbox.signer, form_limit), sandbox, connections)
    servers = [
        _server(ApiDoor(sandbox, connections), connections),
        _server(s3, connections),
        _server(LateDoor(sandbox, connections), connections, socket_protocol()),
        _server(SesDoor(sandbox, connections), connections),
    ]
    smtp = await _open_smtp(sandbox, options.smtp_port)
    listening = (ports.api, ports.objects, ports.v0, ports.ses)
    running = [
        asyncio.create_task(server.serve(sockets=[port]))
        for server, port in zip(servers, listening, strict=True)
    ]
    await asyncio.gather(*(server.open.wait() for server in servers))
    _announce(sandbox, ports, smtp.port, first_keys(sandbox.store))
    if options.ends_with_parent:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, loop, stop)
    await stop.wait()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*running)
    await smtp.stop()
    signals.ignore()


def _server(
    app: ASGIApp, connections: Connections, ws: type[asyncio.Protocol] | Literal["none"] = "none"
) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=protocol(connections),
            ws=ws,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            timeout_keep_alive=75,
        )
    )


async def _open_smtp(sandbox: Sandbox, port: int) -> SmtpDoor:
    try:
        return await open_smtp_door(sandbox.store, sandbox.store.mail_domain, host=HOST, port=port)
    except OSError as error:
        raise UsageError(f"Port {port} cannot be used.", "Choose another one.") from error


def _stop_at_end(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        loop.remove_reader(sys.stdin.fileno())
        stop.set()


def _announce(sandbox: Sandbox, ports: _Ports, smtp: int, v0_keys: dict[str, Any]) -> None:
    line = {
        "base_url": f"http://{_place(ports.api)}",
        "s3_url": f"http://{_place(ports.objects)}",
        "smtp": f"{HOST}:{smtp}",
        "agentmail_to": {
            "base_url": f"http://{_place(ports.v0)}/v0/",
            "ws_url": f"ws://{_place(ports.v0)}/v0",
            **v0_keys,
        },
        "ses": {
            "url": f"http://{_place(ports.ses)}",
            "region": sandbox.ses.region,
            "access_key": sandbox.ses.access_key,
            "secret_key": sandbox.ses.secret,
        },
        "accounts": [
            {"agent_id": agent.agent_id, "address": agent.address, "token": agent.token}
            for agent in sandbox.store.agents()
        ],
    }
    sys.stdout.write(wire.encode(line).decode() + "\n")
    sys.stdout.flush()
