"""AgentMail.to under its own name: requests, events and files by TLS, straight and through a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import trustme

from services import origins
from services.api.agentmail_to.client import AgentMailToClient
from services.api.agentmail_to.push import AgentMailToPush
from services.api.failures import Barred, Untrusted
from services.errors import Offline, ServiceError
from services.ports import PushSignal
from services.redact import Secret
from services.service_config import AGENTMAIL_TO_URL
from tests.fakes.scripted_service import FakeService, answer
from tests.fakes.tls_and_proxy import FakeProxy, TlsFront
from tests.patience import PATIENCE
from tests.services.api.agentmail_to.conftest import no_pause
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail

HOSTS = ("api.agentmail.to", "ws.agentmail.to")


@dataclass
class World:
    """The door behind TLS under both of its names, and the proxy that leads there."""

    proxy: FakeProxy
    front: TlsFront


@pytest.fixture(params=["http", "https"])
async def world(
    v0: V0Control, authority: trustme.CA, request: pytest.FixtureRequest
) -> AsyncIterator[World]:
    port = origins.origin_of(v0.base_url).port
    own = authority.issue_cert("127.0.0.1") if request.param == "https" else None
    async with (
        TlsFront(authority.issue_cert(*HOSTS, "127.0.0.1"), port) as front,
        FakeProxy({f"{host}:443": front.port for host in HOSTS}, certificate=own) as proxy,
    ):
        yield World(proxy, front)


@asynccontextmanager
async def heard(push: AgentMailToPush) -> AsyncIterator[asyncio.Queue[PushSignal]]:
    told: asyncio.Queue[PushSignal] = asyncio.Queue()
    task = asyncio.ensure_future(push.listen(told.put_nowait))
    try:
        first = asyncio.ensure_future(told.get())
        await asyncio.wait((first, task), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        assert await first is PushSignal.LISTENING
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def ended(push: AgentMailToPush) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        async with asyncio.timeout(PATIENCE):
            await push.listen(lambda _: None)
    return caught.value


async def test_requests_and_events_go_through_the_proxy_which_reads_nothing(
    world: World, v0: V0Control, org: Org
) -> None:
    v0.receive(org.one, mail("canary-subject"))
    client = AgentMailToClient(
        AGENTMAIL_TO_URL, org.key, org.one, proxy=world.proxy.url, sleep=no_pause
    )
    page = await client.list_inbox()
    push = AgentMailToPush(AGENTMAIL_TO_URL, org.key, org.one, proxy=world.proxy.url)
    async with heard(push) as told, asyncio.timeout(PATIENCE):
        v0.receive(org.one, mail("canary-news"))
        assert await told.get() is PushSignal.CHANGED
    await client.aclose()
    assert [item.subject for item in page.items] == ["canary-subject"]
    assert world.proxy.asked == [f"{host}:443" for host in HOSTS]
    for secret in (org.key, org.one, "canary", "Bearer"):
        assert secret.encode() not in world.proxy.heard


async def test_events_come_over_tls_without_a_proxy(world: World, v0: V0Control, org: Org) -> None:
    url = f"https://127.0.0.1:{world.front.port}/v0"
    async with heard(AgentMailToPush(url, org.key, org.one)) as told, asyncio.timeout(PATIENCE):
        v0.receive(org.one, mail("News"))
        assert await told.get() is PushSignal.CHANGED
    assert world.proxy.connections == 0


@pytest.mark.parametrize(
    ("names", "years", "told"),
    [
        (HOSTS, (2001, 2002), "has expired"),
        (HOSTS, (2090, 2091), "is not valid yet"),
        (HOSTS[:1], (2001, 2090), "is for another name"),
    ],
    ids=["expired", "not-yet", "another-name"],
)
async def test_a_bad_certificate_ends_the_events_before_the_key_is_said(
    names: tuple[str, ...], years: tuple[int, int], told: str, authority: trustme.CA
) -> None:
    first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in years)
    certificate = authority.issue_cert(*names, not_before=first, not_after=last)
    async with (
        FakeService(answer(200, {})) as service,
        TlsFront(certificate, service.port) as front,
        FakeProxy({"ws.agentmail.to:443": front.port}) as proxy,
    ):
        error = await ended(
            AgentMailToPush(AGENTMAIL_TO_URL, "key", "a@b.example", proxy=proxy.url)
        )
    assert isinstance(error, Untrusted)
    assert error.sentence == f"The certificate of https://ws.agentmail.to {told}."
    assert service.seen == []


@pytest.mark.parametrize(
    ("refusal", "kind", "told"),
    [
        (b"HTTP/1.1 407 Sign in\r\n\r\n", Barred, "asks for a password"),
        (b"HTTP/1.1 403 No\r\n\r\n", Barred, "refuses to connect to https://ws.agentmail.to"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", Offline, "(status 502)"),
        (b"\x00 no HTTP\r\n\r\n", Offline, "did not connect"),
        (b"HTT", Offline, "did not connect"),
    ],
    ids=["password", "forbidden", "bad-gateway", "no-http", "cut"],
)
async def test_a_proxy_that_refuses_the_events_is_named(
    refusal: bytes, kind: type[ServiceError], told: str
) -> None:
    async with FakeProxy({}, refusal=refusal) as proxy:
        push = AgentMailToPush(
            AGENTMAIL_TO_URL, Secret("key-canary"), "a@b.example", proxy=proxy.url
        )
        error = await ended(push)
    assert isinstance(error, kind)
    assert told in error.sentence
    assert proxy.url in error.sentence
    assert b"key-canary" not in proxy.heard


async def test_a_proxy_that_is_not_there_is_named_for_the_events_too() -> None:
    error = await ended(
        AgentMailToPush(AGENTMAIL_TO_URL, "key", "a@b.example", proxy="http://127.0.0.1:1")
    )
    assert "through the proxy http://127.0.0.1:1." in error.sentence


async def test_the_address_of_a_file_is_fetched_by_tls_through_the_proxy_without_the_key(
    authority: trustme.CA,
) -> None:
    raw = b"Subject: as received\r\n\r\ntext\r\n"
    link = {"download_url": "https://cdn.agentmail.to/raw?sig=canary-sig"}
    async with (
        FakeService(answer(200, link)) as api,
        FakeService(answer(200, raw)) as cdn,
        TlsFront(authority.issue_cert("api.agentmail.to"), api.port) as api_front,
        TlsFront(authority.issue_cert("cdn.agentmail.to"), cdn.port) as cdn_front,
        FakeProxy({
            "api.agentmail.to:443": api_front.port, "cdn.agentmail.to:443": cdn_front.port
        }) as proxy,
    ):  # fmt: skip
        client = AgentMailToClient(AGENTMAIL_TO_URL, "key-canary", "a@b.example", proxy=proxy.url)
        assert await client.attachments.raw("<m@x.example>") == raw
        await client.aclose()
    assert api.seen[0].headers["authorization"] == "Bearer key-canary"
    assert "authorization" not in cdn.seen[0].headers
    assert b"canary" not in proxy.heard
