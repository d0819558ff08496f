"""Keys for reading without files or a directory: real OpenPGP keys, held in memory."""

from __future__ import annotations

from services.crypto.certs import PeerKey
from services.crypto.own import OwnKey, UnlockedKey
from services.sync.unsealing import KeysAtHand


class FakeReadingKeys:
    """The keys of one account without passphrases; `unlock` and `lock` at once."""

    def __init__(self, *own: OwnKey) -> None:
        self.own = list(own)
        self.pins: dict[str, PeerKey] = {}
        self._open: tuple[UnlockedKey, ...] = ()

    def unlock(self) -> None:
        self._open = tuple(key.unlock() for key in self.own)

    def lock(self) -> None:
        for key in self._open:
            key.close()
        self._open = ()

    def at_hand(self) -> KeysAtHand:
        """What an opener gets."""
        return KeysAtHand(tuple(key.public for key in self.own), self._open, self.pins.get)
