"""What waits, where it is not sure any more that it still has to leave: held, or given back.

Closes two traps: commits lost to damage, so that what has left seems to wait; and a folder that is a
copy, or was restored from a backup, whose mail another folder sends, or has sent, as well. Nothing
that may have left goes by itself then; what was not ready to leave becomes a draft again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.outbound.log.store import DAMAGED, OUTBOX, STATE
from services.outbound_models import OutboxState

if TYPE_CHECKING:
    from services.outbound.log.anchor import Anchor
    from services.outbound.log.store import OutboundStore
    from services.outbound.outbox.outbox import Outbox

_LOST: Final = "part of the outbox was damaged; it may have left"
_COPIED: Final = (
    "this account's folder was copied, restored from a backup or moved to another disk;"
    " the mail may have left from the other one."
)


def own_up(outbox: Outbox, store: OutboundStore, anchor: Anchor) -> None:
    """Let nothing leave by itself that may have left already; CacheError when the disk refuses."""
    if store.get(STATE, DAMAGED) is None and (anchor.holds() or not store.count(OUTBOX)):
        return
    with store.transaction():
        is_damaged = store.get(STATE, DAMAGED) is not None
        if is_damaged:
            _hold_what_is_ready(outbox)
            store.remove(STATE, DAMAGED)
        # Seen again from in here: another process may just have been making a new mark.
        if anchor.holds():
            return
        if anchor.is_known:
            _hold_copies(outbox, _LOST if is_damaged else _COPIED)
        anchor.cast()


def _hold_what_is_ready(outbox: Outbox) -> None:
    for entry in outbox.open():
        if entry.state is OutboxState.PENDING and entry.is_ready:
            outbox.hold(entry.entry_id, _LOST)


def _hold_copies(outbox: Outbox, reason: str) -> None:
    waiting = outbox.open()
    for entry in waiting:
        if entry.is_ready:
            outbox.hold(entry.entry_id, reason)
    for entry in waiting:
        # What was decided together with one that is refused is refused already.
        if not entry.is_ready and outbox.get(entry.entry_id).state is OutboxState.PENDING:
            outbox.refuse(entry.entry_id, reason)
