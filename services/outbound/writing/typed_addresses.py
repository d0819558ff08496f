"""Addresses as a person or an agent types them into a draft, and as a draft writes them down.

Closes two traps: one text that two parts of the program read as two different recipients (everybody
asks here), and a display name that pretends to be the address: a name with an `@` in it, or with
anything that does not print, is left out.
"""

from __future__ import annotations

import re
from typing import Final

from services.addresses import Address, parse_mailboxes
from services.errors import UsageError
from services.policy_config import is_plain_address

_SHOWN: Final = 320
_LONGEST: Final = 1_280

_MARKS: Final = re.compile(r"[\\\"'<>()\[\],;:=]+")


def read_address(typed: str) -> Address:
    """Return the one address that a text names; UsageError says what is wrong with it."""
    text = typed.strip()
    if not text:
        raise UsageError("The recipient is empty.", "Write it as name@host.")
    if any(char in text for char in "\r\n\0"):
        raise UsageError("The recipient holds a line end.", "Write it as name@host.")
    if len(text) > _LONGEST:
        # What is cut off might be another recipient.
        raise UsageError("The recipient is too long.", "Write it as name@host.")
    found = parse_mailboxes(text)
    if len(found) > 1:
        raise UsageError(f"{text[:_SHOWN]!a} names several recipients.", "Give each on its own.")
    if not found or not is_address(found[0].address):
        raise UsageError(f"{text[:_SHOWN]!a} is not a mail address.", "Write it as name@host.")
    return found[0]


def is_address(text: str) -> bool:
    """Whether a text is exactly `name@host` as the gate takes it."""
    return is_plain_address(text)


def written(address: Address) -> str:
    """Return an address as a draft holds it: `Name <name@host>`, the name only when it is honest.

    Marks that could make two recipients of one, or hide one, are blanks in the name.
    """
    name = " ".join(_MARKS.sub(" ", address.name).split())[:100].strip()
    if not name or "@" in name or not name.isprintable():
        return address.address
    return f"{name} <{address.address}>"


def same_key(address: str) -> str:
    """Return what tells one recipient from another: letter case does not."""
    return address.strip().casefold()
