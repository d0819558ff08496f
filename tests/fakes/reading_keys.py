"""Keys for reading without files or a directory: real OpenPGP keys, held in memory."""

from __future__ import annotations

from services.crypto.certs import PeerKey
from services.crypto.own import OwnKey, UnlockedKey
from services.redact import Secret


class FakeReadingKeys:
    """The keys of one account; `unlock` and `lock` at once."""

    def __init__(self, *own: OwnKey, passphrase: str = "") -> None:
        self.own = list(own)
        self.pins: dict[str, PeerKey] = {}
        self._passphrase = Secret(passphrase) if passphrase else None
        self._open: tuple[UnlockedKey, ...] = ()

    def unlock(self) -> None:
        self._open = tuple(
            key.unlock(self._passphrase if key.is_sealed else None) for key in self.own
        )

    def lock(self) -> None:
        for key in self._open:
            key.close()
        self._open = ()

    @property
    def is_unlocked(self) -> bool:
        return bool(self._open)

    def own_public(self) -> tuple[PeerKey, ...]:
        return tuple(key.public for key in self.own)

    def unlocked(self) -> tuple[UnlockedKey, ...]:
        return self._open

    def pinned_key(self, address: str) -> PeerKey | None:
        return self.pins.get(address)
