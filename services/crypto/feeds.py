"""Octets that arrive in pieces, and the packets in them (RFC 4880 §4.2).

Closes the trap of a file that must be in memory to be read: a packet's body is passed on piece by
piece, whatever lengths its writer chose. A body must be read to its end before the next packet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from services.crypto.errors import Damaged, TooLarge
from services.crypto.packets import PACKETS_LIMIT, STREAMED, read_length

PIECE: Final = 48 * 2048
"""Octets handled at a time: whole lines of armor, and no more than a screen can wait for."""

_OPEN_ENDED: Final = 3
"""The old length type of a packet that runs to the end."""
_SMALL: Final = 512
"""Octets; RFC 4880 §4.2.2.4 wants no first piece below that, and no program writes others below."""
_SMALL_MOST: Final = 1_000
"""Smaller pieces of one packet that are read: a mail of 2 MB in single octets takes 8 s."""


class Feed:
    """A run of octets behind an iterator of pieces, read forward once."""

    __slots__ = ("_at", "_piece", "_pieces")

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._piece = b""
        self._at = 0

    def at_end(self) -> bool:
        """Tell whether nothing is left."""
        return not self._more()

    def some(self, most: int = PIECE) -> bytes:
        """Return the next octets, as many as are at hand; b"" at the end."""
        if not self._more():
            return b""
        start, piece = self._at, self._piece
        self._at = min(start + most, len(piece))
        return piece if self._at - start == len(piece) else piece[start : self._at]

    def take(self, count: int) -> bytes:
        """Return exactly so many octets; Damaged when they run out."""
        out = self.some(count)
        while len(out) < count:
            more = self.some(count - len(out))
            if not more:
                raise Damaged
            out += more
        return out

    def peek(self, count: int) -> bytes:
        """Return the next octets without passing them; fewer at the end."""
        while len(self._piece) - self._at < count:
            more = next(self._pieces, None)
            if more is None:
                break
            self._piece, self._at = self._piece[self._at :] + more, 0
        return self._piece[self._at : self._at + count]

    def pieces(self) -> Iterator[bytes]:
        """Yield the rest."""
        while piece := self.some():
            yield piece

    def _more(self) -> bool:
        while self._at == len(self._piece):
            piece = next(self._pieces, None)
            if piece is None:
                return False
            self._piece, self._at = piece, 0
        return True


@dataclass(frozen=True, slots=True)
class StreamedPacket:
    """One packet whose body is still to be read."""

    tag: int
    body: Feed

    def whole(self, limit: int) -> bytes:
        """Return the body of a packet that must be small; TooLarge."""
        out = bytearray()
        for piece in self.body.pieces():
            out += piece
            if len(out) > limit:
                raise TooLarge
        return bytes(out)


def packets(feed: Feed) -> Iterator[StreamedPacket]:
    """Yield packets one by one; Damaged when a header is none, a body is cut, or they do not end."""
    for _ in range(PACKETS_LIMIT):
        if feed.at_end():
            return
        first = feed.take(1)[0]
        if not first & 0x80:
            raise Damaged
        if first & 0x40:
            tag, body = first & 0x3F, _new_body(feed, in_pieces=first & 0x3F in STREAMED)
        else:
            tag, body = (first >> 2) & 0x0F, _old_body(feed, first & 0x03)
            if first & 0x03 == _OPEN_ENDED and tag not in STREAMED:
                raise Damaged
        yield StreamedPacket(tag, Feed(body))
    raise Damaged


def pieces_of(source: BinaryIO) -> Iterator[bytes]:
    """Yield the rest of a file."""
    while piece := source.read(PIECE):
        yield piece


def _old_body(feed: Feed, kind: int) -> Iterator[bytes]:
    if kind == _OPEN_ENDED:
        return feed.pieces()
    return _run(feed, int.from_bytes(feed.take(1 << kind), "big"))


def _new_body(feed: Feed, *, in_pieces: bool) -> Iterator[bytes]:
    partial, small = True, 0
    while partial:
        length, partial = _new_length(feed)
        small += partial and length < _SMALL
        if (partial and not in_pieces) or small > _SMALL_MOST:
            raise Damaged
        yield from _run(feed, length)


def _new_length(feed: Feed) -> tuple[int, bool]:
    first = feed.take(1)
    more = 4 if first[0] == 255 else 1 if 192 <= first[0] < 224 else 0
    length, _, partial = read_length(first + feed.take(more), 0)
    return length, partial


def _run(feed: Feed, length: int) -> Iterator[bytes]:
    while length:
        piece = feed.some(min(length, PIECE))
        if not piece:
            raise Damaged
        length -= len(piece)
        yield piece
