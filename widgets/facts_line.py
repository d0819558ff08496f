"""One row of facts about what is written: how it leaves, what goes with it, whether it is saved.

Closes the trap of a fact that matters cut off at the right edge: facts leave by rank when the row is
narrow, and the first of them stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.strip import Strip

from services.safe_text import SafeText
from widgets.cells import fit
from widgets.line_view import LineView
from widgets.rows import Part


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
    kept = list(facts)
    room = width - 2
    while len(kept) > 1 and sum(cell_len(fact.words) + 3 for fact in kept) - 3 > room:
        kept.remove(max(kept, key=lambda fact: fact.rank))
    parts: list[Part] = [(" ", "text")]
    for fact in kept:
        if len(parts) > 1:
            parts.append((" · ", "muted"))
        parts.append((fit(fact.words, min(room, cell_len(fact.words))), fact.role))
    return parts
