"""Content-Transfer-Encoding undone, whatever state the bytes are in.

Closes the trap of decoders that give nothing when one byte is wrong, or drop in silence what stands
after the padding: a footer appended to a base64 part is text that the sender did not write, and the
reader should see it.
"""

from __future__ import annotations

import binascii
import re
from typing import Final

from services.reading.mime_words import tolerant_base64

_SOFT_BREAK_WITH_BLANKS: Final = re.compile(rb"=[ \t]+(?=\r?\n)")
_BASE64_CHUNK: Final = re.compile(rb"[A-Za-z0-9+/\s]*=*\s*")
_BLANKS: Final = b" \t\r\n"


def decode_transfer(data: bytes, encoding: str) -> tuple[bytes, bytes]:
    """Return the decoded bytes, and what stands behind a base64 block without being base64."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(_SOFT_BREAK_WITH_BLANKS.sub(b"=", data)), b""
    if encoding == "base64":
        return _decode_base64(data)
    return data, b""


def decoded_size(data: bytes, encoding: str) -> int:
    """Count the bytes that the transfer encoding stands for, without decoding large base64."""
    if encoding != "base64":
        return len(decode_transfer(data, encoding)[0])
    letters = len(data.translate(None, _BLANKS + b"="))
    return letters * 3 // 4


def is_encoded(encoding: str) -> bool:
    """Tell whether the part came through a transfer encoding, so that its bytes are the sender's."""
    return encoding in ("quoted-printable", "base64")


def _decode_base64(data: bytes) -> tuple[bytes, bytes]:
    """Decode one or more padded blocks; the first line that is no base64 begins the rest."""
    out: list[bytes] = []
    at = 0
    while at < len(data):
        match = _BASE64_CHUNK.match(data, at)
        assert match is not None
        if match.end() == at or (at and not _is_block(match.group())):
            break
        out.append(tolerant_base64(match.group()))
        at = match.end()
        if b"=" not in match.group() and at < len(data):
            return _decode_foreign(data)
    rest = data[at:].strip(_BLANKS)
    return b"".join(out), rest


def _is_block(chunk: bytes) -> bool:
    """Tell another base64 block behind the padding from a word that merely has its letters."""
    letters = len(chunk.translate(None, _BLANKS))
    return letters >= 16 and letters % 4 == 0


def _decode_foreign(data: bytes) -> tuple[bytes, bytes]:
    """Decode base64 with foreign characters inside, or text that only claims to be base64."""
    foreign = len(data.translate(None, _BASE64_LETTERS + b"\r\n"))
    if foreign * 20 > len(data):
        return b"", data
    return tolerant_base64(data), b""


_BASE64_LETTERS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
