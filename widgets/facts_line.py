"""One row of facts about what is written: how it leaves, what goes with it, whether it is saved.

Closes the trap of a fact that matters cut off at the right edge: facts leave by rank when the row is
narrow, and the first of them stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual.strip import Strip

from services.safe_text import SafeText
from widgets.cells import fit
from widgets.line_view import LineView
from widgets.rows import Part

NEEDED: Final = 2
"""Facts of this rank and lower are always there, cut where they have to be."""
_GAP: Final = " · "


@dataclass(frozen=True, slots=True)
class Fact:
    """Some words and their role: text, muted, good, caution, danger. A low `rank` stays longest."""

    words: SafeText
    role: str = "text"
    rank: int = 5


class FactsLine(LineView, can_focus=False):
    """A row of facts with gaps between them."""

    INKS: ClassVar[Mapping[str, str]] = {
        "text": "$card-text",
        "muted": "$card-muted $muted-style",
        "good": "$card-good",
        "caution": "$card-caution bold",
        "danger": "$card-danger bold",
    }
    DEFAULT_CSS = """
    FactsLine { width: 1fr; height: 1; background: $card-background; color: $card-text; }
    """

    _facts: tuple[Fact, ...] = ()

    def show_facts(self, facts: Sequence[Fact]) -> None:
        """Show these from now on."""
        if self._facts != tuple(facts):
            self._facts = tuple(facts)
            self.refresh()

    def line(self, number: int, width: int) -> Strip | None:
        """Draw the row."""
        return self.strip_of(_parts(self._facts, width), width) if number == 0 else None


def _parts(facts: Sequence[Fact], width: int) -> list[Part]:
    """The facts that fit; of those that have to be there the longest is cut."""
    kept, room = list(facts), max(1, width - 2)
    while _cells(kept) > room:
        worst = max(kept, key=lambda fact: fact.rank)
        if worst.rank <= NEEDED:
            break
        kept.remove(worst)
    over = max(0, _cells(kept) - room)
    longest = max(kept, key=lambda fact: cell_len(fact.words), default=None)
    parts: list[Part] = [(" ", "text")]
    for fact in kept:
        if len(parts) > 1:
            parts.append((_GAP, "muted"))
        cells = cell_len(fact.words) - (over if fact is longest else 0)
        parts.append((fit(fact.words, max(1, cells)), fact.role))
    return parts


def _cells(facts: Sequence[Fact]) -> int:
    return sum(cell_len(fact.words) + len(_GAP) for fact in facts) - len(_GAP)
