"""A link as it is shown: its target without tricks, its host, and what is wrong with it.

Closes the trap of a text that names one host and a target that goes to another; both are named in
the warning. Addresses are cleaned by their own rule (`clean_url`), never as text.
"""

from __future__ import annotations

import ipaddress
from typing import Final

from services.hosts import hides_host, host_of, hosts_in, look_alike, same_site, scheme_of
from services.reading.parsed_mail import ParsedLink
from services.safe_text import EMPTY, SafeText, clean_line, clean_url, phrase, ui
from services.shown_mail import Link

_ORDINARY: Final = frozenset(["http", "https", "mailto", "tel", "sms", ""])
_MAIL_SCHEMES: Final = frozenset(["mailto", "tel", "sms"])


def view_link(link: ParsedLink) -> Link:
    """Make a link safe to show and say what is suspicious about it."""
    host = host_of(link.url)
    if not host and scheme_of(link.url) == "mailto":
        host = link.url.rpartition("@")[2].partition("?")[0].lower()
    return Link(
        link.number,
        clean_line(link.text or link.url, 300),
        clean_url(link.url),
        clean_url(host),
        _warning(link, host),
    )


def _warning(link: ParsedLink, host: str) -> SafeText:
    scheme = scheme_of(link.url)
    if scheme not in _ORDINARY:
        return phrase("The link is of an unusual kind: {}", clean_line(scheme, 40))
    if scheme not in _MAIL_SCHEMES:
        other = next((name for name in hosts_in(link.text) if not same_site(name, host)), "")
        if other and host:
            return phrase(
                "The text says {} but the link goes to {}", clean_url(other), clean_url(host)
            )
        if hides_host(link.url):
            return phrase(
                "The link hides its host behind a user name; it goes to {}", clean_url(host)
            )
    twin = look_alike(host)
    if twin:
        return phrase("The host {} only looks like {}", clean_url(host), clean_line(twin, 300))
    return _bare_number(host)


def _bare_number(host: str) -> SafeText:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return EMPTY
    return ui("The link goes to a bare IP address")
