"""Armor of any size, written and read piece by piece (RFC 4880 §6).

Closes the trap of an armored file that is in memory three times before its first packet is seen, and
of other threads that wait while 10 MB of base64 are turned in one step. What it accepts is what
`armor` accepts.
"""

from __future__ import annotations

import binascii
import re
import struct
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from services.crypto.armor import COLUMNS, CRC_START, ArmorKind, crc24
from services.crypto.errors import Damaged
from services.crypto.feeds import PIECE, pieces_of

_LINE: Final = 65_536
_BEGIN: Final = re.compile(rb"-----BEGIN PGP MESSAGE-----[ \t]*\r?\n")
_HEADER: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:(?: .*)?")
_BLANKS: Final = b" \t\r\n"
_OCTETS: Final = COLUMNS // 4 * 3
_ROWS: Final = struct.Struct(f"{COLUMNS}s" * (PIECE // _OCTETS))
_TAIL: Final = re.compile(rb"(={0,2})(?:=[A-Za-z0-9+/]{4})?-----ENDPGPMESSAGE-----")
_TAIL_OCTETS: Final = 64
"""More than the longest tail without its blanks: what does not match by then never will."""


def armored(pieces: Iterable[bytes], kind: ArmorKind) -> Iterator[bytes]:
    """Yield packets as armor: 64 columns, LF, with checksum and without headers."""
    name = kind.value.encode()
    yield b"-----BEGIN PGP %s-----\n\n" % name
    crc, held = CRC_START, b""
    for piece in pieces:
        crc = crc24(piece, crc)
        ready = held + piece if held else piece
        whole = len(ready) - len(ready) % _OCTETS
        held = ready[whole:]
        if whole:
            yield _lines(ready[:whole] if held else ready)
    if held:
        yield _lines(held)
    check = binascii.b2a_base64(crc.to_bytes(3, "big"), newline=False)
    yield b"=%s\n-----END PGP %s-----\n" % (check, name)


def _lines(piece: bytes) -> bytes:
    text = binascii.b2a_base64(piece, newline=False)
    if len(text) == _ROWS.size:  # half the time of slices, for all but the last piece
        rows = _ROWS.unpack(text)
    else:
        rows = tuple(text[at : at + COLUMNS] for at in range(0, len(text), COLUMNS))
    return b"\n".join((*rows, b""))


def is_binary(head: bytes) -> bool:
    """Tell from its first octets whether something is packets and not a text with armor in it.

    A text may begin with a letter outside ASCII, whose first octet looks like a packet's; but every
    packet that begins a key, a message or a signature has its version within eight octets, and no
    text has such a low one.
    """
    return head[:1] >= b"\x80" and min(head[:8]) < 9


def message_pieces(source: BinaryIO) -> Iterator[bytes]:
    """Yield the packets of a message, binary or the one armored block in a text.

    `source` must be seekable. The checksum is not compared, as in `armor`. Raises Damaged.
    """
    start = source.tell()
    head = source.read(8)
    source.seek(start)
    if is_binary(head):
        yield from pieces_of(source)
        return
    _find_message(source)
    yield from _body(source, _after_headers(source))
    while line := source.readline(_LINE):
        if _BEGIN.fullmatch(line):
            raise Damaged("There is more than one PGP message in the text.")


def _find_message(source: BinaryIO) -> None:
    is_start = True
    while line := source.readline(_LINE):
        if is_start and _BEGIN.fullmatch(line):
            return
        is_start = line.endswith(b"\n")
    raise Damaged("There is no complete PGP message in the text.")


def _after_headers(source: BinaryIO) -> bytes:
    """Return the first line of base64; some writers leave out the blank line before it."""
    while line := source.readline(PIECE):
        text = line.rstrip()
        if not text:
            return b""
        if not _HEADER.fullmatch(text):
            return line
    raise Damaged


def _body(source: BinaryIO, start: bytes) -> Iterator[bytes]:
    held, piece = b"", start or source.read(PIECE)
    while piece:
        text = held + piece.translate(None, _BLANKS)
        stop = _stop(text)
        if stop >= 0:
            yield _last(source, text, stop)
            return
        whole = len(text) - len(text) % 4
        held = text[whole:]
        if whole:
            yield _octets(text[:whole] if held else text)
        piece = source.read(PIECE)
    raise Damaged("There is no complete PGP message in the text.")


def _stop(text: bytes) -> int:
    """Return where base64 ends: at its padding, the checksum or the END line; -1 if it goes on."""
    places = [at for at in (text.find(b"="), text.find(b"-")) if at >= 0]
    return min(places, default=-1)


def _last(source: BinaryIO, text: bytes, stop: int) -> bytes:
    """Return the last octets; the file stands behind the END line or within what follows it."""
    tail = text[stop:]
    while (found := _TAIL.match(tail)) is None:
        more = source.readline(_LINE)
        if not more or len(tail) > _TAIL_OCTETS:
            raise Damaged("There is no complete PGP message in the text.")
        tail += more.translate(None, _BLANKS)
    if b"-----BEGINPGPMESSAGE-----" in tail[found.end() :]:
        raise Damaged("There is more than one PGP message in the text.")
    return _octets(text[:stop] + found[1])


def _octets(text: bytes) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error as error:
        raise Damaged from error
