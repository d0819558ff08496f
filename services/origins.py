"""Where a request may go: the form of a base URL, and of the storage links that a service hands out.

Closes two traps. A token sent over plain HTTP, or to a host that merely looks like the service. And
presigned URLs (research/reliability.md §6 A03): they come from the network, so a hostile one could
make this machine knock at its own services, or carry a password. No name is resolved here; what is
not plainly right is refused before anything connects.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from services.errors import PolicyRefused, UsageError
from services.safe_text import clean_line

_ORDINARY: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]+")
"""Printable ASCII without the backslash, which browsers and libraries read differently."""
_HOST: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?")
_S3: Final = re.compile(
    r"(?:^|\.)s3(?:-[a-z0-9-]+)?(?:\.dualstack)?(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$"
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_PROXY_FORM: Final = "It looks like http://proxy.example.com:3128."
_FORM: Final = "A base URL looks like https://api.example.com or https://api.example.com/prod."


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of a URL; two origins are one place only when all three are equal."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine, by its literal name or address."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = _DEFAULT_PORTS.get(self.scheme) == self.port
        return f"{self.scheme}://{host}" if default else f"{self.scheme}://{host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address written the usual way."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute http(s) URL; ValueError when it has none."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme not in _DEFAULT_PORTS or not host:
        raise ValueError("not an absolute http(s) URL")
    return Origin(parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme])


def base_url(text: str) -> str:
    """Check a base URL and return it without a trailing slash; UsageError tells what is wrong.

    https is required, except on this machine: the token travels with every request.
    """
    text = text.strip()
    parts = _split(text)
    if parts is None:
        raise UsageError("That is not a web address.", _FORM)
    host = (parts.hostname or "").lower()
    if parts.scheme not in _DEFAULT_PORTS or not _is_host(host):
        raise UsageError("The base URL needs https:// and a host.", _FORM)
    if "@" in parts.netloc:
        raise UsageError("The base URL must not hold a user name or password.", _FORM)
    if "?" in text or "#" in text:
        raise UsageError("The base URL must not hold a query or a fragment.", _FORM)
    if parts.scheme == "http" and not is_loopback(host):
        raise UsageError(
            "The base URL must start with https://: the token travels with every request.",
            "Plain http is accepted only for this machine (127.0.0.1, localhost).",
        )
    return f"{origin_of(text)}{parts.path.rstrip('/')}"


def proxy_url(text: str) -> str:
    """Check the address of a proxy and return it without a path; UsageError tells what is wrong.

    It may not hold a password: it stands in a file that is no secret, and in sentences.
    """
    text = text.strip()
    parts = _split(text)
    host = (parts.hostname or "").lower() if parts is not None else ""
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not _is_host(host):
        raise UsageError("proxy is not an http:// or https:// address.", _PROXY_FORM)
    if "@" in parts.netloc:
        raise UsageError("proxy must not hold a user name or password: this file is no secret.")
    if parts.path.strip("/") or "?" in text or "#" in text:
        raise UsageError("proxy must not hold more than a host and a port.", _PROXY_FORM)
    return str(origin_of(text))


def storage_url(text: str, *, api: Origin, hosts: tuple[str, ...] = ()) -> str:
    """Check an upload or download link that the service handed out; PolicyRefused when it is odd.

    Accepted: https to S3, to the API's own host or to one of `hosts` (names, with what is under
    them), on the standard port; and anything on this machine when the API itself is there.
    """
    parts = _split(text)
    if parts is None or parts.scheme not in _DEFAULT_PORTS:
        raise _refused("it is not a web address")
    host = (parts.hostname or "").lower().rstrip(".")
    if not _is_host(host):
        raise _refused("it names no usual host")
    if "@" in parts.netloc:
        raise _refused("it holds a user name or password")
    if is_loopback(host):
        if api.is_loopback and (parts.port or 0) != api.port:
            return text
        raise _refused("it points to this machine")
    if parts.scheme != "https":
        raise _refused("it is not encrypted (https)")
    if host == api.host and (parts.port or 443) == api.port:
        return text
    if (parts.port or 443) != 443:
        raise _refused("it asks for an unusual port")
    if _S3.search(host) or any(_is_under(host, name) for name in hosts):
        return text
    raise _refused(
        f"its host {clean_line(host, 80)} is not a known storage host",
        "If it is right, add the host to storage_hosts of the account in the configuration.",
    )


def _refused(reason: str, next_step: str = "") -> PolicyRefused:
    return PolicyRefused(f"The storage link from the service was refused: {reason}.", next_step)


def _split(text: str) -> SplitResult | None:
    if not _ORDINARY.fullmatch(text):
        return None
    try:
        parts = urlsplit(text)
        _ = parts.port, parts.hostname
    except ValueError:
        return None
    return parts


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_host(host: str) -> bool:
    """Whether a host is a name or a plainly written address (0x7f000001 and 2130706433 are not)."""
    if _address(host) is not None:
        return True
    last = host.rstrip(".").rpartition(".")[2]
    return bool(_HOST.fullmatch(host)) and not re.fullmatch(r"\d+|0x[0-9a-f]*", last)


def _is_under(host: str, name: str) -> bool:
    name = name.lower().strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))
