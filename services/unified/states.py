"""How several mailboxes stand against their services, as one state for the status line.

Closes the trap of one account's trouble that hides behind another's success, or hides it: as long
as they stand differently, the sentence names each account that is in trouble.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.models import SyncPhase, SyncState
from services.safe_text import EMPTY, SafeText, clean_line, join, phrase, ui

_TROUBLES: Final = {
    SyncPhase.SIGNED_OUT: ui("signed out"),
    SyncPhase.FAILED: ui("cannot sync"),
    SyncPhase.OFFLINE: ui("offline"),
    SyncPhase.BUSY: ui("server busy"),
    SyncPhase.READ_ONLY: ui("read only"),
}
_UNDER_WAY: Final = (SyncPhase.SYNCING, SyncPhase.STARTING, SyncPhase.OFFLINE_START)
"""The first of these that some account is in is what all are in, when none is in trouble."""


def joined(states: Mapping[str, SyncState]) -> SyncState:
    """Return the state of all accounts together; `states` holds one at least."""
    every = tuple(states.values())
    phases = {state.phase for state in every}
    troubled = {name: state for name, state in states.items() if state.phase in _TROUBLES}
    if len(phases) == 1:
        phase, sentence = every[0].phase, _told(troubled)
    elif troubled:
        phase, sentence = SyncPhase.PARTLY, _named(troubled)
    else:
        phase, sentence = next(phase for phase in _UNDER_WAY if phase in phases), EMPTY
    of_phase = [state for state in every if state.phase is phase] or every
    return SyncState(
        phase,
        fetched=sum(state.fetched for state in of_phase),
        synced_at=min(state.synced_at for state in every),
        since=min(state.since for state in of_phase),
        next_try=min((state.next_try for state in every if state.next_try), default=0),
        waiting=sum(state.waiting for state in every),
        looking=any(state.looking for state in every),
        sentence=sentence,
    )


def _named(troubled: Mapping[str, SyncState]) -> SafeText:
    parts = (
        phrase("{} {}", clean_line(name), _TROUBLES[state.phase])
        for name, state in troubled.items()
    )
    return join(" · ", parts)


def _told(troubled: Mapping[str, SyncState]) -> SafeText:
    """Return the sentences of accounts that are all in the same trouble."""
    told = {name: state.sentence for name, state in troubled.items() if state.sentence}
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    return join(" ", (phrase("{}: {}", clean_line(name), told[name]) for name in told))
