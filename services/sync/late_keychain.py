"""The keychain of a mailbox, made when it is first asked for.

Closes the trap of OpenPGP on the way to the first frame: making a keychain imports what knows keys,
so it happens with the first key request or the first encrypted message, in a thread of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from services.errors import CryptoError

if TYPE_CHECKING:
    from services.keys.keychain import Keychain
    from services.ports import MailProvider


class LateKeychain:
    """What a `Mailbox` knows of keys: perhaps nothing (`make` None), perhaps nothing yet."""

    def __init__(self, make: Callable[[], Keychain] | None = None) -> None:
        self._make = make
        self._made: Keychain | None = None
        self._provider: MailProvider | None = None
        self._making = asyncio.Lock()

    @property
    def made(self) -> Keychain | None:
        """The keychain if it has been asked for before."""
        return self._made

    async def get(self) -> Keychain:
        """Return the keychain; CryptoError when this mailbox has none, ConfigError from its files."""
        if self._make is None:
            raise CryptoError("This mailbox has no keys.")
        async with self._making:
            if self._made is None:
                made = await asyncio.to_thread(self._make)
                made.connect(self._provider)
                self._made = made
        return self._made

    def connect(self, provider: MailProvider | None) -> None:
        """Ask this service for keys from now on; None while there is no connection."""
        self._provider = provider
        if self._made is not None:
            self._made.connect(provider)

    def close(self) -> None:
        """Forget the unlocked keys."""
        if self._made is not None:
            self._made.close()
