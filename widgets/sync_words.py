"""Where the mailbox stands against the service, in one short sentence for the status line."""

from __future__ import annotations

import time
from typing import Final

from services.models import SyncPhase, SyncState
from services.safe_text import SafeText, clean_line, phrase, ui
from widgets.dates import Calendar, clock_words

_LASTING: Final = {
    SyncPhase.SIGNED_OUT: ui("signed out"),
    SyncPhase.READ_ONLY: ui("read only: another instance is open"),
}
"""The phases that only a person ends."""


def state_words(state: SyncState) -> SafeText:
    """`synced 14:05`, `offline since 13:50, 3 changes waiting`, and so on."""
    words = _phase_words(state)
    if not state.waiting:
        return words
    template = "{} change waiting" if state.waiting == 1 else "{:,} changes waiting"
    changes = phrase(template, state.waiting)
    return phrase("{}, {}", words, changes) if words else changes


def _phase_words(state: SyncState) -> SafeText:
    phase = state.phase
    if state.looking:
        return ui("looking for mail")
    if phase is SyncPhase.SYNCED:
        return _timed("synced {}", state.synced_at, ui("synced"))
    if phase is SyncPhase.SYNCING:
        return phrase("syncing {:,}", state.fetched) if state.fetched else ui("syncing")
    if phase is SyncPhase.OFFLINE_START:
        # Nobody has asked the service yet, so nothing is known of it.
        asof = clean_line(Calendar.at(time.time()).short(state.synced_at))
        return phrase("as of {}", asof) if asof else ui("connecting")
    if phase is SyncPhase.OFFLINE:
        return _timed("offline since {}", state.since, ui("offline"))
    if phase is SyncPhase.BUSY:
        return _timed("server busy, next try {}", state.next_try, ui("server busy"))
    # These last: they must be short, or the mailbox beside them cannot be read.
    return _LASTING.get(phase) or state.sentence


def _timed(template: str, moment: int, without: SafeText) -> SafeText:
    return phrase(template, clock_words(moment)) if moment else without
