"""The search language of the list: what the operator types, as terms.

Closes the trap of a search box that answers with an error: whatever is not understood is looked for
as words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


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


def parse(text: str) -> Query:
    """Read a query; never raises."""
    return Query(tuple(Term(Field.ANY, word.casefold()) for word in text.split()))
