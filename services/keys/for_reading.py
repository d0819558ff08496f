"""The keys as the reader sees them: open or not, whose they are, and whose signature counts.

Closes the trap of a reader on a thread of its own that locks, asks or pins: from here keys are only
looked at. Safe to call from any thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.crypto.certs import PeerKey
from services.crypto.own import UnlockedKey

if TYPE_CHECKING:
    from services.keys.keychain import Keychain


class KeysForReading:
    """What opening mail needs of a keychain (`services.sync.unsealing.ReadingKeys`)."""

    def __init__(self, keychain: Keychain) -> None:
        self._chain = keychain

    @property
    def is_unlocked(self) -> bool:
        """Whether any own key is open; asking does not count as use."""
        return self._chain.is_unlocked

    def own_public(self) -> tuple[PeerKey, ...]:
        """Return the public half of every own key that can be used, the current one first."""
        return tuple(key.public for key in self._chain.own_keys.all())

    def unlocked(self) -> tuple[UnlockedKey, ...]:
        """Return the own keys that are open now; that counts as use."""
        return self._chain.unlocked()

    def pinned_key(self, address: str) -> PeerKey | None:
        """Return the key that signatures of an address are judged by; None without one."""
        return self._chain.signer(address)
