"""An encrypted body that is well-formed OpenPGP all through and that nobody can open.

Closes the trap of dummy ciphertext that breaks a reader's parser: the packets, their lengths and
the armor's checksum are right, only the key behind them does not exist.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

_CRC_START: Final = 0xB704CE
_CRC_POLYNOMIAL: Final = 0x1864CFB
_LINE: Final = 64


def sealed_text(seed: str, size: int = 400) -> str:
    """Return an armored message (RFC 9580) with `size` bytes of would-be ciphertext."""
    noise = hashlib.shake_256(seed.encode()).digest(8 + 256 + size)
    key_id, number, secret = noise[:8], noise[8:264], noise[264:]
    # Public-key encrypted session key, version 3, RSA, one number of 2047 bits.
    number = bytes((number[0] & 0x7F | 0x40,)) + number[1:]
    session = _packet(1, b"\x03" + key_id + b"\x01" + (2047).to_bytes(2, "big") + number)
    return _armored(session + _packet(18, b"\x01" + secret))


def _packet(tag: int, body: bytes) -> bytes:
    length = len(body) - 192
    return bytes((0xC0 | tag, 192 + (length >> 8), length & 0xFF)) + body


def _armored(data: bytes) -> str:
    crc = _CRC_START
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc <<= 1
            if crc & 0x1000000:
                crc ^= _CRC_POLYNOMIAL
    text = base64.b64encode(data).decode()
    lines = [text[at : at + _LINE] for at in range(0, len(text), _LINE)]
    check = "=" + base64.b64encode(crc.to_bytes(3, "big")).decode()
    head, tail = "-----BEGIN PGP MESSAGE-----", "-----END PGP MESSAGE-----"
    return "\n".join((head, "", *lines, check, tail, ""))
