"""Packets out of bytes, and bytes out of packets (RFC 4880 §4).

Closes two traps of PGPy: partial lengths that cost the square of their number (7 s for 50 MB from
gpg), and one unknown packet that loses the whole message (research/crypto.md §2, §3). A packet here
is a tag and a body; what is inside is for others to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from services.crypto.errors import Damaged, TooLarge

PACKETS_LIMIT: Final = 10_000
"""Packets read from one block; a key of 256 KB holds fewer."""


class Tag(IntEnum):
    """The packets that this program names (RFC 4880 §4.3, RFC 9580 §5)."""

    PUBLIC_SESSION_KEY = 1
    SIGNATURE = 2
    PASSPHRASE_SESSION_KEY = 3
    ONE_PASS = 4
    SECRET_KEY = 5
    PUBLIC_KEY = 6
    SECRET_SUBKEY = 7
    COMPRESSED = 8
    ENCRYPTED = 9
    MARKER = 10
    LITERAL = 11
    TRUST = 12
    USER_ID = 13
    PUBLIC_SUBKEY = 14
    USER_ATTRIBUTE = 17
    PROTECTED = 18
    INTEGRITY = 19
    AEAD = 20
    PADDING = 21


STREAMED: Final = frozenset({Tag.COMPRESSED, Tag.ENCRYPTED, Tag.LITERAL, Tag.PROTECTED, Tag.AEAD})
"""What may come in pieces or without a length (RFC 4880 §4.2.2.4)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: its tag (0 to 63) and its body with partial lengths joined."""

    tag: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """The start of a packet: `body` is where its content begins.

    `length` is None when it runs to the end of the data; `partial` when another length follows.
    """

    tag: int
    body: int
    length: int | None
    partial: bool


def split(data: bytes, *, limit: int = PACKETS_LIMIT) -> tuple[Packet, ...]:
    """Return all packets; Damaged when a header is none or a body is cut, TooLarge beyond `limit`."""
    out: list[Packet] = []
    for packet in walk(data):
        if len(out) == limit:
            raise TooLarge(f"The block holds more than {limit} packets.")
        out.append(packet)
    return tuple(out)


def walk(data: bytes) -> Iterator[Packet]:
    """Yield packets one by one; Damaged as `split`."""
    at = 0
    while at < len(data):
        header = read_header(data, at)
        body, at = _body(data, header)
        yield Packet(header.tag, body)


def join(tag: int, body: bytes) -> bytes:
    """Return one packet with a new-format header of definite length."""
    return bytes((0xC0 | tag,)) + new_length(len(body)) + body


def join_all(packets: Iterable[Packet]) -> bytes:
    """Return packets one after the other, each with a new-format header."""
    return b"".join(join(packet.tag, packet.body) for packet in packets)


def new_length(length: int) -> bytes:
    """Return a new-format length of one, two or five octets (RFC 4880 §4.2.2)."""
    if length < 192:
        return bytes((length,))
    if length < 8384:
        length -= 192
        return bytes((192 + (length >> 8), length & 0xFF))
    return b"\xff" + length.to_bytes(4, "big")


def read_header(data: bytes, at: int) -> Header:
    """Return the packet header at a place; Damaged when there is none, or one in pieces that may not."""
    try:
        first = data[at]
        if not first & 0x80:
            raise Damaged
        if first & 0x40:
            length, body, partial = read_length(data, at + 1)
            header = Header(first & 0x3F, body, length, partial)
        else:
            header = _old_header(data, at, first)
    except IndexError:
        raise Damaged from None
    if (header.partial or header.length is None) and header.tag not in STREAMED:
        raise Damaged
    return header


def read_length(data: bytes, at: int) -> tuple[int, int, bool]:
    """Return a new-format length, the place behind it, and whether it is a partial one.

    IndexError when the data ends within it.
    """
    first = data[at]
    if first < 192:
        return first, at + 1, False
    if first < 224:
        return ((first - 192) << 8) + data[at + 1] + 192, at + 2, False
    if first == 255:
        return _number(data, at + 1, 4), at + 5, False
    return 1 << (first & 0x1F), at + 1, True


def _old_header(data: bytes, at: int, first: int) -> Header:
    tag, kind = (first >> 2) & 0x0F, first & 0x03
    if kind == 3:
        return Header(tag, at + 1, None, partial=False)
    octets = 1 << kind
    return Header(tag, at + 1 + octets, _number(data, at + 1, octets), partial=False)


def _number(data: bytes, at: int, octets: int) -> int:
    field = data[at : at + octets]
    if len(field) < octets:
        raise IndexError
    return int.from_bytes(field, "big")


def _body(data: bytes, header: Header) -> tuple[bytes, int]:
    if header.length is None:
        return bytes(data[header.body :]), len(data)
    if not header.partial:
        return _piece(data, header.body, header.length)
    pieces: list[bytes] = []
    at, length, partial = header.body, header.length, True
    while True:
        piece, at = _piece(data, at, length)
        pieces.append(piece)
        if not partial:
            return b"".join(pieces), at
        try:
            length, at, partial = read_length(data, at)
        except IndexError:
            raise Damaged from None


def _piece(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(data):
        raise Damaged
    return bytes(data[at:end]), end
