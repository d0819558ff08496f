"""A proposal beside its previous revision: what an agent, or the operator, has changed.

Closes the trap of a proposal that was read once, was changed afterwards in one word, and is approved
as known: what is different stands line by line, everything else that would be sent included.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.draft import BodyFormat, Draft
from services.outbound.gate.reviewing import moment
from services.outbound_models import DiffLine
from services.safe_text import clean_line, phrase, reveal_text, ui

_LINES_LIMIT: Final = 5_000
_AROUND: Final = 3
"""Unchanged lines shown around a change."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two revisions by number, and the lines; none when nothing is older or nothing differs."""

    older: int
    newer: int
    lines: tuple[DiffLine, ...]


def compare(old: Draft, new: Draft) -> Comparison:
    """Compare two revisions of a draft."""
    return Comparison(old.revision, new.revision, (*_details(old, new), *_text(old, new)))


def _details(old: Draft, new: Draft) -> Iterator[DiffLine]:
    before, after = dict(_facts(old)), dict(_facts(new))
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name, ""), after.get(name, "")
        if was != now:
            yield DiffLine("@", clean_line(name))
            if was:
                yield DiffLine("-", clean_line(was, 2_000))
            if now:
                yield DiffLine("+", clean_line(now, 2_000))


def _facts(draft: Draft) -> Iterator[tuple[str, str]]:
    yield "To", ", ".join(draft.to)
    yield "Cc", ", ".join(draft.cc)
    yield "Bcc", ", ".join(draft.bcc)
    yield "Subject", draft.subject
    yield "Encryption", draft.encryption.value
    yield "Way out", "Amazon SES" if draft.via else ""
    yield "Format", draft.format.value if draft.format is not BodyFormat.PLAIN else ""
    yield "Leaves", moment(draft.send_at) if draft.send_at else "at once"
    for file in draft.files:
        size = f", {file.size:,} bytes" if file.size >= 0 else ""
        yield f"File {file.name}", f"{file.path}{size}, {file.content_type}"
    for name, value in draft.headers:
        yield f"Header {name}", value
    yield "In reply to", draft.in_reply_to
    yield "Correlation id", draft.correlation_id
    yield "Marketplace request", draft.marketplace_request_id
    yield "Usage", "" if draft.usage is None else str(draft.usage)
    yield "The agent says", draft.reason


def _text(old: Draft, new: Draft) -> Iterator[DiffLine]:
    before, after = old.body.split("\n"), new.body.split("\n")
    if before == after:
        return
    yield DiffLine("@", ui("Text"))
    if len(before) + len(after) > _LINES_LIMIT:
        told = phrase("{} lines are {} lines now; too many to compare.", len(before), len(after))
        yield DiffLine("@", told)
        return
    for line in list(difflib.unified_diff(before, after, n=_AROUND, lineterm=""))[2:]:
        sign, text = line[:1], line[1:]
        if line.startswith("@@"):
            yield DiffLine("@", clean_line(line))
        else:
            yield DiffLine(sign, clean_line(reveal_text(text).text, 2_000))
