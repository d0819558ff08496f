"""A public key block taken apart, before anything in it is believed (RFC 4880 §11.1).

Closes the trap of order: which packet a signature follows says nothing, because whoever sends the
block chooses the order. Signatures are kept in one heap, and each counts for what it verifies over.
Sizes and counts are bounded here, so that judging a block ends.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from services.crypto.armor import ArmorKind, decode
from services.crypto.errors import Damaged, KeyUnusable, NoKey, TooLarge, Unsupported
from services.crypto.packets import Packet, Tag, split
from services.crypto.public_parts import PublicPart
from services.crypto.sigs import Signature

BLOCK_LIMIT: Final = 256 * 1024
"""Bytes of a public block, armored or not."""
PACKETS_LIMIT: Final = 2_000
PARTS_LIMIT: Final = 100
"""User ids, and subkeys, of one key."""
USER_ID_LIMIT: Final = 2_048
"""Octets of a user id; longer ones (photos in disguise) are passed over."""
SUBKEY_LIMIT: Final = 4_096
"""Octets of a subkey; no key that this program uses is longer."""
_SECRET: Final = frozenset({Tag.SECRET_KEY, Tag.SECRET_SUBKEY})
_BELONGING: Final = frozenset(
    {
        Tag.PUBLIC_KEY,
        Tag.PUBLIC_SUBKEY,
        Tag.SIGNATURE,
        Tag.USER_ID,
        Tag.USER_ATTRIBUTE,
        Tag.TRUST,
        Tag.PADDING,
    }
)
_MARKER: Final = Packet(Tag.MARKER, b"PGP")
_MAY_BE_UNKNOWN: Final = 40
"""Unknown packets from this tag on are passed over, those below refused (RFC 9580 §4.3)."""
_BINARY_START: Final = frozenset({0x98, 0x99, 0x9A, 0xC6})
"""The first octet of a public key packet in old or new format."""


@dataclass(frozen=True, slots=True)
class Block:
    """One primary key, what is claimed to belong to it, and all signatures in their order."""

    data: bytes
    primary: PublicPart
    user_ids: tuple[bytes, ...]
    subkeys: tuple[PublicPart, ...]
    signatures: tuple[Signature, ...]


def read_block(block: str | bytes) -> Block:
    """Take apart an armored or binary public block of one version 4 key.

    Raises TooLarge, NoKey (no public key in it), KeyUnusable (several, or a secret one), Damaged,
    Unsupported (another version).
    """
    if len(block) > BLOCK_LIMIT:
        raise TooLarge("The key block is larger than 256 KB.", "Ask its owner for a smaller one.")
    data = _binary(block)
    packets = _packets(data)
    _refuse_others(packets)
    user_ids = tuple(
        packet.body
        for packet in packets
        if packet.tag == Tag.USER_ID and len(packet.body) <= USER_ID_LIMIT
    )
    subkeys = tuple(_subkeys(packets))
    if max(len(user_ids), len(subkeys)) > PARTS_LIMIT:
        raise TooLarge("The key block holds more parts than this program checks.")
    return Block(data, _primary(packets[0]), user_ids, subkeys, tuple(_signatures(packets)))


def _binary(block: str | bytes) -> bytes:
    if isinstance(block, bytes) and block[:1] and block[0] in _BINARY_START:
        return block
    return decode(block, ArmorKind.PUBLIC_KEY)


def _packets(data: bytes) -> list[Packet]:
    try:
        packets = split(data, limit=PACKETS_LIMIT)
    except Damaged as error:
        raise _damaged() from error
    return [packet for packet in packets if packet != _MARKER]


def _damaged() -> Damaged:
    return Damaged("The key block is damaged or cut off.", "Ask its owner to send it again.")


def _refuse_others(packets: list[Packet]) -> None:
    if any(packet.tag in _SECRET for packet in packets):
        raise KeyUnusable(
            "The block holds a private key where a public one is wanted.",
            "Do not pass it on; ask its owner for the public block.",
        )
    if any(packet.tag < _MAY_BE_UNKNOWN and packet.tag not in _BELONGING for packet in packets):
        raise Damaged("The key block holds what does not belong in a key.", "Ask its owner for it.")
    primaries = sum(packet.tag == Tag.PUBLIC_KEY for packet in packets)
    if not primaries or packets[0].tag != Tag.PUBLIC_KEY:
        raise NoKey("There is no public key in the block.", "Ask its owner for the public block.")
    if primaries > 1:
        raise KeyUnusable("The block holds more than one key.", "Take one key at a time.")


def _primary(packet: Packet) -> PublicPart:
    try:
        return PublicPart.parse(packet.body)
    except Damaged as error:
        raise _damaged() from error


def _subkeys(packets: list[Packet]) -> list[PublicPart]:
    """Read the subkeys; one of another version or form is passed over, it loses only itself."""
    out: dict[str, PublicPart] = {}
    for packet in packets:
        if packet.tag == Tag.PUBLIC_SUBKEY and len(packet.body) <= SUBKEY_LIMIT:
            with suppress(Damaged, Unsupported):
                part = PublicPart.parse(packet.body)
                out.setdefault(part.fingerprint, part)
    return list(out.values())


def _signatures(packets: list[Packet]) -> list[Signature]:
    out = []
    for packet in packets:
        if packet.tag == Tag.SIGNATURE:
            with suppress(Damaged, Unsupported):
                out.append(Signature.parse(packet.body))
    return out
