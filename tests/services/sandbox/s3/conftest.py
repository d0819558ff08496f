"""The object store's door enforces what S3 enforces, over real HTTP (research/sandbox.md §1).

It runs in a thread of its own with the sandbox's real object store; the clock is ours, so that an
expired form needs no waiting.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator

import httpx
import pytest
import uvicorn

from services.sandbox.presign import Signer
from services.sandbox.s3_door import S3Door
from services.sandbox.store import Store
from tests.services.sandbox.s3.bucket import FORM_LIMIT, START, Bucket, Clock


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    # With the protocol named, asyncio turns Nagle's algorithm off: 40 ms an answer otherwise.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    clock = Clock()
    signer = Signer("test secret", base_url, clock)
    servers: list[uvicorn.Server] = []
    folder = tmp_path_factory.mktemp("bucket")

    def serve() -> None:
        store = Store(folder, durable=False)
        door = S3Door(store.blobs, signer, FORM_LIMIT)
        config = uvicorn.Config(door, lifespan="off", log_config=None, server_header=False)
        servers.append(uvicorn.Server(config))
        started.set()
        asyncio.run(servers[0].serve(sockets=[listening]))
        store.close()

    started = threading.Event()
    thread = threading.Thread(target=serve)
    thread.start()
    started.wait()
    with httpx.Client(trust_env=False) as http:
        yield Bucket(signer, clock, http)
    servers[0].should_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def _clock_at_start(bucket: Bucket) -> None:
    bucket.clock.now = START
