"""The way to a service over real TLS and through a real proxy: what is sent where, and what is told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from services import origins
from services.api.assmbl import AssmblClient
from services.api.connection_failures import HttpRoute, Tunnel
from services.api.factory import check_account
from services.api.failures import Barred, Untrusted
from services.api.file_sink import MemorySink
from services.api.http import HttpDoor
from services.api.presigned import DownloadLink, StorageDoor, UploadForm
from services.config import Account
from services.errors import Offline, ServiceError, TimedOut
from services.redact import Secret
from services.sandbox.records import Agent
from services.service_config import ASSMBL
from tests.conftest import SandboxControl
from tests.fakes.scripted_service import FakeService, FakeSleep, Reply, answer
from tests.fakes.tls_and_proxy import FakeProxy, TlsFront

KEY = "tok-canary-tls-3b"
NAME = "api.example.com"
LARGE = os.urandom(3_000_000)
REFUSED = {
    "a password": (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "asks for a password"),
    "not allowed": (b"HTTP/1.1 403 No\r\nX-Why: script\r\n\r\n", "refuses to connect"),
    "a redirect": (b"HTTP/1.1 302 Found\r\nLocation: http://a.example/\r\n\r\n", r"\(status 302\)"),
    "cannot reach it": (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", r"\(status 502\)"),
    "no HTTP": (b"\x00\x01 nothing of HTTP\r\n\r\n", "did not connect"),
    "half a word": (b"HTT", "did not connect"),
}


@asynccontextmanager
async def tls_before(
    port: int, authority: trustme.CA, *names: str, **when: datetime
) -> AsyncIterator[TlsFront]:
    async with TlsFront(authority.issue_cert(*names or ("127.0.0.1",), **when), port) as front:
        yield front


@asynccontextmanager
async def proxied(
    authority: trustme.CA, port: int, *, is_secure: bool = False
) -> AsyncIterator[FakeProxy]:
    """A proxy that leads to a plain server behind TLS with the right name."""
    own = authority.issue_cert("127.0.0.1") if is_secure else None
    async with (
        tls_before(port, authority, NAME) as front,
        FakeProxy({f"{NAME}:443": front.port}, certificate=own) as proxy,
    ):
        yield proxy


async def ask(url: str, proxy: str = "", **how: object) -> int:
    door = HttpDoor(url, Secret(KEY), proxy=proxy)
    try:
        return (await door.ask("GET", "/inbox", **how)).status  # type: ignore[arg-type]
    finally:
        await door.aclose()


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────


async def test_a_mailbox_behind_tls_is_read(
    sandbox: SandboxControl, agent: Agent, authority: trustme.CA
) -> None:
    sandbox.add_mail(agent, "Subject: over TLS\n\nx\n")
    async with tls_before(origins.origin_of(sandbox.base_url).port, authority) as front:
        url = f"https://127.0.0.1:{front.port}"
        client = AssmblClient(url, agent.token, sleep=FakeSleep())
        page = await client.list_inbox()
        assert (await check_account(Account("new", ASSMBL, url), agent.token)).ok
        await client.aclose()
    assert [item.subject for item in page.items] == ["over TLS"]


@pytest.mark.parametrize(
    ("names", "years", "told", "step"),
    [
        (("127.0.0.1",), (2001, 2002), "has expired", "clock"),
        (("127.0.0.1",), (2090, 2091), "is not valid yet", "clock"),
        (("mail.example",), (2001, 2090), "is for another name", "address of the service"),
    ],
    ids=["expired", "not-yet", "another-name"],
)
async def test_a_bad_certificate_is_told_as_what_it_is_and_the_token_stays(
    names: tuple[str, ...], years: tuple[int, int], told: str, step: str, authority: trustme.CA
) -> None:
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    async with (
        FakeService(answer(200, {})) as service,
        tls_before(service.port, authority, *names, not_before=first, not_after=last) as front,
    ):
        with pytest.raises(Untrusted, match=told) as refused:
            await ask(f"https://127.0.0.1:{front.port}")
        assert step in refused.value.next_step
        assert service.seen == []


async def test_an_authority_that_nobody_knows_is_refused_and_not_asked_again(
    authority: trustme.CA,
) -> None:
    async with (
        FakeService(answer(200, {})) as service,
        tls_before(service.port, trustme.CA()) as front,
    ):
        sleep = FakeSleep()
        client = AssmblClient(f"https://127.0.0.1:{front.port}", KEY, sleep=sleep)
        with pytest.raises(Untrusted, match="cannot be trusted") as refused:
            await client.list_inbox()
        await client.aclose()
        assert "system's store" in refused.value.next_step
        assert sleep.waits == []
        assert service.connections == 0


async def test_a_port_without_tls_is_told_as_that() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    with pytest.raises(Offline, match="does not speak TLS") as error:
        await ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    assert not error.value.uncertain
    server.close()


# ── a proxy ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
async def test_a_proxy_carries_everything_and_reads_nothing(
    is_secure: bool, authority: trustme.CA
) -> None:
    async with (
        FakeService(answer(200, {"subject": "canary-mail"})) as service,
        proxied(authority, service.port, is_secure=is_secure) as proxy,
    ):
        assert await ask(f"https://{NAME}", proxy.url) == 200
    assert service.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert proxy.asked == [f"{NAME}:443"]
    assert b"CONNECT" in proxy.heard
    for secret in (KEY, "canary-mail", "/inbox", "authorization", "Authorization"):
        assert secret.encode() not in proxy.heard


@pytest.mark.parametrize(("refusal", "told"), REFUSED.values(), ids=[*REFUSED])
async def test_a_proxy_that_refuses_is_named_and_nothing_can_have_been_sent(
    refusal: bytes, told: str
) -> None:
    async with FakeProxy({}, refusal=refusal) as proxy:
        with pytest.raises(Offline, match=told) as error:
            await ask(f"https://{NAME}", proxy.url)
    assert proxy.url in error.value.sentence
    assert "script" not in str(error.value)
    assert error.value.next_step
    assert not error.value.uncertain
    assert KEY.encode() not in proxy.heard


async def test_a_proxy_that_forbids_is_not_asked_again() -> None:
    async with FakeProxy({}, refusal=b"HTTP/1.1 403 No\r\n\r\n") as proxy:
        client = AssmblClient(f"https://{NAME}", KEY, proxy=proxy.url, sleep=FakeSleep())
        with pytest.raises(Barred):
            await client.list_inbox()
        await client.aclose()
    assert len(proxy.asked) == 1


async def test_a_proxy_that_is_not_there_is_named() -> None:
    with pytest.raises(Offline, match=r"through the proxy http://127\.0\.0\.1:1\.") as error:
        await ask(f"https://{NAME}", "http://127.0.0.1:1")
    assert not error.value.uncertain


async def test_a_proxy_that_hangs_is_left_at_the_deadline() -> None:
    async with FakeService(Reply(b"HTTP/1.1 200 OK\r\nX: ", drip=b"x")) as slow:
        with pytest.raises(TimedOut) as error:
            await ask(f"https://{NAME}", slow.url, seconds=2)
    assert not error.value.uncertain


async def test_a_proxy_that_answers_for_the_service_has_no_certificate_and_gets_no_token(
    authority: trustme.CA,
) -> None:
    async with (
        FakeService(answer(200, {})) as thief,
        tls_before(thief.port, trustme.CA(), NAME) as front,
        FakeProxy({f"{NAME}:443": front.port}) as proxy,
    ):
        with pytest.raises(Untrusted, match=f"certificate of https://{NAME} cannot"):
            await ask(f"https://{NAME}", proxy.url)
    assert thief.seen == []


async def test_an_answer_that_breaks_behind_the_proxy_may_have_been_acted_on(
    authority: trustme.CA,
) -> None:
    async with (
        FakeService(Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", close=True)) as service,
        proxied(authority, service.port) as proxy,
    ):
        with pytest.raises(ServiceError) as error:
            await ask(f"https://{NAME}", proxy.url)
    assert error.value.uncertain


async def test_a_service_on_this_machine_is_asked_without_the_proxy() -> None:
    async with FakeService(answer(200, {})) as service, FakeProxy({}) as proxy:
        assert await ask(service.url, proxy.url) == 200
        assert proxy.connections == 0


# ── files ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("is_secure", [False, True], ids=["http", "https"])
async def test_large_files_go_both_ways_through_the_proxy(
    is_secure: bool, authority: trustme.CA, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(LARGE)
    async with (
        FakeService(answer(200, LARGE)) as service,
        proxied(authority, service.port, is_secure=is_secure) as proxy,
    ):
        api = origins.origin_of(f"https://{NAME}")
        door, sink = StorageDoor(api, proxy.url), MemorySink()
        await door.download(DownloadLink(f"https://{NAME}/f?sig=canary-sig"), sink)
        with (tmp_path / "file").open("rb") as file:
            form = UploadForm("k", f"https://{NAME}/", {"policy": "canary-policy"})
            await door.upload(form, file, content_type="a/b")
        await door.aclose()
    assert sink.take() == LARGE
    assert LARGE in service.seen[1].body
    assert b"canary" not in proxy.heard


# ── what tells the two apart ─────────────────────────────────────────────────────────────────────


async def test_without_a_word_about_the_tunnel_a_request_may_have_left() -> None:
    tunnel = Tunnel()
    assert not tunnel.is_closed
    await tunnel.note("connection.connect_tcp.started", {})
    assert not tunnel.is_closed
    assert str(HttpRoute.to(f"https://{NAME}/x").place) == f"https://{NAME}"
