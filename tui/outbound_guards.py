"""When mail may be sent, approved or taken back: guards like those of `guards`.

Closes the trap of a decision about something that nobody saw: what is decided on must have been on
screen, all of it and for a moment, before any key decides.
"""

from __future__ import annotations

from typing import Final

from services.safe_text import EMPTY, SafeText, ui
from tui.situation import Situation

_UNSEEN: Final = ui("Not all of it was on screen for long enough yet: Space goes on.")
_NOTHING: Final = ui("Nothing is under the cursor.")
_OTHERS: Final = ui("An agent proposed this: it is approved, not sent.")
_OWN: Final = ui("This is your own draft: it is sent, not approved.")
_DECIDED: Final = ui("This is decided already.")
_COPY: Final = ui("This is a copy of mail that was handed over.")
_READING: Final = ui("It is still being read.")


def can_send(situation: Situation) -> SafeText:
    """An own draft is on screen, was seen, and nothing refuses it."""
    if situation.entry == "copy":
        return _COPY
    if situation.entry in ("waiting", "decided"):
        return _OTHERS
    if situation.entry != "own":
        return _READING
    return situation.refused or (EMPTY if situation.painted else _UNSEEN)


def can_approve(situation: Situation) -> SafeText:
    """A proposal waits, all of it was on screen, and nothing refuses it."""
    if situation.entry == "own":
        return _OWN
    if situation.entry != "waiting":
        return _DECIDED if situation.entry else _NOTHING
    return situation.refused or (EMPTY if situation.painted else _UNSEEN)


def can_reject(situation: Situation) -> SafeText:
    """A proposal waits."""
    if situation.entry == "own":
        return _OWN
    if situation.entry == "waiting":
        return EMPTY
    return _DECIDED if situation.entry else _NOTHING


def is_own(situation: Situation) -> SafeText:
    """It is the operator's own draft."""
    if situation.entry == "own":
        return EMPTY
    return ui("Edit it first: when it leaves is part of what its agent proposed.")


def is_proposal(situation: Situation) -> SafeText:
    """It is an agent's, so that it has revisions to compare."""
    if situation.entry == "own":
        return ui("Only what agents propose is kept in revisions.")
    if situation.entry == "copy":
        return _COPY
    return EMPTY if situation.entry else _NOTHING


def has_draft(situation: Situation) -> SafeText:
    """There is a draft, an own one or one that waits."""
    if situation.entry in ("own", "waiting"):
        return EMPTY
    return _DECIDED if situation.entry else _NOTHING


def has_row(situation: Situation) -> SafeText:
    """The cursor stands on something."""
    return EMPTY if situation.entry else _NOTHING


def can_cancel(situation: Situation) -> SafeText:
    """The mail has not left."""
    if situation.entry == "pending":
        return EMPTY
    if situation.entry == "claimed":
        return ui("It is leaving right now.")
    return ui("Only mail that has not left can be taken back.") if situation.entry else _NOTHING


def is_uncertain(situation: Situation) -> SafeText:
    """It may have left, or not."""
    if situation.entry == "uncertain":
        return EMPTY
    return ui("Only mail that may have left has to be decided.") if situation.entry else _NOTHING


def is_sending(situation: Situation) -> SafeText:
    """What was sent last can still be taken back."""
    return EMPTY if situation.sending else ui("Nothing waits to leave: it has left, or is kept.")


def can_retry(situation: Situation) -> SafeText:
    """Something waits to leave."""
    if situation.entry in ("pending", "claimed", "uncertain"):
        return EMPTY
    return ui("Nothing under the cursor waits to leave.")


OUTBOUND_GUARDS: Final = (
    can_send,
    can_approve,
    can_reject,
    is_own,
    is_proposal,
    has_draft,
    has_row,
    can_cancel,
    is_uncertain,
    can_retry,
    is_sending,
)
