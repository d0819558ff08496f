"""Header blocks and header parameters, read as they are.

Closes the trap of the standard library's header objects: they raise on malformed fields and take
25 seconds for a field of semicolons (research/reliability.md §2). Here a block is a list of names
and raw values, every scan is linear, and a line that is no header ends the block only when no real
header follows it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from services.limits import HEADER_LIMIT, HEADERS_LIMIT
from services.reading.charsets import decode_text, decode_unknown
from services.reading.mime_words import decode_words

_FIELD: Final = re.compile(rb"([!-9;-~]{1,100})[ \t]*:")
_KNOWN_FIELD: Final = re.compile(
    rb"^(?:from|to|cc|subject|date|reply-to|received|mime-version|message-id|content-[a-z-]{2,40}"
    rb"|x-agentmail-[a-z-]{2,40})[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_EMPTY_LINE: Final = re.compile(rb"\r?\n\r*\n")


@dataclass(frozen=True, slots=True)
class HeaderBlock:
    """The fields of one header block, in order, and where the body after it begins.

    `fields` holds names as written and raw values, unfolded; `damaged` is set for lines that are no
    header, `cut` when a limit dropped something.
    """

    fields: tuple[tuple[str, bytes], ...]
    body: int
    damaged: bool = False
    cut: bool = False

    def first(self, name: str) -> str:
        """Return the decoded first value of a field (lower-case name); empty when absent."""
        for key, value in self.fields:
            if key.lower() == name:
                return header_text(value)
        return ""

    def all_raw(self, name: str) -> list[bytes]:
        """Return the raw values of a field (lower-case name)."""
        return [value for key, value in self.fields if key.lower() == name]


@dataclass(slots=True)
class _Reading:
    fields: list[tuple[str, list[bytes]]] = field(default_factory=list)
    room: int = 0
    damaged: bool = False
    cut: bool = False

    def open_field(self, name: bytes, value: bytes) -> None:
        if len(self.fields) >= HEADERS_LIMIT:
            self.cut, self.room = True, -1
            return
        self.fields.append((name.decode("ascii"), []))
        self.room = HEADER_LIMIT
        self.add(value)

    def add(self, value: bytes) -> None:
        """Add to the field that was opened last, as far as there is room."""
        if self.room <= 0 or not self.fields:
            self.cut = self.cut or self.room == 0
            return
        if len(value) > self.room:
            self.cut = True
            value = value[: self.room]
        self.room = max(0, self.room - len(value) - 1)
        self.fields[-1][1].append(value)


def read_block(raw: bytes, start: int, end: int) -> HeaderBlock:
    """Read the header block that begins at `start` of a mail or part ending at `end`."""
    reading = _Reading()
    last_known = -1
    at = start
    while at < end:
        newline = raw.find(b"\n", at, end)
        after = end if newline < 0 else newline + 1
        first = raw[at : at + 1]
        if first in b"\r\n" and not raw[at:after].strip(b"\r\n"):
            at = after
            break
        match = _FIELD.match(raw, at, after)
        if first in b" \t" and reading.fields:
            reading.add(_line(raw, at, after))
        elif match is not None:
            reading.open_field(match.group(1), _line(raw, match.end(), after))
        else:
            reading.damaged = True
            last_known = _last_known(raw, at, end) if last_known < 0 else last_known
            if last_known < at:
                break
            reading.add(_line(raw, at, after))
        at = after
    fields = tuple((name, b" ".join(lines)) for name, lines in reading.fields)
    return HeaderBlock(fields, at, reading.damaged, reading.cut)


def _line(raw: bytes, start: int, end: int) -> bytes:
    return raw[start : min(end, start + HEADER_LIMIT + 2)].strip(b" \t\r\n")


def _last_known(raw: bytes, start: int, end: int) -> int:
    """Find the last well-known header before the next empty line; `start` - 1 without one."""
    empty = _EMPTY_LINE.search(raw, start, end)
    stop = empty.start() if empty else end
    if stop - start > 4 * HEADER_LIMIT:
        stop = start + 4 * HEADER_LIMIT
    found = start - 1
    for match in _KNOWN_FIELD.finditer(raw[start:stop]):
        found = start + match.start()
    return found


def header_text(value: bytes) -> str:
    """Decode a raw header value: 8-bit as UTF-8, else Windows-1252; then its encoded words."""
    return decode_words(raw_text(value))


def raw_text(value: bytes) -> str:
    """Decode a raw header value without looking at encoded words (addresses are split first)."""
    return value.decode("ascii") if value.isascii() else decode_unknown(value)


@dataclass(frozen=True, slots=True)
class Parameters:
    """A structured value: the lower-case word in front and its parameters by lower-case name."""

    value: str
    parameters: dict[str, str]

    def get(self, name: str) -> str:
        """Return a parameter; empty when absent."""
        return self.parameters.get(name, "")


def parse_parameters(value: bytes) -> Parameters:
    """Read `Content-Type` or `Content-Disposition`, continued and encoded parameters included.

    Never raises. Parameters follow RFC 2231; encoded words in values are decoded as well, because
    that is what many senders write. The first of two equal names wins.
    """
    text = raw_text(value)
    head, _, rest = text.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, bool, str]]] = {}
    for name, content in _assignments(rest):
        base, star, order = name.partition("*")
        if not star:
            plain.setdefault(name, content if name == "boundary" else decode_words(content))
        else:
            number = order.rstrip("*")
            encoded = order.endswith("*") or not order
            position = int(number) if number.isascii() and number.isdigit() else 0
            pieces.setdefault(base, []).append((position, encoded, content))
    for base, parts in pieces.items():
        plain[base] = _join_pieces(parts)
    return Parameters(head.strip().lower(), plain)


def _assignments(text: str) -> list[tuple[str, str]]:
    """Split `a=b; c="d;e"` into pairs; a quote that is never closed is an ordinary character."""
    found: list[tuple[str, str]] = []
    at = 0
    quotes_close = True
    while at < len(text):
        equals = text.find("=", at)
        if equals < 0:
            break
        semicolon = text.rfind(";", at, equals)
        name = text[max(at, semicolon + 1) : equals].strip().lower()
        at = equals + 1
        while text[at : at + 1] in (" ", "\t"):
            at += 1
        closed = _quoted(text, at) if quotes_close and text[at : at + 1] == '"' else None
        if closed is not None:
            content, at = closed
        else:
            quotes_close = quotes_close and text[at : at + 1] != '"'
            semicolon = text.find(";", at)
            stop = len(text) if semicolon < 0 else semicolon
            content, at = text[at:stop].strip(' \t"'), stop + 1
        if name and len(name) < 64:
            found.append((name, content))
    return found


_QUOTED_PIECE: Final = re.compile(r'\\(.)|"|[^"\\]+', re.DOTALL)


def _quoted(text: str, at: int) -> tuple[str, int] | None:
    out: list[str] = []
    for match in _QUOTED_PIECE.finditer(text, at + 1):
        if match.group() == '"':
            return "".join(out), match.end()
        out.append(match.group() if match.group(1) is None else _unescaped(match.group(1)))
    return None


def _unescaped(char: str) -> str:
    """Take a backslash away before what needs one; Windows paths keep theirs."""
    return char if char in '"\\' else "\\" + char


def _join_pieces(parts: list[tuple[int, bool, str]]) -> str:
    """Put continued parameter values (RFC 2231) together; the charset stands in the first."""
    charset = ""
    out = bytearray()
    for number, (_, encoded, content) in enumerate(sorted(parts, key=lambda part: part[0])):
        piece = content
        if number == 0 and encoded and piece.count("'") >= 2:
            charset, _, piece = piece.partition("'")
            piece = piece.partition("'")[2]
        data = piece.encode("utf-8", "surrogatepass")
        out += unquote_to_bytes(data) if encoded else data
    return decode_words(decode_text(bytes(out), charset))
