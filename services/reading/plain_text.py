"""Plain text as lines: flowed paragraphs, quote levels, links.

Closes the trap of forged depth: quote marks are counted up to a limit, so a line of a megabyte of
`>` is one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from services.limits import LINES_LIMIT
from services.reading.parsed_mail import ParsedLine

QUOTE_DEPTH_LIMIT: Final = 20

_LINE_END: Final = re.compile("\r+\n|[\r\x0b\x0c\x85\u2028\u2029]")
_OTHER_ENDS: Final = "\r\x0b\x0c\x85\u2028\u2029"
_QUOTE: Final = re.compile(r"(?: ?>){1,40}")
_URL: Final = re.compile(r"(?:https?://|mailto:|www\.)[^\s<>\"\u00a0]{1,4000}", re.IGNORECASE)


def split_lines(text: str) -> list[str]:
    """Split at every line end that mail knows; no line holds one afterwards."""
    text = text.replace("\r\n", "\n")
    # Looked for one by one: the pattern takes a second to find none of them in 8 MB.
    has_other = any(end in text for end in _OTHER_ENDS)
    return (_LINE_END.sub("\n", text) if has_other else text).split("\n")


def layout(text: str, *, flowed: bool = False, delsp: bool = False) -> list[ParsedLine]:
    """Lay a text part out as lines with quote depth (RFC 3676 when it is declared flowed)."""
    # One line more than can be shown tells that there is more.
    lines = [_quoted(line) for line in split_lines(text)[: LINES_LIMIT + 1]]
    if flowed:
        lines = _join_flowed(lines, delsp=delsp)
    elif any(depth for depth, _ in lines):
        lines = [(depth, line[1:] if depth and line[:1] == " " else line) for depth, line in lines]
    out = [
        ParsedLine(line.rstrip(" \t"), depth, "quote" if depth else "text") for depth, line in lines
    ]
    return trim(out)


def trim(lines: list[ParsedLine]) -> list[ParsedLine]:
    """Take blank lines off both ends."""
    start, end = 0, len(lines)
    while start < end and not lines[start].text.strip():
        start += 1
    while end > start and not lines[end - 1].text.strip():
        end -= 1
    return lines[start:end]


def find_urls(lines: Iterable[ParsedLine]) -> list[str]:
    """Find link targets in text; what ends the sentence does not end the link."""
    found: list[str] = []
    for line in lines:
        if ":" in line.text or "www." in line.text:
            found.extend(_without_sentence_end(m.group()) for m in _URL.finditer(line.text))
    return found


def _quoted(line: str) -> tuple[int, str]:
    if not line.startswith((">", " >")) or line.startswith(">From "):
        return 0, line.removeprefix(">") if line.startswith(">From ") else line
    match = _QUOTE.match(line)
    assert match is not None
    depth = match.group().count(">")
    return min(depth, QUOTE_DEPTH_LIMIT), line[match.end() :]


def _join_flowed(lines: list[tuple[int, str]], *, delsp: bool) -> list[tuple[int, str]]:
    out: list[tuple[int, list[str]]] = []
    open_paragraph = False
    for depth, line in lines:
        unstuffed = line.removeprefix(" ")
        if open_paragraph and out[-1][0] == depth and unstuffed != "-- ":
            out[-1][1].append(unstuffed)
        else:
            out.append((depth, [unstuffed]))
        open_paragraph = unstuffed.endswith(" ") and unstuffed != "-- "
        if open_paragraph and delsp:
            out[-1][1][-1] = unstuffed[:-1]
    return [(depth, "".join(pieces)) for depth, pieces in out]


def _without_sentence_end(url: str) -> str:
    url = url.rstrip(".,;:!?'\"*_>]}")
    while url.endswith(")") and url.count("(") < url.count(")"):
        url = url[:-1].rstrip(".,;:!?'\"")
    return url
