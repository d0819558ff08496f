"""What a label may be, and what a dialog knows of the labels of some messages.

Closes the trap of a label that the service refuses after the fact: the limits of api/assmbl.md §4.4 are
told while it is typed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from services.models import LabelCount, MessageRow
from services.safe_text import EMPTY, SafeText, clean_line, phrase, ui

MAX_LENGTH: Final = 64
MAX_LABELS: Final = 20


class Held(Enum):
    """How many of the messages carry a label."""

    NONE = 0
    SOME = 1
    ALL = 2


@dataclass(frozen=True, slots=True)
class LabelState:
    """One label as the dialog lists it; `label` is raw, `shown` is not."""

    label: str
    shown: SafeText
    held: Held = Held.NONE


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What a dialog decided: raw labels."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


def problem(label: str) -> SafeText:
    """Why a typed label cannot be used; empty when it can."""
    if not label.strip():
        return ui("A label cannot be blank.")
    if len(label) > MAX_LENGTH:
        return phrase("A label has at most {} characters; this one has {}.", MAX_LENGTH, len(label))
    if clean_line(label) != label:
        return ui("A label cannot hold invisible characters.")
    return EMPTY


def states(rows: Iterable[MessageRow], known: Sequence[LabelCount]) -> tuple[LabelState, ...]:
    """The labels of some messages first, then all other known ones.

    Rows carry shown labels only; `known` gives the raw one back.
    """
    counted: dict[SafeText, int] = {}
    total = 0
    for row in rows:
        total += 1
        for shown in row.labels:
            counted[shown] = counted.get(shown, 0) + 1
    raw = {entry.shown: entry.label for entry in known}
    held = [
        LabelState(raw.get(shown, shown), shown, Held.ALL if count == total else Held.SOME)
        for shown, count in sorted(counted.items())
    ]
    others = [LabelState(entry.label, entry.shown) for entry in known if entry.shown not in counted]
    return (*held, *others)


def matching(entries: Iterable[LabelState], typed: str) -> tuple[LabelState, ...]:
    """The labels that fit what was typed: those that begin with it first."""
    wanted = typed.strip().casefold()
    if not wanted:
        return tuple(entries)
    fitting = [entry for entry in entries if wanted in entry.shown.casefold()]
    return tuple(sorted(fitting, key=lambda entry: not entry.shown.casefold().startswith(wanted)))


def toggled(entry: LabelState) -> LabelChange:
    """The change that a label's switch makes: on for all, or off when all carry it."""
    if entry.held is Held.ALL:
        return LabelChange(remove=(entry.label,))
    return LabelChange(add=(entry.label,))
