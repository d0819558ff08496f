"""Encoded words (RFC 2047) in header values, decoded in one pass.

Closes the trap of patterns that look for the end of a word again and again: 20,000 unclosed words
cost the same per byte as one good one. Words that stand side by side in one charset are joined as
bytes before decoding, because senders cut letters in half.
"""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import Final

from services.reading.charsets import decode_text, known_charset

_OPENING: Final = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?")
_QUOTED: Final = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64: Final = re.compile(rb"[^A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    charset: str
    data: bytes


def decode_words(text: str) -> str:
    """Decode every encoded word in a header value; whatever is not one stays as it is."""
    if "=?" not in text:
        return text
    out: list[str] = []
    at = 0
    pending: list[_Word] = []
    for word in _words(text):
        between = text[at : word.start]
        joined = bool(pending) and not between.strip()
        if not joined:
            out.append(_decode(pending))
            out.append(between)
            pending = []
        pending.append(word)
        at = word.end
    out.append(_decode(pending))
    out.append(text[at:])
    return "".join(out)


def _words(text: str) -> list[_Word]:
    found: list[_Word] = []
    at = 0
    while (match := _OPENING.search(text, at)) is not None:
        close = text.find("?=", match.end())
        if close < 0:
            break
        inner = text.find("=?", match.end(), close)
        if inner >= 0 and match.group(2) in "bB":
            at = inner
            continue
        if inner >= 0 and _OPENING.match(text, inner):
            at = inner
            continue
        data = _bytes_of(match.group(2), text[match.end() : close], match.group(1))
        found.append(_Word(match.start(), close + 2, match.group(1).lower(), data))
        at = close + 2
    return found


def _bytes_of(encoding: str, payload: str, charset: str) -> bytes:
    raw = _as_sent(payload, charset)
    if encoding in "qQ":
        plain = raw.replace(b"_", b" ")
        return _QUOTED.sub(lambda m: bytes((int(m.group(1), 16),)), plain)
    return tolerant_base64(raw)


def _as_sent(payload: str, charset: str) -> bytes:
    """Turn letters that stand bare in an encoded word back into bytes of its charset."""
    if not payload.isascii():
        try:
            return payload.encode(known_charset(charset) or "utf-8")
        except UnicodeEncodeError:
            pass
    return payload.encode("utf-8", "surrogateescape")


def tolerant_base64(raw: bytes) -> bytes:
    """Decode base64 that may hold foreign characters, wrong padding or a cut end."""
    plain = _NOT_BASE64.sub(b"", raw)
    if len(plain) % 4 == 1:
        plain = plain[:-1]
    return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))


def _decode(words: list[_Word]) -> str:
    out: list[str] = []
    at = 0
    while at < len(words):
        charset = words[at].charset
        run = [words[at].data]
        at += 1
        while at < len(words) and words[at].charset == charset:
            run.append(words[at].data)
            at += 1
        out.append(decode_text(b"".join(run), charset))
    return "".join(out)
