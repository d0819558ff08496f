"""What goes wrong on the way to a service: names, certificates, proxies, connections that break.

Closes three traps. A sentence that blames the service for its proxy, or for the clock of this machine:
each of them is told as what it is, with what can be done. A request that counts as "may have been
carried out" although the proxy never let it through, so that a person has to settle a mail that cannot
have left. And the words of a proxy on a screen: only its status is used.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from services import origins
from services.api.failures import Barred, CutAnswer, Untrusted
from services.errors import Offline, ServiceError, TimedOut

_TRY_LATER: Final = "Try again later."
_AUTHENTICATE: Final = 407
_FORBIDDING: Final = range(400, 500)
_EXPIRED: Final = 10
_NOT_YET: Final = 9
_OTHER_NAME: Final = (62, 64)
"""X509_V_ERR_HOSTNAME_MISMATCH and X509_V_ERR_IP_ADDRESS_MISMATCH."""
_REQUEST: Final = "send_request_headers.started"
_DEEPEST: Final = 8


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """Where a service is, as its origin for people, and the proxy that leads there ("" for none)."""

    place: str
    proxy: str = ""

    @classmethod
    def to(cls, url: str, proxy: str = "") -> HttpRoute:
        """Return the route to an absolute http(s) URL; `proxy` as `origins.proxy_url` returns it."""
        return cls(str(origins.origin_of(url)), proxy)


class Tunnel:
    """Follows one request on its way (httpx's `trace`): has the proxy let it through?"""

    def __init__(self) -> None:
        self._is_asked = False
        self._is_open = False

    @property
    def is_closed(self) -> bool:
        """The proxy was asked for the way and nothing of the request itself has left."""
        return self._is_asked and not self._is_open

    async def note(self, event: str, told: Mapping[str, Any]) -> None:
        """Take note of one step."""
        if event.endswith(_REQUEST):
            is_connect = getattr(told.get("request"), "method", b"") == b"CONNECT"
            self._is_asked = self._is_asked or is_connect
            self._is_open = self._is_open or not is_connect


def of_transport(
    error: Exception, route: HttpRoute, *, answering: bool = False, tunnel: Tunnel | None = None
) -> ServiceError:
    """Return the error for a connection that failed.

    `answering` says that the answer had begun.
    """
    import httpx  # Amazon SES is reached without it, and from a thread

    if (untrusted := of_certificate(error, route)) is not None:
        return untrusted
    if isinstance(error, httpx.ProxyError):
        return of_proxy(route, _leading_number(str(error)))
    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return timed_out(route.place, uncertain=False)
    if tunnel is not None and tunnel.is_closed:
        return of_proxy(route)
    if isinstance(error, httpx.ConnectError):
        return unreachable(error, route)
    if isinstance(error, httpx.TimeoutException):
        return timed_out(route.place)
    if answering:
        return CutAnswer(f"The answer of {route.place} broke off.", _TRY_LATER, uncertain=True)
    return Offline(f"The connection to {route.place} broke.", _TRY_LATER, uncertain=True)


def timed_out(place: str, *, uncertain: bool = True) -> TimedOut:
    """Return the error for a request whose deadline passed."""
    return TimedOut(f"{place} did not answer in time.", _TRY_LATER, uncertain=uncertain)


def unreachable(error: BaseException, route: HttpRoute) -> Offline:
    """Return the error for a connection that did not come about."""
    if route.proxy:
        return Offline(
            f"{route.place} cannot be reached through the proxy {route.proxy}.",
            "Check the network and the proxy of the account.",
        )
    if any(isinstance(one, ssl.SSLError) for one in causes(error)):
        return Offline(
            f"{route.place} does not speak TLS as it should.",
            "Check the address of the service, and its port.",
        )
    return Offline(f"{route.place} cannot be reached.", "Check the network and the base URL.")


def of_proxy(route: HttpRoute, status: int = 0) -> Offline:
    """Return the error for a proxy that did not open the way; `status` 0 for no proper answer."""
    if status == _AUTHENTICATE:
        return Barred(
            f"The proxy {route.proxy} asks for a password, which this program does not give.",
            "Set a proxy that needs none, for example one on this machine that signs in.",
        )
    if status in _FORBIDDING:
        return Barred(
            f"The proxy {route.proxy} refuses to connect to {route.place}.",
            "Ask whoever runs the proxy to allow it, or change the proxy of the account.",
        )
    said = f" (status {status})" if status else ""
    return Offline(
        f"The proxy {route.proxy} did not connect to {route.place}{said}.",
        "Try again later, or check the proxy of the account.",
    )


def of_certificate(
    error: BaseException, route: HttpRoute, store: str = "the system's store"
) -> Untrusted | None:
    """Return the error for a certificate that cannot be trusted, None for anything else.

    `store` says where an operator puts an authority of their own.
    """
    code = _verify_code(error)
    if code is None:
        return None
    whose = _whose_certificate(route)
    if code == _EXPIRED:
        return Untrusted(
            f"{whose} has expired.",
            "Check this machine's clock; if it is right, tell whoever runs the service.",
        )
    if code == _NOT_YET:
        return Untrusted(f"{whose} is not valid yet.", "Check this machine's clock.")
    if code in _OTHER_NAME:
        return of_other_name(route)
    return Untrusted(
        f"{whose} cannot be trusted.",
        f"Check the address of the service; an own authority belongs into {store}.",
    )


def of_other_name(route: HttpRoute) -> Untrusted:
    """Return the error for a certificate that is somebody else's."""
    return Untrusted(
        f"{_whose_certificate(route)} is for another name.",
        "Check the address of the service; a network that wants a sign-in does this too.",
    )


def _whose_certificate(route: HttpRoute) -> str:
    # Behind TLS to the proxy itself, either of the two may be meant.
    either = f" or of the proxy {route.proxy}" if route.proxy.startswith("https:") else ""
    return f"The certificate of {route.place}{either}"


def _verify_code(error: BaseException) -> int | None:
    """Return why a certificate was refused (OpenSSL's number, 0 when unknown), else None."""
    for one in causes(error):
        if isinstance(one, ssl.SSLCertVerificationError):
            return one.verify_code
    return 0 if any("CERTIFICATE_VERIFY" in str(one) for one in causes(error)) else None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it came from, a few levels down."""
    for _ in range(_DEEPEST):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _leading_number(text: str) -> int:
    found = re.match(r"[1-9]\d\d\b", text, re.ASCII)
    return int(found[0]) if found else 0
