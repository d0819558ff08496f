"""Which mail services there are, where each may be reached, and how an account sends by Amazon SES.

A leaf that the configuration reads. Closes two traps: a key sent to a host that only sounds like the
service (AgentMail.to has exactly one address, and a well-known wrong one), and credentials of AWS in
a file of ours: the table of SES holds none, boto3 finds them by itself.
Source: reference 004 (base URL, body keys), reference 000 (SES).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any, Final

from services import origins
from services.errors import ConfigError, UsageError
from services.policy_config import is_plain_address

ASSMBL: Final = "assmbl"
AGENTMAIL_TO: Final = "agentmail.to"
KINDS: Final = (ASSMBL, AGENTMAIL_TO)
"""The mail services that this version speaks to."""
AGENTMAIL_TO_URL: Final = "https://api.agentmail.to/v0"
_AGENTMAIL_TO_URLS: Final = (AGENTMAIL_TO_URL, "https://api.agentmail.eu/v0")
_WRONG_HOST: Final = "api.agentmail.ai"
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@/:=-]{0,127}")


class SendProfile(Enum):
    """What goes into the body of a mail that AgentMail.to is asked to send."""

    STRICT = "strict"
    """`to`, `bcc`, `subject` and `text`, nothing else (reference 004)."""
    WIDE = "wide"
    """Attachments, headers and answers by their message besides; never html."""


@dataclass(frozen=True, slots=True)
class SesPlace:
    """Where and as what an account sends by SES; "" leaves it to boto3's own chain."""

    identity: str
    """The verified address that mail comes from."""
    region: str = ""
    endpoint: str = ""
    profile: str = ""
    """A profile of the AWS configuration, whose credentials are used."""
    configuration_set: str = ""
    proxy: str = ""
    """An explicit proxy; those of the environment are not used."""


def service_url(kind: str, url: str) -> str:
    """Check where a service of a kind is; return it without a trailing slash. UsageError says why."""
    if kind not in KINDS:
        raise UsageError(f'kind "{kind}" is not known.', f"Known: {', '.join(KINDS)}.")
    checked = origins.base_url(url or (f"{AGENTMAIL_TO_URL}/" if kind == AGENTMAIL_TO else ""))
    return _agentmail_to_url(checked) if kind == AGENTMAIL_TO else checked


def _agentmail_to_url(checked: str) -> str:
    host = origins.origin_of(checked).host
    if host == _WRONG_HOST:
        raise UsageError(
            f"{_WRONG_HOST} is not the host of AgentMail.to.", f"Use {AGENTMAIL_TO_URL}/."
        )
    on_this_machine = origins.is_loopback(host) and checked.endswith("/v0")
    if checked not in _AGENTMAIL_TO_URLS and not on_this_machine:
        raise UsageError(
            "This is not the address of AgentMail.to.",
            f"Use {AGENTMAIL_TO_URL}/; only a sandbox on this machine may stand in for it.",
        )
    return checked


def read_profile(table: Mapping[str, Any], where: str) -> SendProfile:
    """Read `profile` of an account; ConfigError when it is no known word."""
    said = table.get("profile", SendProfile.STRICT.value)
    for profile in SendProfile:
        if profile.value == said:
            return profile
    words = " or ".join(f'"{profile.value}"' for profile in SendProfile)
    raise ConfigError(f"{where}: profile must be {words}.")


def read_ses(table: Mapping[str, Any], where: str) -> SesPlace | None:
    """Read `[accounts.NAME.ses]`; None without one, ConfigError names the key that is wrong."""
    said = table.get("ses")
    if said is None:
        return None
    if not isinstance(said, dict):
        raise ConfigError(f"{where}: ses must be a table.", "Write it as [accounts.NAME.ses].")
    place = f"{where}.ses"
    known = tuple(entry.name for entry in fields(SesPlace))
    for key, value in said.items():
        if key not in known:
            raise ConfigError(
                f"{place}: {key!a} is not known.",
                f"Known: {', '.join(known)}. Credentials stand in AWS's own files.",
            )
        if not isinstance(value, str) or not (_PLAIN.fullmatch(value) or not value):
            raise ConfigError(f"{place}: {key} must be text in quotes.")
    if said.get("proxy"):
        try:
            origins.proxy_url(str(said["proxy"]))
        except UsageError as error:
            raise ConfigError(f"{place}: {error.sentence}", error.next_step) from None
    if not is_plain_address(str(said.get("identity", ""))):
        raise ConfigError(
            f"{place}: identity is no plain mail address.",
            "Set identity to the address that is verified in SES.",
        )
    return SesPlace(**said)
