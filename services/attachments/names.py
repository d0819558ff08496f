"""File names that strangers chose, made safe; and the next free one in a folder.

Closes the traps of research/reliability.md §6 A01: a name that is a path, hides a file, reorders
its own letters, means a device, speaks to the terminal or to a shell, or is too long for the disk.
What cannot stand becomes `_`, so that nobody mistakes the outcome for what was sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

FALLBACK: Final = "attachment"
BYTES_LIMIT: Final = 200
"""UTF-8 bytes of a name. Disks take 255; what is left is for numbers and for unfinished files."""
_SUFFIX_LIMIT: Final = 20
"""Bytes of an ending that is kept when a name is cut."""
_MARKS: Final = 4
"""Combining marks kept on one letter."""

SEALED_ENDINGS: Final = (".asc", ".pgp", ".gpg")
"""What names of encrypted files end with (api/assmbl.md §7.4)."""

_DEVICES: Final = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\.|$)"
)
_FORBIDDEN: Final = frozenset('<>:"|?*\\/`$;&')
"""Refused by some disk, or dangerous where a name is typed into a shell."""
_INVISIBLE: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\u034f")
_SEPARATORS: Final = re.compile(r"[/\\]")


def safe_name(text: str) -> str:
    """Return a plain, visible name of at most 200 bytes for a name from outside; never empty.

    Only what stands behind the last separator counts. Safe in a folder on Linux, macOS and Windows.
    """
    bare = unicodedata.normalize("NFC", text).rstrip("/\\ ")
    bare = _SEPARATORS.split(bare)[-1]
    cleaned = "".join(_letters(bare)).strip(" ")
    cleaned = cleaned.rstrip(". ").lstrip(". ")
    if not cleaned.strip("_ "):
        return FALLBACK
    if cleaned[0] in "-~":
        cleaned = f"_{cleaned[1:]}"
    # Normalising may turn other letters into the dots and slashes that were just looked for.
    if _DEVICES.match(unicodedata.normalize("NFKC", cleaned).casefold()):
        cleaned = f"_{cleaned}"
    return _shortened(cleaned)


def opened_name(sealed: str, inside: str = "") -> str:
    """Return the safe name of a file after decryption.

    The name outside without its ending, as its sender's program put it there; else the name that
    the message carries `inside`, else the name as it is.
    """
    stem, ending = _parted(sealed.strip())
    if stem and ending.lower() in SEALED_ENDINGS:
        return safe_name(stem)
    # A name that says "for your eyes only" (RFC 4880 §5.9) is no name.
    return safe_name(inside if inside and inside != "_CONSOLE" else sealed)


def is_sealed_name(name: str) -> bool:
    """Whether a name ends as names of encrypted files do."""
    return name.strip().lower().endswith(SEALED_ENDINGS)


def numbered(name: str) -> Iterator[str]:
    """Yield a safe name, then "name (2).ext", "name (3).ext" and so on, a thousand at most."""
    yield name
    stem, ending = _parted(name)
    for number in range(2, 1_001):
        yield f"{stem} ({number}){ending}"


def _letters(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category in ("Mn", "Me", "Mc") else 0
        if category == "Zs":
            yield " "
        elif category[0] == "C" or category in ("Zl", "Zp") or _is_dangerous(char):
            yield "_"
        elif marks <= _MARKS:
            yield char


def _is_dangerous(char: str) -> bool:
    looks_like = unicodedata.normalize("NFKC", char)
    return char in _FORBIDDEN or char in _INVISIBLE or looks_like in ("/", "\\", "..")


def _parted(name: str) -> tuple[str, str]:
    """Return a name as stem and ending; an ending of a compressed archive is kept whole."""
    found = re.fullmatch(r"(?s)(.+?)((?:\.tar)?\.[^.\s]{1,19})", name)
    stem, ending = (found[1], found[2]) if found else (name, "")
    return stem, ending


def _shortened(name: str) -> str:
    if len(name.encode()) <= BYTES_LIMIT:
        return name
    stem, ending = _parted(name)
    if len(ending.encode()) > _SUFFIX_LIMIT:
        stem, ending = name, ""
    room = BYTES_LIMIT - len(ending.encode())
    kept = stem.encode()[:room].decode("utf-8", "ignore").rstrip(". ")
    return kept + ending
