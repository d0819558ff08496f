"""What the engine has told about outgoing mail: the newest counts, and who wants to hear the rest.

Closes the trap of a screen that takes the answer to somebody else's request for its own: every answer
carries the id of its request, and whoever asked compares it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from services.outbound_events import CancelSend, OutboundCounted, SendCancelled, SendQueued
from services.outbound_models import OutboundCounts
from services.safe_text import EMPTY, SafeText, phrase

if TYPE_CHECKING:
    from services.events import OutboundEvent, RequestFailed, TransferEvent
    from services.requests import Request
    from tui.open_draft import OpenDraft
    from tui.open_drafts import OpenDrafts

    Heard = OutboundEvent | RequestFailed


def way_to_draft(event: SendCancelled, key: SafeText) -> SafeText:
    """Which key leads to a draft that is there again; EMPTY when it is not."""
    return phrase("{} shows the drafts.", key) if event.is_back else EMPTY


class OutboundNews:
    """The newest counts, and the listeners to everything else."""

    def __init__(
        self,
        ask: Callable[[Request], int],
        unlock: Callable[[Callable[[], None], str, Callable[[], None]], None] | None = None,
        go: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.ask = ask
        self.go = go
        """Runs the command of the mail screen that leads to another screen."""
        self._unlock = unlock
        self.unseen: Callable[[OpenDraft], None] | None = None
        """Told of saves while no draft is on the screen."""
        self.counts = OutboundCounts()
        self.queued: SendQueued | None = None
        """What was sent last, until it is taken back."""
        self._listeners: list[Callable[[Heard], bool]] = []
        self._about_files: list[Callable[[TransferEvent], bool]] = []

    @cached_property
    def drafts(self) -> OpenDrafts:
        """The drafts that are open; made with the first of them."""
        from tui.open_drafts import OpenDrafts

        drafts = OpenDrafts(self.ask, self.unseen)
        self.listen(drafts.heard)
        return drafts

    @property
    def has_drafts(self) -> bool:
        """A draft has been opened."""
        return "drafts" in self.__dict__

    def save_drafts(self) -> None:
        """Save every open draft now; safe from any thread, for a program that is about to end."""
        if self.has_drafts:
            self.drafts.save_all()

    def forget_sealed(self, account: str = "") -> None:
        """An account's keys were locked: encrypted drafts that nobody looks at leave the memory."""
        if self.has_drafts:
            self.drafts.forget_sealed(account)

    def unlock(
        self,
        then: Callable[[], None],
        account: str = "",
        otherwise: Callable[[], None] = lambda: None,
    ) -> None:
        """Ask for the passphrase of an account's keys; `then` runs once they are unlocked."""
        if self._unlock is not None:
            self._unlock(then, account, otherwise)

    def can_take_back(self, now: float) -> bool:
        """Whether what was sent last waits to leave at `now` (seconds since the epoch)."""
        return self.queued is not None and now < self.queued.undo_until

    def take_back(self) -> None:
        """Cancel what was sent last."""
        if self.queued is not None:
            self.ask(CancelSend(self.queued.entry_ids, self.queued.account))

    def listen(self, listener: Callable[[Heard], bool]) -> Callable[[], None]:
        """Call `listener` with each event, the newest listener first; one that answers True keeps
        it for itself. Returns what ends that."""
        self._listeners.insert(0, listener)
        return lambda: self._listeners.remove(listener)

    def take(self, event: Heard) -> bool:
        """Hand an event on; False when nobody kept it.

        What answers no request (its id is 0, or it has none) is news for everybody.
        """
        listeners = tuple(self._listeners)
        if isinstance(event, OutboundCounted):
            self.counts = event.counts
        elif isinstance(event, SendQueued):
            self.queued = event
        elif isinstance(event, SendCancelled):
            self.queued = None
        if getattr(event, "request_id", 0):
            return any(listener(event) for listener in listeners)
        kept = [listener(event) for listener in listeners]
        return True in kept

    def listen_to_files(self, listener: Callable[[TransferEvent], bool]) -> Callable[[], None]:
        """Call `listener` with each event about files on their way; one that answers True keeps it
        from the mail screen. Returns what ends that."""
        self._about_files.append(listener)
        return lambda: self._about_files.remove(listener)

    def take_file(self, event: TransferEvent) -> bool:
        """Hand on what is told about files; False when nobody kept it."""
        kept = [listener(event) for listener in tuple(self._about_files)]
        return True in kept
