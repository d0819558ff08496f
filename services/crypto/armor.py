"""ASCII armor: packets as text and back (RFC 4880 §6).

Closes three traps. PGPy's armor pattern never returns on a mail of 200 bytes, so PGPy is never given
text. The checksum must be written, because PGPy peers refuse armor without it, and PGPy's own takes
half a second a megabyte. And mail comes with footers, other line ends and trailing spaces, which
strict readers refuse (research/crypto.md §2, §3). Every step here walks its input once.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.crypto.errors import Damaged

CRC_START: Final = 0xB704CE
COLUMNS: Final = 64
HEADERS_LIMIT: Final = 100
"""Header lines of one block."""
_POLYNOMIAL: Final = 0x1864CFB
_FOLD: Final = 1257
_CHUNK: Final = 1 << 16
_MARKER: Final = re.compile(
    rb"-----(BEGIN|END) PGP "
    rb"(MESSAGE|PUBLIC KEY BLOCK|PRIVATE KEY BLOCK|SIGNATURE)-----[ \t]*\r?$",
    re.MULTILINE,
)
"""Begins with fixed letters, which are found twenty times faster than starts of lines."""
_HEADER: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:(?: .*)?")
_BLANKS: Final = (b"\n", b"\r", b" ", b"\t")
_CHECKSUM: Final = re.compile(rb"=[A-Za-z0-9+/]{4}[ \t\r\n]*\Z")
_LINE_FEED: Final = 0x0A
_WHOLE: Final = "Take one whole block, from its BEGIN line to its END line."


class ArmorKind(Enum):
    """What a block says that it holds."""

    MESSAGE = "MESSAGE"
    PUBLIC_KEY = "PUBLIC KEY BLOCK"
    PRIVATE_KEY = "PRIVATE KEY BLOCK"
    SIGNATURE = "SIGNATURE"


@dataclass(frozen=True, slots=True)
class ArmorSpan:
    """Where a block stands in a text: from its first dash to behind the last, in bytes."""

    start: int
    end: int
    kind: ArmorKind


def encode(data: bytes, kind: ArmorKind) -> bytes:
    """Return packets as armor: 64 columns, LF, with checksum and without headers."""
    body = binascii.b2a_base64(data, newline=False)
    lines = [body[at : at + COLUMNS] for at in range(0, len(body), COLUMNS)]
    check = b"=" + binascii.b2a_base64(crc24(data).to_bytes(3, "big"), newline=False)
    name = kind.value.encode()
    head, tail = b"-----BEGIN PGP %s-----\n" % name, b"-----END PGP %s-----\n" % name
    return b"\n".join([head, *lines, check, tail])


def decode(blob: bytes | str, kind: ArmorKind) -> bytes:
    """Return the packets of the one block of that kind in a text; other text may stand around it.

    The checksum is not compared (RFC 9580 §6.1: it guards against nothing that the packets do not).
    Raises Damaged when there is no such block, more than one, or it cannot be read.
    """
    text = blob.encode("utf-8", "replace") if isinstance(blob, str) else blob
    spans = [span for span in find(text) if span.kind is kind]
    if not spans:
        raise Damaged(f"There is no complete PGP {kind.value.lower()} in the text.", _WHOLE)
    if len(spans) > 1:
        raise Damaged(f"There is more than one PGP {kind.value.lower()} in the text.", _WHOLE)
    return _packets(text[spans[0].start : spans[0].end])


def find(text: bytes) -> tuple[ArmorSpan, ...]:
    """Return where complete blocks stand in a text, in order, none inside another."""
    spans: list[ArmorSpan] = []
    opened: re.Match[bytes] | None = None
    for marker in _MARKER.finditer(text):
        if marker.start() and text[marker.start() - 1] != _LINE_FEED:
            continue
        if marker[1] == b"BEGIN":
            opened = marker
        elif opened is not None:
            if opened[2] == marker[2]:
                kind = ArmorKind(marker[2].decode())
                spans.append(ArmorSpan(opened.start(), marker.end(), kind))
            opened = None
    return tuple(spans)


def _remainder(value: int) -> int:
    while (length := value.bit_length()) > 24:
        value ^= _POLYNOMIAL << (length - 25)
    return value


_REMAINDERS: Final = tuple(_remainder(octet << 24) for octet in range(256))
"""What each octet above the 24 bits leaves."""


def crc24(data: bytes, crc: int = CRC_START) -> int:
    """Return the checksum of armor (RFC 4880 §6.1); give the last result to go on with more data.

    x^1257 + x^24 + x^16 + 1 is a multiple of the polynomial, and squaring it doubles its exponents,
    so a chunk held in one integer is halved by three shifts again and again.
    """
    view = memoryview(data)
    rest = crc
    for at in range(0, len(view), _CHUNK):
        chunk = view[at : at + _CHUNK]
        rest = _fold((int.from_bytes(chunk, "big") << 24) ^ (rest << 8 * len(chunk)))
    out = 0
    for octet in rest.to_bytes((rest.bit_length() + 7) // 8, "big"):
        out = ((out & 0xFFFF) << 8 | octet) ^ _REMAINDERS[out >> 16]
    return out


def _fold(value: int) -> int:
    """Shorten to 1257 bits with the same remainder."""
    length = value.bit_length()
    level = max(0, (length // _FOLD).bit_length() - 1)
    while length > _FOLD:
        width = _FOLD << level
        mask = (1 << width) - 1
        while value.bit_length() > width:
            high = value >> width
            value = (value & mask) ^ high ^ (high << (16 << level)) ^ (high << (24 << level))
        length = value.bit_length()
        level -= 1
    return value


def _packets(block: bytes) -> bytes:
    body = block[block.index(b"\n") + 1 : block.rindex(b"-----END")]
    body = _CHECKSUM.sub(b"", body[_end_of_headers(body) :])
    for blank in _BLANKS:
        body = body.replace(blank, b"")
    if not body:
        raise Damaged
    try:
        return binascii.a2b_base64(body, strict_mode=True)
    except binascii.Error as error:
        raise Damaged from error


def _end_of_headers(body: bytes) -> int:
    """Return where the base64 starts; some writers leave out the blank line before it."""
    at = 0
    for _ in range(HEADERS_LIMIT):
        end = body.find(b"\n", at)
        line = body[at:end].rstrip()
        if end < 0 or (line and not _HEADER.fullmatch(line)):
            return at
        at = end + 1
        if not line:
            return at
    raise Damaged
