"""The search language of the list: what the operator types, as terms.

Closes the trap of a search box that answers with an error: whatever is not understood is looked for
as words. Both sides of a comparison go through `fold`, so that case, accents, width variants and
invisible characters make no difference.

    words and "whole phrases"        in sender, subject or preview
    from:ada  subject:"build failed" in that field only
    label:urgent                     a label of that name, else one that begins so
    is:unread read archived inbox verified unverified encrypted first pending
    has:attachment
    before:2026-11-01 after:2026-10  a day, month or year; today, yesterday, 7d, 2w, 3m, 1y ago
    -anything                        not that
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final

LENGTH_LIMIT: Final = 1_000
"""Characters of a query that are read."""


class Field(Enum):
    """Where a term is looked for."""

    ANY = "any"
    FROM = "from"
    SUBJECT = "subject"
    LABEL = "label"
    IS = "is"
    HAS = "has"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `value` is folded, `moment` (seconds, UTC) is set for BEFORE and AFTER."""

    field: Field
    value: str
    negated: bool = False
    moment: int = 0


@dataclass(frozen=True, slots=True)
class Query:
    """All terms must hold; no term means everything."""

    terms: tuple[Term, ...] = ()

    def of(self, *fields: Field) -> tuple[Term, ...]:
        """Return the terms of some fields."""
        return tuple(term for term in self.terms if term.field in fields)


TEXT_FIELDS: Final = (Field.ANY, Field.FROM, Field.SUBJECT)
STATES: Final = frozenset(
    {
        "unread", "read", "archived", "inbox", "verified", "unverified", "encrypted", "first",
        "pending",
    }
)  # fmt: skip
_NAMED: Final = {field.value: field for field in Field if field is not Field.ANY}
_PIECE: Final = re.compile(r'(-?)(?:([A-Za-z]+):)?("[^"]*"?|[^\s"]+)')
_AGE: Final = re.compile(r"(\d{1,4})([dwmy])")
_DAY: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_DAYS: Final = {"d": 1, "w": 7, "m": 30, "y": 365}
_DROPPED: Final = frozenset({"Mn", "Me", "Cf"})


def fold(text: str) -> str:
    """Return text as it is compared: one line, no case, no accents, nothing invisible."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
        # The few different letters, not every letter: folding is part of writing each message.
        dropped = [c for c in set(text) if c >= "\x80" and unicodedata.category(c) in _DROPPED]
        if dropped:
            text = text.translate(dict.fromkeys(map(ord, dropped)))
    return " ".join(text.lower().replace("\0", " ").split())


def parse(text: str, now: Callable[[], float] = time.time) -> Query:
    """Read a query; never raises. Days are the operator's own (local time)."""
    terms: list[Term] = []
    for minus, name, value in _PIECE.findall(text[:LENGTH_LIMIT]):
        bare = value.strip('"')
        negated = minus == "-"
        term = _named_term(name.lower(), bare, negated, now) if name else None
        if term is None:
            # An unknown name, a word that is.unknown or a date that is none: looked for as written.
            folded = fold(f"{name}:{bare}" if name else bare)
            term = Term(Field.ANY, folded, negated) if folded else None
        if term is not None:
            terms.append(term)
    return Query(tuple(dict.fromkeys(terms)))


def _named_term(name: str, value: str, negated: bool, now: Callable[[], float]) -> Term | None:
    field = _NAMED.get(name)
    folded = fold(value)
    if field is None or not folded:
        return None
    if field in (Field.BEFORE, Field.AFTER):
        moment = _moment(folded, now)
        return None if moment is None else Term(field, folded, negated, moment)
    if field is Field.IS and folded not in STATES:
        return None
    if field is Field.HAS:
        folded = "attachment" if "attachments".startswith(folded) and len(folded) > 2 else ""
        return Term(field, folded, negated) if folded else None
    return Term(field, folded, negated)


def _moment(value: str, now: Callable[[], float]) -> int | None:
    try:
        today = datetime.fromtimestamp(now()).astimezone().date()
        day = _day(value, today)
        return None if day is None else int(time.mktime(day.timetuple()))
    except (ValueError, OverflowError, OSError):
        return None


def _day(value: str, today: date) -> date | None:
    if value in ("today", "yesterday"):
        return today - timedelta(days=value == "yesterday")
    if age := _AGE.fullmatch(value):
        return today - timedelta(days=int(age[1]) * _DAYS[age[2]])
    if found := _DAY.fullmatch(value):
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    return None
