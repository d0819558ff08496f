"""One peer as the operator's own book has it: which key is pinned, what was offered since.

Closes the trap of a file that is believed: what was read is checked field by field, and a pin whose
block does not have the pinned fingerprint is no pin but an error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from services.crypto.certs import PeerKey
from services.crypto.errors import Damaged
from services.errors import UsageError
from services.safe_text import clean_line

_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}")
_ADDRESS: Final = re.compile(
    r"[^\s@<>,;:\"()\[\]\\\x00-\x20\x7f-\x9f]{1,320}@[^\s@<>,;:\"()\\]{1,255}"
)
_DOMAIN: Final = re.compile(r"[^\s@<>,;:\"()\\/\x00-\x20\x7f-\x9f]{1,255}")
HOW_LIMIT: Final = 200
"""Characters kept of how a key was compared."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A key that belongs to an address as far as the operator knows; times since the epoch."""

    fingerprint: str
    block: str = field(repr=False)
    since: int = 0
    verified_at: int = 0
    verified_how: str = ""

    def key(self, now: int | None = None) -> PeerKey:
        """Return the pinned key, judged now; CryptoError when the book was damaged."""
        key = PeerKey.parse(self.block, now=now)
        if key.fingerprint != self.fingerprint:
            raise Damaged("A pinned key is not the one that its entry names.", "Look it up again.")
        return key


@dataclass(frozen=True, slots=True)
class Peer:
    """Everything known of one address.

    `offered` is another key that the directory (or an import) showed at `offered.since`: sending is
    blocked while it waits. `missing_at` is since when the directory has had no key, 0 when it has.
    """

    address: str
    pin: Pin | None = None
    offered: Pin | None = None
    agent_id: str = ""
    is_required: bool = False
    missing_at: int = 0

    @property
    def is_nothing(self) -> bool:
        """Nothing is left to be remembered."""
        return self.pin is None and self.offered is None and not self.is_required


def address_of(text: str, mail_domain: str = "") -> str:
    """Return an address as the book names it: lower case, `mail_domain` added to a bare agent id.

    UsageError when it is no single address.
    """
    address = text.strip()
    if "@" not in address and mail_domain:
        address = f"{address}@{mail_domain}"
    if not _ADDRESS.fullmatch(address):
        raise UsageError(
            f'"{clean_line(text, 80)}" is not an address.', "It looks like name@agents.example.com."
        )
    return address.lower()


def domain_of(text: str) -> str:
    """Return a domain as the book names it; UsageError when it is none."""
    domain = text.strip().removeprefix("@").lower()
    if not _DOMAIN.fullmatch(domain):
        raise UsageError(f'"{clean_line(text, 80)}" is neither an address nor a domain.')
    return domain


def peer_to_json(peer: Peer) -> dict[str, Any]:
    """Return a peer as it stands in the file."""
    known = {
        "agent_id": peer.agent_id,
        "required": peer.is_required,
        "missing_at": peer.missing_at,
        "pin": _pin_to_json(peer.pin),
        "offered": _pin_to_json(peer.offered),
    }
    return {key: value for key, value in known.items() if value}


def peer_from_json(address: str, data: Mapping[str, Any]) -> Peer:
    """Read a peer; Damaged when an entry is not what it should be."""
    return Peer(
        address,
        _pin_from_json(data.get("pin")),
        _pin_from_json(data.get("offered")),
        _text(data, "agent_id"),
        data.get("required") is True,
        _number(data, "missing_at"),
    )


def _pin_to_json(pin: Pin | None) -> dict[str, Any] | None:
    if pin is None:
        return None
    return {
        "fingerprint": pin.fingerprint,
        "since": pin.since,
        "verified_at": pin.verified_at,
        "verified_how": pin.verified_how,
        "block": pin.block,
    }


def _pin_from_json(data: object) -> Pin | None:
    if data is None:
        return None
    if not isinstance(data, dict) or not _FINGERPRINT.fullmatch(_text(data, "fingerprint")):
        raise Damaged("An entry of the peer book is damaged.", "Move the book away, or repair it.")
    return Pin(
        _text(data, "fingerprint"),
        _text(data, "block"),
        _number(data, "since"),
        _number(data, "verified_at"),
        _text(data, "verified_how")[:HOW_LIMIT],
    )


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""


def _number(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    return value if isinstance(value, int) and 0 <= value < 1 << 40 else 0
