"""The only maker of SafeText: text that may reach a terminal cell.

Closes two traps. Control bytes: Textual passes ESC, OSC and C1 from mail text straight to the
terminal (research/textual.md §1, hole B). Deception: bidi overrides, zero-width and tag characters
make one text look like another. Nothing is removed in silence: what cannot be seen is shown as a
mark, or counted so that the trust panel can tell.

Widgets accept `SafeText` only. Our own words become SafeText through `ui`, never mail text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

LINE_LIMIT: Final = 1_000
"""Characters kept of a one-line value; the rest is replaced by an ellipsis."""

MARKS_PER_LETTER: Final = 4
"""Combining marks kept on one letter (stacked marks paint over neighbouring rows)."""

# Letters, digits, punctuation and symbols that every common font shows and that carry no
# behaviour. Whatever falls outside is looked at one by one.
_PLAIN: Final = (
    "\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u038a\u038c"
    "\u038e-\u03a1\u03a3-\u0482\u048a-\u052f\u0531-\u0556\u0561-\u0587\u1e00-\u1f15"
    "\u2010-\u2027\u2030-\u205e\u20a0-\u20bf\u2100-\u218b\u2190-\u23f3\u2500-\u27bf"
    "\u3001-\u3029\u3030-\u303f\u3041-\u3096\u30a0-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uff01-\uff9f"
)
_ODD: Final = re.compile(f"[^{_PLAIN}\n]+")
_BLANKS: Final = re.compile(r"(?:\r\n|[\t\n\x0b\x0c\u2028\u2029\u0085])+")
_LINE_ENDS: Final = re.compile(r"\r\n|[\x0b\x0c\u2028\u2029\u0085]")

_BIDI: Final = {
    "\u061c": "ALM", "\u200e": "LRM", "\u200f": "RLM", "\u202a": "LRE", "\u202b": "RLE",
    "\u202c": "PDF", "\u202d": "LRO", "\u202e": "RLO", "\u2066": "LRI", "\u2067": "RLI",
    "\u2068": "FSI", "\u2069": "PDI",
}  # fmt: skip
_ZERO_WIDTH: Final = {
    "\u200b": "ZWSP", "\u200c": "ZWNJ", "\u200d": "ZWJ", "\u2060": "WJ", "\ufeff": "BOM",
    "\u00ad": "SHY", "\u034f": "CGJ", "\u180e": "MVS", "\u2800": "BLANK", "\u3164": "FILLER",
    "\u115f": "FILLER", "\u1160": "FILLER", "\uffa0": "FILLER", "\u17b4": "FILLER",
    "\u17b5": "FILLER",
}  # fmt: skip
_SPACES: Final = frozenset("\u00a0\u1680\u202f\u205f\u3000") | {
    chr(c) for c in range(0x2000, 0x200B)
}
_JOINERS: Final = "\u200c\u200d"
_EMOJI_LOOK: Final = "\ufe0f"
"""Asks for the coloured form of the letter before it; a joiner may follow."""


class SafeText(str):
    """Text that holds nothing but printable characters (and, in bodies, line feeds)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A cleaned text and the number of invisible characters that it held."""

    text: SafeText
    hidden: int


EMPTY: Final = SafeText("")


def ui(text: str) -> SafeText:
    """Mark our own words as safe; a source test allows it no mail text."""
    return SafeText(text)


def join(separator: str, parts: Iterable[SafeText]) -> SafeText:
    """Join safe texts with one of our own separators."""
    return SafeText(separator.join(parts))


def phrase(template: str, *parts: SafeText | int) -> SafeText:
    """Fill our own template (`{}` places) with safe texts and numbers."""
    return SafeText(template.format(*parts))


def clean_line(text: str, limit: int = LINE_LIMIT) -> SafeText:
    """Make one line of a value from outside: subject, name, label, file name.

    Line ends and tabs become one space; everything invisible becomes a visible mark.
    """
    return inspect_line(text, limit).text


def inspect_line(text: str, limit: int = LINE_LIMIT) -> Cleaned:
    """`clean_line`, with the number of invisible characters."""
    if not _ODD.search(text) and "\n" not in text:
        return Cleaned(SafeText(_shorten(text, limit)), 0)
    cut = text[: 4 * limit]
    cleaned, hidden = _clean(_BLANKS.sub(" ", cut), reveal=True, one_line=True)
    if len(text) > len(cut) and len(cleaned) < limit:
        cleaned += "…"
    return Cleaned(SafeText(_shorten(cleaned, limit)), hidden)


def clean_text(text: str) -> Cleaned:
    """Clean a body: line feeds stay, tabs become spaces, bidi controls are shown as marks.

    Zero-width characters are dropped and counted (newsletters pad with hundreds of them).
    """
    return _clean_body(text, reveal=False)


def reveal_text(text: str) -> Cleaned:
    """Clean a body, showing a mark for each invisible character as well."""
    return _clean_body(text, reveal=True)


def clean_address(text: str) -> SafeText:
    """Clean a mail address: no spaces around, letters of mixed scripts left for `addresses` to flag."""
    return clean_line(text.strip(), 320)


def clean_url(text: str) -> SafeText:
    """Clean a link target: everything that is not plain ASCII is percent-encoded, so it cannot hide.

    Controls can neither break out of a hyperlink sequence nor reorder the host.
    """
    out = []
    for char in text.strip()[:8_000]:
        if "\x21" <= char <= "\x7e":
            out.append(char)
        else:
            out.extend(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
    return SafeText("".join(out))


def _clean_body(text: str, *, reveal: bool) -> Cleaned:
    if not _ODD.search(text):
        return Cleaned(SafeText(text), 0)
    lines = _LINE_ENDS.sub("\n", text).split("\n")
    hidden = 0
    out = []
    for line in lines:
        # Line by line, so that a body of megabytes never holds the interpreter lock for long.
        if not _ODD.search(line):
            out.append(line)
            continue
        cleaned, found = _clean(line.expandtabs(4), reveal=reveal, one_line=False)
        out.append(cleaned)
        hidden += found
    return Cleaned(SafeText("\n".join(out)), hidden)


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _clean(text: str, *, reveal: bool, one_line: bool) -> tuple[str, int]:
    hidden = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal hidden
        before = text[match.start() - 1] if match.start() else ""
        run, found = _clean_run(match.group(), before, reveal=reveal, one_line=one_line)
        hidden += found
        return run

    return _ODD.sub(replace, text), hidden


def _clean_run(run: str, before: str, *, reveal: bool, one_line: bool) -> tuple[str, int]:
    """Clean a run of odd characters that stands behind `before`; count the hidden ones."""
    out: list[str] = []
    hidden = marks = repeated = 0
    last_mark = ""
    for char in run:
        shown, is_hidden, is_mark = _one(char)
        if is_mark:
            marks += 1
            if marks > MARKS_PER_LETTER:
                hidden += 1
                continue
        elif not is_hidden:
            marks = 0
        if "\U0001f3fb" <= char <= "\U0001f3ff":
            # A skin tone takes no cell of its own in some terminals and two in others.
            before = char if _is_emoji(before) else ""
            out.append("\ufffd" if not before else "" if one_line else char)
            continue
        if is_hidden and _joins(char, before):
            # Terminals disagree on the width of joined emoji: in columns each stands alone.
            out.append("" if one_line and not _is_script(before) else char)
            before = char if char == _EMOJI_LOOK else ""
            continue
        if not is_hidden:
            before, last_mark = char, ""
            out.append(shown)
            continue
        hidden += 1
        if not (reveal or char in _BIDI):
            continue
        before, marks = "", 0
        if shown == last_mark:
            repeated += 1
            out[-1] = f"{shown[:-1]}×{repeated}>"
        else:
            last_mark, repeated = shown, 1
            out.append(shown)
    return "".join(out), hidden


def _is_emoji(before: str) -> bool:
    return bool(before) and unicodedata.category(before) == "So"


def _joins(char: str, before: str) -> bool:
    """Tell a joiner or variation selector that belongs to the letter before it from a hidden one."""
    if before == _EMOJI_LOOK:
        return char in _JOINERS
    return (char in _JOINERS or "\ufe00" <= char <= "\ufe0f") and _needs_joiner(before)


def _needs_joiner(before: str) -> bool:
    return bool(before) and (_is_script(before) or unicodedata.category(before) in ("So", "Sk"))


def _is_script(char: str) -> bool:
    """Arabic to Malayalam and their neighbours, which need joiners to be spelt right."""
    return (
        "\u0600" <= char <= "\u0dff" or "\u1000" <= char <= "\u109f" or "\u1780" <= char <= "\u18af"
    )


@lru_cache(maxsize=4_096)
def _one(char: str) -> tuple[str, bool, bool]:
    """Say how a character is shown, whether it is hidden, and whether it is a combining mark."""
    code = ord(char)
    if char == "\n":
        return "\n", False, False
    if code < 0x20:
        return (" ", False, False) if char == "\t" else (chr(0x2400 + code), False, False)
    if code == 0x7F:
        return "\u2421", False, False
    if char in _SPACES:
        return " ", False, False
    name = _BIDI.get(char) or _ZERO_WIDTH.get(char)
    if name:
        return f"<{name}>", True, False
    if 0xE0000 <= code <= 0xE0FFF:
        return "<TAG>", True, False
    if 0xFE00 <= code <= 0xFE0F or 0x180B <= code <= 0x180F:
        return "<VS>", True, False
    return _by_category(char, unicodedata.category(char))


def _by_category(char: str, category: str) -> tuple[str, bool, bool]:
    if category in ("Mn", "Me", "Mc"):
        return char, False, True
    if category in ("Cc", "Cs", "Co", "Cn"):
        return "\ufffd", False, False
    if category == "Cf":
        return f"<U+{ord(char):04X}>", True, False
    if category in ("Zl", "Zp"):
        return " ", False, False
    return char, False, False
