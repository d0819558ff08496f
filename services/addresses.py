"""Mail addresses as the header writes them: which address is really named.

Closes the trap of a parser that picks the wrong one: real phishing writes
`"service@bank.example", <eve@evil.example>`, and the standard library's first answer is the fake
(research/reliability.md §2). Our rule: exactly one `<x@y>` is the address, everything before it is
the name; anything else is told as it stands. All scans here are linear in the length of the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import Final

from services.reading.mime_words import decode_words

ADDRESS_LIMIT: Final = 2_000
"""Addresses read from one header; the rest is counted, not kept."""

_ANGLE: Final = re.compile(r"<\s*([^<>\s@,]{1,320}@[^<>\s@,]{1,255})\s*>")
_LOCAL: Final = re.compile(r"<\s*([^<>\s@,]{1,320})\s*>")
_TOKEN: Final = re.compile(r"[^\s<>()\[\]\\,;:\"]+")
_SPACE: Final = re.compile(r"\s+")
_MARKS: Final = re.compile(r'[",;:(]')
_QUOTE_OR_ESCAPE: Final = re.compile(r'\\.|"')
_BRACKETS: Final = re.compile(r"\\.|[()]")


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: decoded display name (may be empty) and address (empty when none is written)."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """The part after the last `@`, lower case; empty without one."""
        return self.address.rpartition("@")[2].lower() if "@" in self.address else ""


def parse_mailbox(text: str) -> Address:
    """Read a value that should name one mailbox (the API's sender, a `From`).

    Never raises. When no single address is named, the whole text becomes the name and the address
    stays empty.
    """
    found = parse_sender(text)
    return found[0] if len(found) == 1 else Address(_tidy_name(text), "")


def parse_sender(text: str) -> tuple[Address, ...]:
    """Read a `From` field: exactly one `<x@y>` in it is the sender, else all that it names."""
    angles = list(islice(_ANGLE.finditer(text), 2))
    if len(angles) != 1:
        return parse_mailboxes(text)
    (angle,) = angles
    name = _tidy_name(text[: angle.start()]) or _tidy_name(text[angle.end() :])
    return (Address(name, angle.group(1)),)


def parse_mailboxes(text: str) -> tuple[Address, ...]:
    """Read an address list (`To`, `Cc`), groups and comments included, at most ADDRESS_LIMIT.

    Never raises; entries without an address are left out unless nothing else is there.
    """
    found = [_entry(entry) for entry in entries(text)[:ADDRESS_LIMIT]]
    named = tuple(address for address in found if address.address)
    if named:
        return named
    name = _tidy_name(text)
    if "=?" in text and "@" not in text and "@" in name:
        # The whole mailbox was written as one encoded word.
        return tuple(_entry(entry) for entry in entries(name)[:ADDRESS_LIMIT])
    return (Address(name, ""),) if name else ()


def addresses_within(text: str) -> tuple[str, ...]:
    """Return what looks like a mail address inside a display name."""
    return tuple(_bare(text[:2_000]))


def _bare(text: str) -> list[str]:
    """Find words with one `@` inside."""
    words = (word for word in _TOKEN.findall(text) if word.count("@") == 1 and len(word) <= 576)
    return [word for word in words if word[0] != "@" and word[-1] != "@"]


def _entry(entry: str) -> Address:
    angles = list(_ANGLE.finditer(entry))
    if angles:
        last = angles[-1]
        return Address(_tidy_name(entry[: last.start()]), last.group(1))
    local = _LOCAL.findall(entry)
    if len(local) == 1 and "@" not in entry:
        return Address(_tidy_name(entry[: entry.index("<")]), local[0])
    plain, comments = _without_comments(entry)
    bare = _bare(plain)
    if len(bare) == 1:
        rest = plain.replace(bare[0], " ", 1)
        return Address(_tidy_name(rest) or _tidy_name(comments), bare[0])
    return Address(_tidy_name(entry), "")


def _tidy_name(text: str) -> str:
    """Decode a display name and take off the quotes and the comment brackets around it."""
    name = text.strip(" \t\r\n,;")
    if name[:1] + name[-1:] in ('""', "''", "()") and len(name) > 1:
        name = name[1:-1]
    name = name.replace('\\"', '"').replace("\\\\", "\\") if "\\" in name else name
    name = _SPACE.sub(" ", decode_words(name)).strip()
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1].strip()
    return name


def entries(text: str) -> list[str]:
    """Split an address list at commas and semicolons outside quotes, comments and angle brackets."""
    pieces: list[str] = []
    comments = _comment_ends(text)
    start = at = 0
    quotes_close = True
    while (match := _MARKS.search(text, at)) is not None:
        mark, here, at = match.group(), match.start(), match.end()
        if mark == '"' and quotes_close:
            close = _closing_quote(text, at)
            quotes_close = close >= 0
            at = close + 1 if quotes_close else at
        elif mark == "(":
            at = comments.get(here, here) + 1
        elif mark == ":" and "@" not in text[start:here]:
            start = at  # the name of a group
        elif mark in ",;":
            pieces.append(text[start:here])
            start = at
    pieces.append(text[start:])
    return [piece for piece in pieces if piece.strip()]


def _closing_quote(text: str, at: int) -> int:
    for match in _QUOTE_OR_ESCAPE.finditer(text, at):
        if match.group() == '"':
            return match.start()
    return -1


def _comment_ends(text: str) -> dict[int, int]:
    """Pair the brackets: where each comment that is closed opens, and where it ends."""
    open_at: list[int] = []
    ends: dict[int, int] = {}
    for match in _BRACKETS.finditer(text) if "(" in text else ():
        if match.group() == "(":
            open_at.append(match.start())
        elif match.group() == ")" and open_at:
            ends[open_at.pop()] = match.start()
    return ends


def _without_comments(text: str) -> tuple[str, str]:
    """Return the text with its comments taken out, and the comments' own text."""
    plain: list[str] = []
    comments: list[str] = []
    at = 0
    for opening, close in sorted(_comment_ends(text).items()):
        if opening >= at:
            plain.append(text[at:opening])
            comments.append(text[opening + 1 : close])
            at = close + 1
    plain.append(text[at:])
    return " ".join(plain), " ".join(comments)
