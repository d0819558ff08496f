"""What may be meant by the letters in a recipient field, under that field.

Closes the trap of a list that takes the keys: it has no focus, the field moves in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment

from widgets.cells import fit, fit_right
from widgets.choice_list import ChoiceList
from widgets.rows import Part

if TYPE_CHECKING:
    from services.outbound_models import RecipientSuggestion

_SOURCE_CELLS = 14


class SuggestionList(ChoiceList, can_focus=False):
    """Suggestions, best first; `chosen` is the one that was moved to, if any."""

    TALLEST = 5
    BAR_WITHOUT_FOCUS = True
    DEFAULT_CSS = """
    SuggestionList { layer: overlay; display: none; width: 60; max-width: 100%; }
    """

    _suggestions: Sequence[RecipientSuggestion] = ()
    _moved = False

    @property
    def shown(self) -> Sequence[RecipientSuggestion]:
        """Those that are listed."""
        return self._suggestions if self.display else ()

    @property
    def chosen(self) -> RecipientSuggestion | None:
        """The suggestion that was moved to."""
        place = self.position
        return self._suggestions[place] if self._moved and place is not None else None

    @property
    def best(self) -> RecipientSuggestion | None:
        """The one that is moved to, else the first."""
        return self.chosen or (self._suggestions[0] if self._suggestions else None)

    def show_suggestions(self, suggestions: Sequence[RecipientSuggestion]) -> None:
        """List these; none hides the list."""
        if not suggestions and not self.display:
            return
        self._suggestions = tuple(suggestions)
        self._moved = False
        self.show_count(len(self._suggestions))
        self.display = bool(suggestions)

    def choose(self, by: int) -> None:
        """Move on; the first move goes to the first."""
        if self._moved:
            self.step(by)
        else:
            self._moved = True
            self.go(0 if by > 0 else len(self._suggestions) - 1)
            self.refresh()

    def parts(self, place: int, width: int) -> Sequence[Part]:
        """Whether there is a key, who it is, and how we know."""
        found = self._suggestions[place]
        source = fit_right(found.source, min(_SOURCE_CELLS, cell_len(found.source)))
        room = max(4, width - len(source) - 5)
        return [
            (f" {self._glyphs.encrypted if found.has_key else ' '} ", "accent"),
            (fit(found.shown, room, self._glyphs.ellipsis) + " ", "text"),
            (source + " ", "muted"),
        ]

    def gutter_cell(self, place: int) -> Segment:
        """No bar before something was moved to."""
        return super().gutter_cell(place) if self._moved else Segment(" ", self.ink("text"))
