"""What one account may send, as the operator writes it under `[accounts.NAME.policy]`.

A leaf that the configuration reads and the gate obeys. Closes the trap of a policy that a typing
mistake switches off: a key that is not known, a domain that is none, a number out of range is an
error that names its place, never passed over. Only the operator's own file is read for it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from services.errors import ConfigError

_DOMAIN: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_LOCAL: Final = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_MOST: Final = 1_000_000
SHARED_DOMAINS: Final = frozenset({"agentmail.to", "agentmail.eu"})
"""Domains at which anybody can have an address."""


class ApprovalRule(Enum):
    """When mail of an agent, or of a program without a person at a terminal, waits for one."""

    NEVER = "never"
    EXTERNAL = "external"
    COLD = "cold"
    """External, unless everybody outside has written in the conversation that it answers."""
    ALWAYS = "always"


class EncryptionRule(Enum):
    """Which mail is encrypted besides what its writer wants encrypted."""

    ASKED = "asked"
    WHEN_POSSIBLE = "when possible"
    EXTERNAL = "external"
    ALWAYS = "always"


class OversightCopy(Enum):
    """What happens where the service has no bcc (Assmbl's `/send`)."""

    LINKED = "linked"
    """A second send of the same mail to the oversight address."""
    REFUSE = "refuse"


class RefusedDrafts(Enum):
    """What becomes of a draft on AgentMail.to that was refused on the Approvals screen."""

    DELETE = "delete"
    """It is deleted there: nobody else can send it any more."""
    LEAVE = "leave"
    """It stays there, unscheduled and labelled `refused`: whoever has a key can still send it."""


class Repeats(Enum):
    """Whether the service delivers a repeated idempotency key once (api/assmbl.md §13)."""

    UNKNOWN = "unknown"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Policy:
    """What may leave one account; addresses and domains in lower case.

    `internal` None stands for the service's own mail domain. `oversight` "" refuses external mail.
    `per_hour` and `per_day` count mails to one recipient each, 0 for no cap. `undo_seconds` is how
    long a mail can be taken back, `approval_hours` how long a proposal can be decided.
    """

    internal: tuple[str, ...] | None = None
    oversight: str = ""
    oversight_copy: OversightCopy = OversightCopy.LINKED
    approval: ApprovalRule = ApprovalRule.EXTERNAL
    encryption: EncryptionRule = EncryptionRule.ASKED
    per_hour: int = 0
    per_day: int = 0
    undo_seconds: int = 10
    approval_hours: int = 24
    refused_drafts: RefusedDrafts = RefusedDrafts.DELETE


DEFAULT_POLICY: Final = Policy()
_NUMBERS: Final = {
    "per_hour": range(_MOST),
    "per_day": range(_MOST),
    "undo_seconds": range(121),
    "approval_hours": range(1, 24 * 365 + 1),
}
_CHOICES: Final[Mapping[str, type[Enum]]] = {
    "oversight_copy": OversightCopy,
    "approval": ApprovalRule,
    "encryption": EncryptionRule,
    "refused_drafts": RefusedDrafts,
}
E = TypeVar("E", bound=Enum)


def read_policy(table: Mapping[str, Any], where: str) -> Policy:
    """Read the table of a policy; ConfigError names `where` it stands and the key."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key == "internal":
            found[key] = _internal(value, where)
        elif key == "oversight":
            found[key] = _oversight(value, where)
        elif key in _NUMBERS:
            found[key] = _number(key, value, where)
        elif key in _CHOICES:
            found[key] = _choice(_CHOICES[key], key, value, where)
        else:
            known = ", ".join(Policy.__dataclass_fields__)
            raise ConfigError(f"{where}: {key!a} is not known.", f"Known: {known}.")
    return Policy(**found) if found else DEFAULT_POLICY


def read_repeats(table: Mapping[str, Any], where: str) -> Repeats:
    """Read `repeats` of an account; ConfigError when it is no known word."""
    return _choice(Repeats, "repeats", table.get("repeats", Repeats.UNKNOWN.value), where)


def is_plain_address(text: str) -> bool:
    """Tell whether a text is one address and nothing else, in the form that a service takes.

    ASCII, no quotes, no blanks, at most 320 characters (services/api/wire_types.py).
    """
    if not text.isascii() or len(text) > 320:
        # Asked before the letters are made small: the sign for kelvin becomes a k.
        return False
    local, at, domain = text.lower().rpartition("@")
    return bool(at and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(f"{domain}.x"))


def _internal(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ConfigError(f"{where}: internal must be a list of addresses and domains.")
    return tuple(_internal_entry(entry, where) for entry in value)


def _internal_entry(entry: object, where: str) -> str:
    text = entry.strip().lower() if isinstance(entry, str) else ""
    if text in SHARED_DOMAINS:
        raise ConfigError(
            f"{where}: {text} belongs to everybody who uses that service, so it is never internal.",
            "List whole addresses; the inboxes of the account's own key need no list.",
        )
    if is_plain_address(text) or _DOMAIN.fullmatch(text):
        return text
    raise ConfigError(
        f"{where}: internal names something that is neither an address nor a domain.",
        "Write each as name@host.example or host.example, without * and without @ in front.",
    )


def _oversight(value: object, where: str) -> str:
    text = value.strip().lower() if isinstance(value, str) else "?"
    if text and not is_plain_address(text):
        raise ConfigError(
            f"{where}: oversight must be one address.", 'Write oversight = "name@host.example".'
        )
    return text


def _number(key: str, value: object, where: str) -> int:
    allowed = _NUMBERS[key]
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise ConfigError(f"{where}: {key} must be a number from {allowed[0]} to {allowed[-1]}.")
    return value


def _choice(kind: type[E], key: str, value: object, where: str) -> E:
    for choice in kind:
        if choice.value == value:
            return choice
    words = ", ".join(f'"{choice.value}"' for choice in kind)
    raise ConfigError(f"{where}: {key} must be one of {words}.")
