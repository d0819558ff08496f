"""Completion of recipients: asks when the letters rest, shows what may be meant, takes what is chosen.

Closes three traps: a question for every letter, an answer to letters that are no longer there, and a
Tab that comes before the answer to the last letters and would take what only the first ones meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.geometry import Offset
from textual.timer import Timer

from services.outbound_events import RecipientsSuggested, SuggestRecipients
from services.safe_text import clean_line, ui
from widgets.hint_bar import Hint

if TYPE_CHECKING:
    from services.outbound_models import RecipientSuggestion
    from tui.screens.compose import ComposeScreen
    from widgets.line_field import RecipientField

REST_SECONDS: Final = 0.15
"""How long letters rest before suggestions are asked for."""


_HINTS: Final = (
    Hint(ui("Tab"), ui("take it"), 1),
    Hint(ui("Down"), ui("choose another"), 2),
    Hint(ui("Esc"), ui("hide"), 3),
)


class Completing:
    """The suggestions of one compose screen; `field` is the one that they are for."""

    def __init__(self, screen: ComposeScreen) -> None:
        self._screen = screen
        self._timer: Timer | None = None
        self.field: RecipientField | None = None

    @property
    def is_open(self) -> bool:
        """Suggestions are on the screen."""
        return bool(self._screen.suggestions.display)

    def typed(self, field: RecipientField) -> None:
        """Letters were typed: ask when they rest."""
        self._stop()
        self.field = field
        if not field.piece:
            self.close()
        elif field.has_focus:
            self._narrow(field.piece)
            self._timer = self._screen.set_timer(REST_SECONDS, self._ask)

    def _narrow(self, piece: str) -> None:
        """Keep no suggestion on the screen that the letters do not mean any more."""
        listed = self._screen.suggestions
        meant = [one for one in listed.shown if _means(piece, one)]
        if len(meant) < len(listed.shown):
            listed.show_suggestions(meant)
            self._show_hints()

    def close(self) -> None:
        """Hide the suggestions, and want none."""
        self._stop()
        self.field = None
        was_open = self.is_open
        self._screen.suggestions.show_suggestions(())
        if was_open:
            self._show_hints()

    def heard(self, event: RecipientsSuggested) -> bool:
        """Show suggestions for the letters that are still there."""
        field, listed = self.field, self._screen.suggestions
        if field is not None and field.has_focus and field.piece == event.text:
            wanted = [one for one in event.suggestions if one.address != event.text]
            at = field.region
            # Beside the labels of the fields below, as wide as there is room.
            listed.styles.offset = Offset(at.x - 1, at.y + 1)
            listed.styles.max_width = self._screen.size.width - at.x + 1
            listed.show_suggestions(wanted)
            self._show_hints()
        return True

    def take_key(self, key: str) -> bool:
        """Move in the suggestions, take one, or hide them; False for every other key."""
        if not self.is_open:
            return False
        listed = self._screen.suggestions
        if key in ("down", "up"):
            listed.choose(1 if key == "down" else -1)
        elif key == "escape":
            self.close()
        elif key == "tab" or (key == "enter" and (listed.chosen is not None or self._is_short)):
            self._take()
        else:
            return False
        return True

    @property
    def _is_short(self) -> bool:
        """What stands in the field is no address by itself: Enter means the first suggestion."""
        return self.field is not None and "@" not in self.field.piece

    def _take(self) -> None:
        found, field = self._screen.suggestions.best, self.field
        if found is not None and field is not None:
            field.take(clean_line(found.address))
        self.close()

    def _show_hints(self) -> None:
        if self.is_open:
            self._screen.hint_bar.show_hints(_HINTS)
        else:
            self._screen.show_hints()

    def _ask(self) -> None:
        self._timer = None
        if self.field is not None and self.field.piece:
            self._screen.ask(SuggestRecipients(self.field.piece, self._screen.writer))

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None


def _means(piece: str, found: RecipientSuggestion) -> bool:
    known = f"{found.shown} {found.address}".casefold()
    return all(word in known for word in piece.casefold().split())
