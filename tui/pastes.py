"""How much one line takes of what is pasted.

Closes the trap of a field that is given a file by mistake: it would hold the screen for seconds, and
what does not fit would be cut off in the middle of an address. Such a paste is not taken at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.widgets import Input

from services.events import Severity
from services.safe_text import EMPTY, phrase, ui
from tui.notices import Notices
from widgets.line_field import LONGEST, LineField, RecipientField

if TYPE_CHECKING:
    from textual.screen import Screen


def refused(screen: Screen[Any], pasted: str) -> bool:
    """Say that a paste is too long for the field that has the keys; False when it is not."""
    field = screen.focused
    if not isinstance(field, Input):
        return False
    length = len(field.value) + len(pasted)
    takes = field.TAKES if isinstance(field, LineField) else LONGEST
    if length <= takes:
        return False
    notices = getattr(screen, "notices", None)
    if not isinstance(notices, Notices):
        notices = Notices(screen, lambda: None)
    step = EMPTY
    if isinstance(field, RecipientField):
        step = ui("One mail goes to few people.")
    told = phrase("Nothing pasted: a field takes {:,} characters, not {:,}.", takes, length)
    notices.tell(told, Severity.ERROR, step)
    return True
