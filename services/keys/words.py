"""A fingerprint as people compare it: in groups to read, and in words to say.

Closes the trap of two people who compare the first and the last four digits: 15 words of the BIP-39
list carry all 20 octets and a checksum, and are told apart by ear (any two differ in their first
four letters).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from services.errors import UsageError
from services.key_models import FingerprintView
from services.safe_text import clean_line

if TYPE_CHECKING:
    from mnemonic import Mnemonic

_FINGERPRINT: Final = re.compile(r"[0-9A-F]{40}")


def fingerprint(text: str) -> str:
    """Return a typed fingerprint as 40 upper-case hex digits; UsageError when it is none.

    Blanks and colons between digits are passed over, and a leading 0x.
    """
    found = re.sub(r"[\s:]", "", text).upper().removeprefix("0X")
    if not _FINGERPRINT.fullmatch(found):
        raise UsageError(
            "A fingerprint has 40 hexadecimal digits.", "Copy it whole; a key id is not enough."
        )
    return found


def groups(raw: str) -> str:
    """Return a fingerprint in ten groups of four digits."""
    return " ".join(raw[at : at + 4] for at in range(0, len(raw), 4))


def short(raw: str) -> str:
    """Return the beginning of a fingerprint, to tell own keys apart; never enough to compare."""
    return f"{raw[:4]} {raw[4:8]} …"


@lru_cache(maxsize=512)
def words(raw: str) -> tuple[str, ...]:
    """Return the 15 words of a fingerprint of 20 octets (BIP-39, English)."""
    return tuple(_list().to_mnemonic(bytes.fromhex(raw)).split())


def view(raw: str) -> FingerprintView:
    """Return a fingerprint in all its forms."""
    return FingerprintView(raw, clean_line(groups(raw)), clean_line(" ".join(words(raw))))


@lru_cache(maxsize=1)
def _list() -> Mnemonic:
    from mnemonic import Mnemonic

    return Mnemonic("english")
