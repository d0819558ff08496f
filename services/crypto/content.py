"""What stands inside a container: one literal, perhaps signed, perhaps compressed (RFC 4880 §11.3).

Closes three traps: a second literal that nothing covers, compression within compression without end,
and a name or a date of the sender's that is believed. The structure is exactly one content at every
level, compressed at most four deep; everything else is damage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from services.crypto.errors import Damaged, TooLarge
from services.crypto.feeds import Feed, StreamedPacket, packets
from services.crypto.inflate import inflated
from services.crypto.packets import Tag
from services.crypto.verdicts import SignedData, announced, announced_by_signature

DEPTH: Final = 4
"""Levels of compression."""
_SIGNATURES: Final = 64
_BESIDE_LIMIT: Final = 65_536
"""Octets of a packet that is no content."""
_IGNORED: Final = frozenset({Tag.MARKER, Tag.PADDING})
_PRIVATE_USE: Final = 40
"""Tags from here on may be ignored (RFC 9580 §4.3)."""


class Content:
    """Reads the packets inside a container; everything but the data itself is gathered here.

    `is_text` and `file_name` are the sender's claims; `signatures` are packet bodies; `signed` has
    hashed the data for them. Complete when `read` has ended.
    """

    def __init__(self, limit: int) -> None:
        self.is_text = False
        self.file_name = ""
        self.size = 0
        self.signatures: list[bytes] = []
        self.signed = SignedData()
        self._limit = limit
        self._announcements = 0

    def read(self, feed: Feed, depth: int = 0) -> Iterator[bytes]:
        """Yield the data; Damaged, TooLarge above the limit, Unsupported."""
        found = False
        for packet in packets(feed):
            if packet.tag in (Tag.LITERAL, Tag.COMPRESSED):
                if found:
                    raise Damaged
                found = True
            if packet.tag == Tag.LITERAL:
                yield from self._literal(packet.body)
            elif packet.tag == Tag.COMPRESSED:
                if depth == DEPTH:
                    raise Damaged
                yield from self.read(Feed(inflated(packet.body, self._limit)), depth + 1)
            else:
                self._take_beside(packet, is_before=not found)
        if not found:
            raise Damaged

    def _take_beside(self, packet: StreamedPacket, *, is_before: bool) -> None:
        """Take a packet that is no content."""
        body = packet.whole(_BESIDE_LIMIT)
        if packet.tag == Tag.ONE_PASS:
            self._announce(announced(body))
        elif packet.tag == Tag.SIGNATURE:
            self._keep(body, is_before=is_before)
        elif packet.tag not in _IGNORED and packet.tag < _PRIVATE_USE:
            raise Damaged

    def _literal(self, body: Feed) -> Iterator[bytes]:
        self.is_text = body.take(1) in b"tu"
        self.file_name = body.take(body.take(1)[0]).decode("utf-8", "replace")
        body.take(4)  # a date that nothing vouches for
        for piece in body.pieces():
            self.size += len(piece)
            if self.size > self._limit:
                raise TooLarge
            self.signed.update(piece)
            yield piece

    def _keep(self, body: bytes, *, is_before: bool) -> None:
        if len(self.signatures) == _SIGNATURES:
            raise Damaged
        self.signatures.append(body)
        if is_before:
            self._announce(announced_by_signature(body))

    def _announce(self, claim: tuple[int, int] | None) -> None:
        self._announcements += 1
        if self._announcements > _SIGNATURES:
            raise Damaged
        if claim is not None:
            self.signed.announce(*claim)
