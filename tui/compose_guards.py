"""When a draft can be written on, changed for another, or brought back: guards like those of `guards`.

Closes the trap of a command on a draft that is still being opened: nothing is attached to nothing.
"""

from __future__ import annotations

from typing import Final

from services.safe_text import EMPTY, SafeText, ui
from tui.situation import Situation


def is_writing(situation: Situation) -> SafeText:
    """A draft is on the screen."""
    return EMPTY if situation.entry else ui("The draft is still being opened.")


def has_other_drafts(situation: Situation) -> SafeText:
    """More than one draft is open."""
    return EMPTY if situation.rows > 1 else ui("No other draft is open.")


def has_discarded(situation: Situation) -> SafeText:
    """A draft was discarded since the start, or a mail waits to leave."""
    if situation.targets or situation.sending:
        return EMPTY
    return ui("Nothing was discarded since the start.")


COMPOSE_GUARDS: Final = (is_writing, has_other_drafts, has_discarded)
