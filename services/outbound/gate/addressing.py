"""Who a draft is addressed to: each typed recipient as one bare address, or as none.

Closes the trap of an address that two parsers read in two ways, one that is checked and one that is
sent to: exactly one reading is taken (services/addresses.py), what has none stays empty and is
refused, and what is sent is the bare address. Everybody is named once, in the first role.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.addresses import addresses_within, parse_mailbox
from services.draft import Draft
from services.outbound.gate.plan import Role
from services.policy_config import is_plain_address

_NAMED: Final = re.compile(
    r"""(?:"(?:[^"\\<>\x00-\x1f]|\\[^<>\x00-\x1f])*"|[^"<>,;:()\x00-\x1f]*)\s*<(?P<address>[^<>\s]+)>"""
)
"""A name, quoted or without marks that mean something in a list, and the address behind it."""
_ANSWERED_TO: Final = frozenset({
    "reply-to", "mail-reply-to", "mail-followup-to", "followup-to",
    "disposition-notification-to", "return-receipt-to", "read-receipt-to", "x-confirm-reading-to",
})  # fmt: skip
"""Headers by which the recipient's program sends something without asking where to."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient; `address` is "" when the text names no single plain address."""

    typed: str
    role: Role
    address: str
    name: str = ""

    @property
    def named(self) -> str:
        """The address, or what was typed when there is none."""
        return self.address or self.typed

    @property
    def misnamed(self) -> str:
        """Another address that the name in front of it shows, "" when it shows none."""
        others = (one for one in addresses_within(self.name) if one.lower() != self.address.lower())
        return next(others, "") if self.address else ""


def recipients_of(draft: Draft) -> tuple[Recipient, ...]:
    """Return everybody a draft is addressed to, each once; blank entries are passed over."""
    known: dict[str, Recipient] = {}
    for one in _all(draft):
        known.setdefault(one.named.lower(), one)
    return tuple(known.values())


def reply_to_of(headers: tuple[tuple[str, str], ...]) -> tuple[Recipient, ...]:
    """Return where the answers to a mail with these headers go, and the notes that it was read."""
    named = (value for name, value in headers if name.strip().lower() in _ANSWERED_TO)
    return tuple(_read(part, Role.TO) for value in named for part in value.split(","))


def _all(draft: Draft) -> Iterator[Recipient]:
    lists = ((Role.TO, draft.to), (Role.CC, draft.cc), (Role.BCC, draft.bcc))
    for role, typed in lists:
        yield from (_read(text, role) for text in typed if text.strip())


def _read(text: str, role: Role) -> Recipient:
    typed = text.strip()
    if is_plain_address(typed):
        return Recipient(typed, role, typed)
    shape = _NAMED.fullmatch(typed)
    if shape is None or not is_plain_address(shape["address"]):
        return Recipient(typed, role, "")
    name = parse_mailbox(typed).name
    return Recipient(typed, role, shape["address"], name)
