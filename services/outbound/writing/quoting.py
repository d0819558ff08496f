"""The text of a message inside of an answer: quoted with an attribution, or forwarded.

Works on what the reader shows, so it is safe text of one side of an encrypted message. Closes four
traps: links that let anybody download a file, passed on by an answer to more people; quoting what
stood outside of the encrypted block as if its writer had said it; our own notices ("cut at 2 MB")
put into somebody's mouth; and a mail of megabytes in the editor.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from services.safe_text import EMPTY, SafeText, ui
from services.seal_models import SealState
from services.shown_mail import BodyLine, LineKind, RenderedMessage

WIDTH: Final = 76
"""Characters of a quoted line with its marks; words are not broken."""
LINES_LIMIT: Final = 3_000
CHARACTERS_LIMIT: Final = 200_000
FORWARD_RULE: Final = "---------- Forwarded message ----------"
SIGNATURE_RULE: Final = "-- "
_REST: Final = "[The rest of the message is not quoted.]"
_DEPTH_LIMIT: Final = 20
_SIGNATURE_LINES: Final = 30
"""A line `--` nearer to the end than this begins a signature; farther away it is a rule."""
_LINK: Final = re.compile(r"https?://[^\s<>\"]{1,8000}", re.IGNORECASE)
_SIGNED: Final = "[download link left out]"
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip
_LOCKED: Final = ui("The message is encrypted and its key is locked: unlock it to quote the text.")
_CLOSED: Final = ui("The message is encrypted and cannot be opened here; its text is not quoted.")
_UNREADABLE: Final = ui("The message has no text that can be quoted.")


@dataclass(frozen=True, slots=True)
class Quote:
    """Text for a draft, "" when there is none; `remark` says why."""

    text: str
    remark: SafeText = EMPTY


def quote_reply(message: RenderedMessage, *, who: str, at: int) -> Quote:
    """Return the message's text with `>` before each line, under "On … , who wrote:".

    `at` is seconds since the epoch, 0 unknown. The sender's signature is left out, and so are links
    that open a file for whoever has them (the footer of api/assmbl.md §5.3).
    """
    lines = _without_signature(readable_lines(message))
    if not lines:
        return Quote("", _why_empty(message))
    quoted = _limited(
        folded
        for line in lines
        for folded in _fold(_unsigned(line.text), line.quote + 1, keeps_blank=False)
    )
    return Quote("\n".join((attribution(who, at), *quoted)))


def quote_forward(message: RenderedMessage, fields: tuple[tuple[str, str], ...]) -> Quote:
    """Return the message's text below a rule and its fields (`From`, `Date` …), as it reads."""
    head = [FORWARD_RULE, *(f"{name}: {value}" for name, value in fields if value), ""]
    lines = readable_lines(message)
    text = _limited(
        folded for line in lines for folded in _fold(line.text, line.quote, keeps_blank=True)
    )
    return Quote("\n".join((*head, *text)).rstrip(), EMPTY if lines else _why_empty(message))


def plain_text(message: RenderedMessage) -> Quote:
    """Return the message's text as it reads, not quoted: for editing it as a new mail."""
    lines = readable_lines(message)
    text = "\n".join(f"{_marks(line.quote)}{line.text}" for line in lines)
    if len(text) > CHARACTERS_LIMIT:
        text = f"{text[:CHARACTERS_LIMIT]}\n{_REST}"
    return Quote(text, EMPTY if lines else _why_empty(message))


def readable_lines(message: RenderedMessage) -> list[BodyLine]:
    """Return the lines that the sender wrote: none of ours, and of an encrypted mail its inside."""
    ours = (LineKind.NOTICE, LineKind.RULE)
    lines = [line for line in message.body if line.kind not in ours and not line.outside]
    while lines and not lines[0].text.strip():
        lines.pop(0)
    while lines and not lines[-1].text.strip():
        lines.pop()
    return lines


def attribution(who: str, at: int) -> str:
    """Return the line above a quote; the time in UTC, so that it means the same to everybody."""
    when = moment(at)
    return f"On {when}, {who} wrote:" if when else f"{who} wrote:"


def moment(at: int) -> str:
    """Return `Mon, 12 Oct 2026 at 14:03 UTC` whatever the locale; "" for an unknown time."""
    if at <= 0:
        return ""
    try:
        time = datetime.fromtimestamp(at, UTC)
    except (OverflowError, ValueError, OSError):
        return ""
    day, month = _DAYS[time.weekday()], _MONTHS[time.month - 1]
    return f"{day}, {time.day} {month} {time.year} at {time:%H:%M} UTC"


def _unsigned(text: str) -> str:
    """Take out links that carry their own permission: an answer may go to more people."""
    if "x-amz-" not in text.lower():
        return text
    return _LINK.sub(lambda found: _SIGNED if "x-amz-" in found[0].lower() else found[0], text)


def _why_empty(message: RenderedMessage) -> SafeText:
    if not message.encrypted:
        return _UNREADABLE
    seal = message.seal
    if seal is not None and seal.state is SealState.OPENED:
        return _UNREADABLE
    return _LOCKED if seal is not None and seal.state is SealState.LOCKED else _CLOSED


def _without_signature(lines: list[BodyLine]) -> list[BodyLine]:
    for number in range(len(lines) - 1, max(-1, len(lines) - 1 - _SIGNATURE_LINES), -1):
        if lines[number].quote == 0 and lines[number].text.rstrip() == "--" and number:
            kept = lines[:number]
            while kept and not kept[-1].text.strip():
                kept.pop()
            return kept
    return lines


def _limited(lines: Iterator[str]) -> list[str]:
    kept: list[str] = []
    room = CHARACTERS_LIMIT
    for line in lines:
        room -= len(line) + 1
        if room < 0 or len(kept) >= LINES_LIMIT:
            return [*kept, _REST]
        kept.append(line)
    return kept


def _marks(depth: int) -> str:
    return ">" * min(depth, _DEPTH_LIMIT) + " " if depth else ""


def _fold(text: str, depth: int, *, keeps_blank: bool) -> Iterator[str]:
    """Break a line of any length at blanks, each piece with its quote marks."""
    marks = _marks(depth)
    if not text.strip():
        yield "" if keeps_blank and not depth else marks.rstrip()
        return
    room = WIDTH - len(marks)
    start = 0
    while len(text) - start > room:
        cut = text.rfind(" ", start + 1, start + room + 1)
        if cut < 0 or not text[start:cut].strip():
            cut = text.find(" ", start + room)
        if cut < 0:
            break
        yield f"{marks}{text[start:cut].rstrip()}"
        start = cut + 1
    if start < len(text):
        yield f"{marks}{text[start:]}"
