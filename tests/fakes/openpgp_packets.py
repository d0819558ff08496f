"""OpenPGP packets written by hand for tests, good and hostile (RFC 4880 §4 to §6).

Nothing here comes from the program: a fault of ours must not be able to hide in both.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

SHA1, MD5, SHA256, SHA384, SHA512, SHA224 = 2, 1, 8, 9, 10, 11


def packet(tag: int, body: bytes) -> bytes:
    """One packet with a new-format header and a five-octet length."""
    return bytes((0xC0 | tag, 0xFF)) + len(body).to_bytes(4, "big") + body


def old_packet(tag: int, body: bytes, *, open_ended: bool = False) -> bytes:
    """One packet with an old-format header, or one that runs to the end of the data."""
    if open_ended:
        return bytes((0x80 | tag << 2 | 3,)) + body
    return bytes((0x80 | tag << 2 | 2,)) + len(body).to_bytes(4, "big") + body


def partial_packet(tag: int, body: bytes, power: int = 9) -> bytes:
    """One packet in pieces of 2^power octets and a rest."""
    piece = 1 << power
    out = bytearray((0xC0 | tag,))
    at = 0
    while len(body) - at >= piece:
        out += bytes((0xE0 | power,)) + body[at : at + piece]
        at += piece
    rest = body[at:]
    return bytes(out) + b"\xff" + len(rest).to_bytes(4, "big") + rest


def mpi(number: int) -> bytes:
    """A multiprecision integer."""
    bits = number.bit_length()
    return bits.to_bytes(2, "big") + number.to_bytes((bits + 7) // 8, "big")


def subpacket(kind: int, data: bytes, *, critical: bool = False) -> bytes:
    """One subpacket of a signature, with a five-octet length where one does not do."""
    size = len(data) + 1
    head = bytes((size,)) if size < 192 else b"\xff" + size.to_bytes(4, "big")
    return head + bytes((kind | 0x80 * critical,)) + data


def number_subpacket(kind: int, number: int, *, critical: bool = False) -> bytes:
    """A subpacket that holds a four-octet number (a time, a period)."""
    return subpacket(kind, number.to_bytes(4, "big"), critical=critical)


def flipped(data: bytes, at: int, bits: int = 1) -> bytes:
    """The same octets with bits of one of them changed; `at` may count from the end."""
    out = bytearray(data)
    out[at] ^= bits
    return bytes(out)


def armor(
    data: bytes,
    name: str = "MESSAGE",
    *,
    checksum: bool | int = True,
    headers: Iterable[str] = (),
    end: str = "\n",
    columns: int = 64,
) -> bytes:
    """Armor as other programs write it; `checksum` False leaves it out, a number is written as is."""
    text = base64.b64encode(data).decode()
    lines = [f"-----BEGIN PGP {name}-----", *headers, ""]
    lines += [text[at : at + columns] for at in range(0, len(text), columns)]
    if checksum is not False:
        value = slow_crc24(data) if checksum is True else checksum
        lines.append("=" + base64.b64encode(value.to_bytes(3, "big")).decode())
    return (end.join([*lines, f"-----END PGP {name}-----"]) + end).encode()


def slow_crc24(data: bytes) -> int:
    """The checksum as RFC 4880 §6.1 prints it, bit by bit."""
    crc = 0xB704CE
    for octet in data:
        crc ^= octet << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= 0x1864CFB
    return crc
