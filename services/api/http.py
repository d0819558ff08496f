"""The only maker of HTTP clients, and the one place where the token meets a request.

Closes the traps that httpx leaves open (research/reliability.md §5, TH8, TH10): the token is attached
per request and only when scheme, host and port are the account's own; storage hosts get a client that
has no token; redirects are never followed, cookies never kept, environment proxies never used. A
deadline is one wall-clock limit per request (httpx's own is per read: 2 s held for 14 s). Compressed
answers are refused (611 KB inflated to 629 MB) and plain ones cut off at a size. Errors leave this
module without httpx's frames, whose locals hold the token.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from typing import Final, TypeVar

import httpx

from services import origins, redact
from services.api import connection_failures
from services.api.connection_failures import HttpRoute, Tunnel
from services.api.failures import Answer
from services.errors import BadAnswer, MailError, UsageError
from services.origins import Origin
from services.redact import Secret

SECONDS: Final = 30.0
"""The deadline of an ordinary request."""
LARGEST: Final = 8 * 1024 * 1024
"""Bytes of an ordinary answer."""
CONNECT_SECONDS: Final = 10.0
STALL_SECONDS: Final = 60.0
"""How long a storage host may send or take nothing; the deadline of a large file is hours away."""
CONNECTIONS: Final = 8
"""To one host; they are kept a while, so that several calls at once do not open new ones each time."""

T = TypeVar("T")


class PinnedBearer(httpx.Auth):
    """Adds the token to a request if, and only if, it goes to the account's own origin."""

    def __init__(self, token: Secret, origin: Origin) -> None:
        self._token = token
        self._origin = origin

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request, with the token when the origin is right."""
        if origins.origin_of(str(request.url)) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token.reveal()}"
        yield request


class HttpDoor:
    """Requests to one service: pinned, limited in time and size, without surprises.

    `base_url` as `origins.base_url` returns it; UsageError when it is not one.
    """

    def __init__(self, base_url: str, token: Secret | None, *, proxy: str = "") -> None:
        self._base = origins.base_url(base_url)
        self.origin = origins.origin_of(self._base)
        self._bearer = PinnedBearer(token, self.origin) if token else None
        self.route = HttpRoute(str(self.origin), proxy_to(self.origin, proxy))
        self._client = _client(self.origin, self.route.proxy)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        auth: bool = True,
        seconds: float = SECONDS,
        largest: int = LARGEST,
    ) -> Answer:
        """Send one request and return the whole answer, whatever its status.

        `path` is percent-encoded already. Raises Offline, TimedOut, BadAnswer, or UsageError when
        the query or the path cannot stand in an address.
        """
        request = self._request(method, path, query, body)
        request.headers.update(headers or {})
        bearer = self._bearer if auth else None
        tunnel = Tunnel()
        exchange = self._exchange(request, bearer, tunnel, largest=largest)
        return await within(seconds, self.route.place, exchange, tunnel)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _request(
        self, method: str, path: str, query: Sequence[tuple[str, str]], body: bytes | None
    ) -> httpx.Request:
        try:
            return self._client.build_request(
                method,
                f"{self._base}{path}",
                params=list(query) or None,
                content=body,
                headers={"Content-Type": "application/json"} if body is not None else None,
            )
        except (httpx.InvalidURL, UnicodeEncodeError):
            pass
        raise UsageError("This is too long or too odd to be asked of the service.")

    async def _exchange(
        self,
        request: httpx.Request,
        bearer: PinnedBearer | None,
        tunnel: Tunnel,
        *,
        largest: int,
    ) -> Answer:
        sent = answering(self._client, request, self.route, bearer, tunnel)
        async with sent as response:
            try:
                body = await read_all(response, largest)
            except BadAnswer as error:
                # Not readable, it may still be the answer to something that was carried out.
                error.uncertain = not 300 <= response.status_code < 500
                raise
            return Answer(response.status_code, dict(response.headers), body)


async def within(seconds: float, place: str, work: Awaitable[T], tunnel: Tunnel | None = None) -> T:
    """Await `work` with one wall-clock deadline; TimedOut when it passes.

    `tunnel` follows the request: one that a proxy never let through is not uncertain.
    """

    async def limited() -> T:
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError:
            is_closed = tunnel is not None and tunnel.is_closed
            raise connection_failures.timed_out(place, uncertain=not is_closed) from None

    return await bare(limited())


async def bare(work: Awaitable[T]) -> T:
    """Await `work`; its errors leave without the frames below, whose locals hold secrets."""
    try:
        return await work
    except MailError as error:
        failure = error.with_traceback(None)
        failure.__cause__ = failure.__context__ = None
    raise failure


@asynccontextmanager
async def answering(
    client: httpx.AsyncClient,
    request: httpx.Request,
    way: HttpRoute,
    bearer: httpx.Auth | None = None,
    tunnel: Tunnel | None = None,
) -> AsyncIterator[httpx.Response]:
    """Send a request and yield the answer with its body unread; ServiceErrors only."""
    response: httpx.Response | None = None
    tunnel = tunnel or Tunnel()
    request.extensions["trace"] = tunnel.note
    try:
        response = await client.send(request, stream=True, auth=bearer, follow_redirects=False)
        yield response
    except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
        raise connection_failures.of_transport(
            error, way, answering=response is not None, tunnel=tunnel
        ) from None
    finally:
        if response is not None:
            await response.aclose()


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the body as it came over the wire; BadAnswer when it is compressed."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise BadAnswer("The service sent a compressed answer, which was not asked for.")
    async for piece in response.aiter_raw():
        yield piece


async def read_all(response: httpx.Response, largest: int) -> bytes:
    """Return the whole body; BadAnswer when compressed or too large."""
    body = bytearray()
    async for piece in pieces(response):
        body += piece
        if len(body) > largest:
            raise BadAnswer(f"The answer is larger than {largest // 1024 // 1024} MB.")
    return bytes(body)


def storage_client(api: Origin, proxy: str = "") -> httpx.AsyncClient:
    """Return a client for presigned addresses: it has no token and cannot be given one.

    `proxy` as `proxy_to` returns it.
    """
    from services.api.wide_reads import WideTransport

    client = _client(api, proxy, WideTransport)
    client.timeout = httpx.Timeout(STALL_SECONDS, connect=CONNECT_SECONDS)
    return client


def proxy_to(origin: Origin, proxy: str) -> str:
    """Return the proxy on the way to a service, "" for none; UsageError when it cannot be one.

    A proxy between this machine and itself would be given the token in clear.
    """
    checked = origins.proxy_url(proxy) if proxy else ""
    return "" if origin.is_loopback else checked


def user_agent() -> str:
    """Return what the program calls itself on the wire."""
    try:
        return f"agentmail-tui/{version('agentmail-tui')}"
    except PackageNotFoundError:
        return "agentmail-tui/0"


def _client(
    origin: Origin,
    proxy: str,
    transport: Callable[..., httpx.AsyncHTTPTransport] = httpx.AsyncHTTPTransport,
) -> httpx.AsyncClient:
    redact.silence_libraries()
    return httpx.AsyncClient(
        transport=transport(
            verify=trust(origin),
            proxy=proxy or None,
            limits=httpx.Limits(
                max_connections=CONNECTIONS,
                max_keepalive_connections=CONNECTIONS,
                keepalive_expiry=30,
            ),
            trust_env=False,
        ),
        trust_env=False,
        follow_redirects=False,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        headers={
            "User-Agent": user_agent(),
            "Accept": "application/json",
            "Accept-Encoding": "identity",
        },
    )


def trust(origin: Origin) -> ssl.SSLContext:
    """Whom to believe: the bundled authorities and the system's; nobody when TLS is not used."""
    if origin.is_loopback and origin.scheme == "http":
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context
