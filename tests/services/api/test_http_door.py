"""The door: where the token goes, and what no answer may do to us (S02, N05, research §5)."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ipaddress
import logging
import ssl
import traceback
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services import origins
from services.api import http
from services.api.http import HttpDoor, PinnedBearer
from services.errors import BadAnswer, Offline, ServiceError, TimedOut, UsageError
from services.redact import Secret
from tests.fakes.scripted_service import DROP, FakeService, Reply, answer

CANARY = "tok-canary-77ab"


async def ask(service: FakeService, **how: object) -> http.Answer:
    door = HttpDoor(service.url, Secret(CANARY))
    try:
        return await door.ask("GET", "/inbox", **how)  # type: ignore[arg-type]
    finally:
        await door.aclose()


def told_by(error: BaseException) -> str:
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(report.format())


async def test_the_token_travels_to_the_own_origin_and_nothing_is_asked_compressed() -> None:
    async with FakeService(answer(200, {})) as service:
        await ask(service)
    headers = service.seen[0].headers
    assert headers["authorization"] == f"Bearer {CANARY}"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("agentmail-tui/")


async def test_a_public_call_goes_without_the_token() -> None:
    async with FakeService(answer(200, {})) as service:
        await ask(service, auth=False)
    assert "authorization" not in service.seen[0].headers


@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com.evil.example/x", "http://api.example.com/x",
        "https://api.example.com:8443/x", "https://evil.example/x", "https://API.example.com./x",
    ],
)  # fmt: skip
def test_the_token_is_pinned_to_scheme_host_and_port(url: str) -> None:
    bearer = PinnedBearer(Secret(CANARY), origins.origin_of("https://api.example.com"))
    request = next(bearer.auth_flow(httpx.Request("GET", url)))
    assert "authorization" not in request.headers
    same = next(bearer.auth_flow(httpx.Request("GET", "https://API.example.com:443/y")))
    assert same.headers["authorization"] == f"Bearer {CANARY}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with FakeService(answer(200, {})) as elsewhere:
        away = answer(status, {}, headers={"Location": f"{elsewhere.url}/steal"})
        async with FakeService(away) as service:
            told = await ask(service)
        assert told.status == status
        assert len(service.seen) == 1
        assert elsewhere.connections == 0


async def test_a_proxy_of_the_environment_is_never_given_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with FakeService(answer(200, {})) as proxy, FakeService(answer(200, {})) as service:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        await ask(service)
        assert proxy.connections == 0


async def test_a_cookie_is_not_kept() -> None:
    sweet = answer(200, {}, headers={"Set-Cookie": "track=1; Path=/"})
    async with FakeService(sweet) as service:
        door = HttpDoor(service.url, Secret(CANARY))
        await door.ask("GET", "/a")
        await door.ask("GET", "/b")
        await door.aclose()
    assert "cookie" not in service.seen[1].headers


async def test_a_connection_is_kept_for_the_next_request() -> None:
    async with FakeService(answer(200, {})) as service:
        door = HttpDoor(service.url, Secret(CANARY))
        for _ in range(5):
            await door.ask("GET", "/a")
        await door.aclose()
    assert service.connections == 1


async def test_one_deadline_ends_a_slow_drip() -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    async with FakeService(Reply(start, drip=b"x")) as service:
        with pytest.raises(TimedOut):
            await ask(service, seconds=0.2)


async def test_one_deadline_ends_a_slow_drip_of_headers() -> None:
    async with FakeService(Reply(b"HTTP/1.1 200 OK\r\nX: ", drip=b"x")) as service:
        with pytest.raises(TimedOut):
            await ask(service, seconds=0.2)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip", "zstd"])
async def test_a_compressed_answer_is_refused_unread(coding: str) -> None:
    bomb = gzip.compress(b"0" * 1_000_000)
    async with FakeService(answer(200, bomb, headers={"Content-Encoding": coding})) as service:
        with pytest.raises(BadAnswer, match="compressed"):
            await ask(service)


async def test_a_large_answer_is_cut_off_whatever_it_announces() -> None:
    chunk = b"10000\r\n" + b"x" * 65_536 + b"\r\n"
    endless = Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", drip=chunk)
    async with FakeService(endless) as service:
        with pytest.raises(BadAnswer, match="larger than 1 MB"):
            await ask(service, largest=1024 * 1024)


@pytest.mark.parametrize(
    "cut",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ],
    ids=["length", "chunked"],
)
async def test_a_cut_body_is_a_bad_answer(cut: bytes) -> None:
    async with FakeService(Reply(cut, close=True)) as service:
        with pytest.raises(BadAnswer, match="broke off"):
            await ask(service)


@pytest.mark.parametrize(
    "reply",
    [
        DROP,
        Reply(b"\x00\x01\x02 not http at all\r\n\r\n", close=True),
        Reply(b"HTTP/1.1 200 OK\r\nBad Header\x00: 1\r\n\r\n", close=True),
        Reply(b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 300_000 + b"\r\n\r\n", close=True),
    ],
    ids=["dropped", "not-http", "bad-header", "huge-header"],
)
async def test_what_is_no_answer_is_offline(reply: Reply) -> None:
    async with FakeService(reply) as service:
        with pytest.raises(Offline, match="broke") as error:
            await ask(service)
    assert error.value.uncertain


async def test_a_closed_port_is_offline_and_certainly_not_done() -> None:
    door = HttpDoor("http://127.0.0.1:1", Secret(CANARY))
    with pytest.raises(Offline, match="cannot be reached") as error:
        await door.ask("GET", "/inbox")
    assert not error.value.uncertain
    await door.aclose()


@pytest.mark.parametrize("url", ["http://api.example.com", "api", "https://u:p@x.example"])
def test_a_door_is_not_opened_to_an_odd_base_url(url: str) -> None:
    with pytest.raises(UsageError):
        HttpDoor(url, Secret(CANARY))


@pytest.fixture
async def failing() -> list[ServiceError]:
    """One error of every kind that the transport can raise."""
    errors: list[ServiceError] = []
    replies = [
        DROP,
        Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", close=True),
        Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", drip=b"x"),
        Reply(b"nonsense\r\n\r\n", close=True),
        answer(200, b"x", headers={"Content-Encoding": "gzip"}),
    ]
    for reply in replies:
        async with FakeService(reply) as service:
            try:
                await ask(service, seconds=0.2, largest=100)
            except ServiceError as error:
                errors.append(error)
    door = HttpDoor("http://127.0.0.1:1", Secret(CANARY))
    try:
        await door.ask("GET", "/inbox")
    except ServiceError as error:
        errors.append(error)
    await door.aclose()
    return errors


async def test_no_error_holds_the_token_not_even_in_its_locals(failing: list[ServiceError]) -> None:
    assert len(failing) == 6
    for error in failing:
        assert CANARY not in told_by(error)
        assert error.__cause__ is None
        assert error.__context__ is None


async def test_no_logger_says_the_token_or_a_query(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with FakeService(answer(200, {})) as service:
            await ask(service, query=[("q", "query-canary")])
    assert "query-canary" in service.seen[0].target
    assert CANARY not in caplog.text
    assert "query-canary" not in caplog.text


async def test_a_certificate_of_nobody_is_refused(tmp_path: Path) -> None:
    context = self_signed(tmp_path)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    door = HttpDoor(f"https://127.0.0.1:{port}", Secret(CANARY))
    with pytest.raises(Offline, match="certificate"):
        await door.ask("GET", "/inbox")
    await door.aclose()
    server.close()


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = folder / "both.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.mark.parametrize("query", ["x" * 200_000, "\ud800"], ids=["long", "surrogate"])
async def test_what_cannot_stand_in_an_address_is_refused_before_anything_is_sent(
    query: str,
) -> None:
    async with FakeService(answer(200, {})) as service:
        with pytest.raises(UsageError) as refused:
            await ask(service, query=[("q", query)])
    assert service.seen == []
    assert CANARY not in told_by(refused.value)
