"""From pieces of an encrypted message to its data: the one way in, for memory and for files.

Closes the trap of two readers that differ in what they refuse. In memory the integrity check comes
before anything inside is looked at; for files it comes last, and the caller must not use a piece
until all have passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from services.crypto import container
from services.crypto.certs import PeerKey
from services.crypto.content import Content
from services.crypto.envelopes import open_sealed, read_sealed
from services.crypto.errors import Damaged
from services.crypto.feeds import Feed, StreamedPacket, packets
from services.crypto.own import UnlockedKey
from services.crypto.packets import Tag
from services.crypto.verdicts import Judgement
from services.errors import CryptoError

_SKIPPED_LIMIT: Final = 65_536


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """A message whose session key is known: `data` is read once, then `judge` may be asked.

    `to_key` is the fingerprint of the part that opened it.
    """

    to_key: str
    content: Content
    data: Iterator[bytes]
    readers: frozenset[str]

    def judge(self, signer: PeerKey | None, now: int) -> Judgement:
        """Judge the signatures, after the last piece of `data`."""
        content = self.content
        return content.signed.judge(content.signatures, signer, now, self.readers)


def open_message(
    pieces: Iterable[bytes], keys: Sequence[UnlockedKey], limit: int, *, prove_first: bool
) -> OpenMessage:
    """Open the packets of a message; with `prove_first` in memory, else piece by piece.

    Raises NotForMe, Damaged, Unsupported, TooLarge, Locked, here or while `data` is read.
    """
    holders = {part.key.fingerprint: key for key in keys for part in key.parts()}
    found = packets(Feed(pieces))
    message = read_sealed(found)
    session, to_key = open_sealed(message, keys)
    plain = container.unsealed(session, message.container.body)
    if prove_first:
        plain = iter(list(plain))
    content = Content(limit)
    readers = _readers(holders[to_key], to_key)
    return OpenMessage(to_key, content, _data(content, plain, found), readers)


def _data(
    content: Content, plain: Iterator[bytes], found: Iterator[StreamedPacket]
) -> Iterator[bytes]:
    try:
        yield from content.read(Feed(plain))
    except CryptoError:
        # Whether the octets are the sender's comes first: what is inside must not answer a forger.
        for _ in plain:
            pass
        raise
    for packet in found:
        if packet.tag not in (Tag.MARKER, Tag.PADDING):
            raise Damaged
        packet.whole(_SKIPPED_LIMIT)


def _readers(key: UnlockedKey, to_key: str) -> frozenset[str]:
    """Return the fingerprints of the key that opened the message: any of them may be addressed.

    An old part counts too, although others must not encrypt to it any more.
    """
    return frozenset((to_key, key.fingerprint, *(one.fingerprint for one in key.public.components)))
