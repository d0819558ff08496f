"""Compressed packets, unpacked piece by piece under a ceiling (RFC 4880 §5.6).

Closes the trap of a small message that fills the memory: 1 MB can stand for 1 GB. Every level of
compression is counted by itself, and no more than one piece is unpacked at a time.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from typing import Final, Protocol

from services.crypto.errors import Damaged, TooLarge, Unsupported
from services.crypto.feeds import PIECE, Feed

SLACK: Final = 1 << 20
"""Octets beside the data that a level may hold: headers and signatures."""


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def unpack(self, data: bytes) -> bytes: ...

    @property
    def is_hungry(self) -> bool: ...


class _Deflate:
    __slots__ = ("_inner",)

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def is_hungry(self) -> bool:
        return not self._inner.unconsumed_tail

    def unpack(self, data: bytes) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, PIECE)


class _Bzip2:
    __slots__ = ("_inner",)

    def __init__(self) -> None:
        self._inner = bz2.BZ2Decompressor()

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def is_hungry(self) -> bool:
        return self._inner.needs_input

    def unpack(self, data: bytes) -> bytes:
        return self._inner.decompress(data, PIECE)


def inflated(body: Feed, limit: int) -> Iterator[bytes]:
    """Yield what a compressed packet holds; TooLarge above `limit` octets, Damaged, Unsupported."""
    kind = body.take(1)[0]
    pieces = body.pieces() if kind == 0 else _unpacked(body, _unpacker(kind))
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > limit + SLACK:
            raise TooLarge
        yield piece


def _unpacker(kind: int) -> _Unpacker:
    if kind == 1:
        return _Deflate(-zlib.MAX_WBITS)
    if kind == 2:
        return _Deflate(zlib.MAX_WBITS)
    if kind == 3:
        return _Bzip2()
    raise Unsupported("The message is compressed in a way that this program does not know.")


def _unpacked(body: Feed, unpacker: _Unpacker) -> Iterator[bytes]:
    while not unpacker.eof:
        data = body.some() if unpacker.is_hungry else b""
        # An empty call is right while output is pending; at the end of the input it is the last.
        last = not data and unpacker.is_hungry
        try:
            piece = unpacker.unpack(data)
        except (zlib.error, OSError, ValueError, EOFError) as error:
            raise Damaged from error
        if piece:
            yield piece
        elif last and not unpacker.eof:
            raise Damaged
    if unpacker.unused_data or not body.at_end():
        raise Damaged
