"""What can be done with a file on its way or at its end: guards like those of `guards`.

Closes the trap of a key that seems to do nothing: each says why it cannot.
"""

from __future__ import annotations

from typing import Final

from services.safe_text import EMPTY, SafeText, ui
from tui.situation import Situation

_NOTHING: Final = ui("Nothing is under the cursor.")


def can_give_up(situation: Situation) -> SafeText:
    """The file moves, and can be stopped."""
    if situation.entry == "moving":
        return EMPTY
    if situation.entry == "bound":
        return ui("This cannot be stopped any more.")
    return ui("This file does not move any more.") if situation.entry else _NOTHING


def can_try_again(situation: Situation) -> SafeText:
    """The file is not where it should be, and can be asked for again."""
    if situation.entry == "again":
        return EMPTY
    if situation.entry in ("moving", "bound"):
        return ui("This file is on its way.")
    if situation.entry == "ended":
        return ui("The outbox tries this again by itself.")
    return ui("This file is where it should be.") if situation.entry else _NOTHING


def lies_here(situation: Situation) -> SafeText:
    """The file was saved."""
    if situation.entry == "here":
        return EMPTY
    return ui("This file was not saved here.") if situation.entry else _NOTHING


def has_ended_some(situation: Situation) -> SafeText:
    """There are rows that tell of nothing but the past."""
    return EMPTY if situation.rows else ui("Nothing is over yet.")


TRANSFER_GUARDS: Final = (can_give_up, can_try_again, lies_here, has_ended_some)
