"""The one-row bar of hints: what the next key does.

Closes the trap of a narrow terminal cutting the last hints off: hints leave by rank, and help
stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content

from services.safe_text import SafeText
from widgets.plain import Plain


@dataclass(frozen=True, slots=True)
class Hint:
    """A key and what it does; a low `rank` stays longest, rank 0 always stays."""

    key: SafeText
    words: SafeText
    rank: int = 5

    @property
    def cells(self) -> int:
        """Width in cells, with the space between key and words."""
        return cell_len(self.key) + 1 + cell_len(self.words)


def fitting(hints: Sequence[Hint], width: int, gap: int = 2) -> tuple[Hint, ...]:
    """The hints that fit into `width` cells, in their order; the highest ranks leave first."""
    kept = list(hints)
    while len(kept) > 1 and sum(hint.cells + gap for hint in kept) - gap > width:
        worst = max(range(len(kept)), key=lambda place: (kept[place].rank, place))
        if kept[worst].rank == 0:
            break
        del kept[worst]
    return tuple(kept)


class HintBar(Plain):
    """One row of hints, as many as fit."""

    DEFAULT_CSS = """
    HintBar { height: 1; padding: 0 1; background: $bar-background; color: $bar-muted; }
    """

    def __init__(
        self,
        hints: Sequence[Hint] = (),
        *,
        id: str | None = None,  # noqa: A002 - Textual's own name
    ) -> None:
        super().__init__(id=id)
        self._hints = tuple(hints)
        self._shown: tuple[Hint, ...] = ()

    def show_hints(self, hints: Sequence[Hint]) -> None:
        """Show these hints from now on."""
        self._hints = tuple(hints)
        self._draw()

    def on_resize(self, _event: events.Resize) -> None:
        """Choose again what fits."""
        self._draw()

    def _draw(self) -> None:
        width = self.content_size.width
        shown = fitting(self._hints, width) if width else ()
        if shown == self._shown:
            return
        self._shown = shown
        parts: list[Content | str | tuple[str, str]] = []
        for place, hint in enumerate(shown):
            parts += ["  " if place else "", (hint.key, "bold $bar-text"), " ", hint.words]
        self.show(Content.assemble(*parts))
