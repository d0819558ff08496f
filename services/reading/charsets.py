"""Bytes to letters: which charset names are believed and how undeclared 8-bit text is read.

Closes the trap of the codec registry: `zlib`, `hex`, `rot13`, `idna` and `unicode_escape` are codecs
too, and a mail may name any of them. Only the charsets listed here are ever looked up, by our own
names for them. Decoding never fails: what does not fit becomes U+FFFD.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

_ALLOWED: Final = """
    ascii utf-8 utf-7 utf-16 utf-16-le utf-16-be utf-32 utf-32-le utf-32-be
    latin-1 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9
    iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258
    cp437 cp850 cp852 cp855 cp866 cp874 koi8-r koi8-u mac-roman mac-cyrillic
    shift_jis cp932 euc_jp iso2022_jp iso2022_jp_2 iso2022_kr euc_kr cp949 johab
    gb2312 gbk gb18030 hz big5 big5hkscs tis-620 ptcp154
""".split()  # noqa: SIM905 - a list of sixty quoted names would hide what it holds

_ALIASES: Final = {
    # What a sender calls Latin-1 or ASCII is in truth the Windows superset of it.
    "usascii": "ascii", "ansix341968": "ascii", "646": "ascii", "us": "ascii",
    "iso88591": "cp1252", "latin1": "cp1252", "l1": "cp1252", "iso8859": "cp1252",
    "windows1252": "cp1252", "xansi": "cp1252", "ansi": "cp1252", "iso885914": "iso8859-14",
    "iso88599": "cp1254", "latin5": "cp1254", "iso885911": "cp874", "tis620": "cp874",
    "utf8": "utf-8", "utf8mb4": "utf-8", "unicode11utf8": "utf-8", "xutf8": "utf-8",
    "unicode11utf7": "utf-7", "utf16": "utf-16", "ucs2": "utf-16", "iso10646ucs2": "utf-16",
    "utf16le": "utf-16-le", "utf16be": "utf-16-be", "utf32le": "utf-32-le", "utf32be": "utf-32-be",
    "latin2": "iso8859-2", "latin3": "iso8859-3", "latin4": "iso8859-4", "latin9": "iso8859-15",
    "cyrillic": "iso8859-5", "greek": "iso8859-7", "hebrew": "iso8859-8", "arabic": "iso8859-6",
    "iso88598i": "iso8859-8", "iso88598e": "iso8859-8", "iso88596i": "iso8859-6",
    "gb2312": "gb18030", "gbk": "gb18030", "xgbk": "gb18030", "cp936": "gb18030",
    "windows936": "gb18030", "euccn": "gb18030", "chinese": "gb18030", "hzgb2312": "hz",
    "gb231280": "gb18030", "shiftjis": "cp932", "sjis": "cp932", "xsjis": "cp932",
    "mskanji": "cp932", "windows31j": "cp932", "eucjp": "euc_jp", "xeucjp": "euc_jp",
    "iso2022jp": "iso2022_jp_2", "iso2022kr": "iso2022_kr", "euckr": "cp949",
    "ksc56011987": "cp949", "ksc5601": "cp949", "ksc56011989": "cp949", "windows949": "cp949",
    "uhc": "cp949", "xwindows949": "cp949", "big5": "big5hkscs", "big5eten": "big5hkscs",
    "cnbig5": "big5hkscs", "xxbig5": "big5hkscs", "koi8": "koi8-r", "koi8ru": "koi8-u",
    "macintosh": "mac-roman", "mac": "mac-roman", "xmacroman": "mac-roman",
    "xmaccyrillic": "mac-cyrillic", "ibm437": "cp437", "ibm850": "cp850", "ibm852": "cp852",
    "ibm855": "cp855", "ibm866": "cp866", "dos866": "cp866",
}  # fmt: skip

_NOISE: Final = re.compile(r"[^a-z0-9]")
_KNOWN: Final = {_NOISE.sub("", name): name for name in _ALLOWED} | _ALIASES

# Charsets whose bytes are all 7-bit, or whose 8-bit bytes mean something as UTF-8 only by accident.
_NEVER_UTF8: Final = frozenset(
    ("utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "hz",
     "iso2022_jp_2", "iso2022_jp", "iso2022_kr")
)  # fmt: skip


def known_charset(name: str) -> str:
    """Return our codec name for a declared charset; empty when it is not on the list."""
    if len(name) > 64:
        return ""
    plain = _NOISE.sub("", name.lower().partition("*")[0])
    if plain.startswith("windows"):
        plain = plain if plain in _KNOWN else "cp" + plain[7:]
    elif plain.startswith("xcp"):
        plain = plain[1:]
    return _KNOWN.get(plain, "")


def decode_text(data: bytes, charset: str = "", *, already_decoded: bool = False) -> str:
    """Decode a text part or an encoded word.

    `already_decoded` is set for parts without a transfer encoding: the service hands mail over as a
    JSON string, so such a part may hold UTF-8 whatever it declares (research/reliability.md §2).
    """
    codec = known_charset(charset)
    if already_decoded and codec not in _NEVER_UTF8 and not data.isascii():
        as_utf8 = _strict(data, "utf-8")
        if as_utf8 is not None:
            return as_utf8
    if codec in ("", "ascii"):
        return decode_unknown(data)
    if codec == "utf-8" and data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    strict = _strict(data, codec)
    if strict is not None:
        return strict
    if codec == "utf-8" and not _mostly_utf8(data):
        return data.decode("cp1252", "replace")
    return data.decode(codec, "replace")


def decode_unknown(data: bytes) -> str:
    """Decode bytes that no charset is declared for: UTF-8 if they are, else Windows-1252."""
    if data.startswith(codecs.BOM_UTF8):
        data = data[3:]
    strict = _strict(data, "utf-8")
    if strict is not None:
        return strict
    return data.decode("utf-8" if _mostly_utf8(data) else "cp1252", "replace")


def load_codecs() -> None:
    """Import every codec of the list now, for a process that may open no file later."""
    for name in {*_KNOWN.values()}:
        codecs.lookup(name)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        text = data.decode(codec)
    except (UnicodeDecodeError, ValueError):
        return None
    return _without_surrogates(text) if codec == "utf-7" else text


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which UTF-7 smuggles in."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mostly_utf8(data: bytes) -> bool:
    """Tell damaged or cut UTF-8 from text in another charset."""
    broken = data.decode("utf-8", "replace").count("\ufffd")
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    return broken * 8 < high
