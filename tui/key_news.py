"""What the engine has told about keys: the newest picture, and who wants to hear of it.

Closes the trap of a dialog that takes the answer to somebody else's request for its own: every answer
carries the id of its request, and whoever asked compares it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from services.key_events import KeysChanged
from services.key_models import LockState, PeerView

if TYPE_CHECKING:
    from services.events import KeyEvent, RequestFailed
    from services.key_models import KeysView
    from services.requests import OwnRequest
    from services.safe_text import SafeText

    Heard = KeyEvent | RequestFailed


class KeyNews:
    """The newest `KeysView`, and the listeners to everything else."""

    def __init__(self, ask: Callable[[OwnRequest], int]) -> None:
        self.ask = ask
        self.keys: KeysView | None = None
        self._listeners: list[Callable[[Heard], bool]] = []

    @property
    def lock(self) -> LockState | None:
        """Whether encrypted mail can be read; None while that has not been asked."""
        return self.keys.lock if self.keys is not None else None

    def peer(self, address: SafeText) -> PeerView | None:
        """What is known of the key of an address."""
        wanted = address.lower()
        peers = self.keys.peers if self.keys is not None else ()
        return next((peer for peer in peers if peer.address == wanted), None)

    def listen(self, listener: Callable[[Heard], bool]) -> Callable[[], None]:
        """Call `listener` with each event, the newest listener first; one that answers True keeps
        it for itself. Returns what ends that."""
        self._listeners.insert(0, listener)
        return lambda: self._listeners.remove(listener)

    def take(self, event: Heard) -> bool:
        """Hand an event on; False when nobody kept it. Everybody hears of changed keys."""
        listeners = tuple(self._listeners)
        if not isinstance(event, KeysChanged):
            return any(listener(event) for listener in listeners)
        self.keys = event.keys
        for listener in listeners:
            listener(event)
        return True
