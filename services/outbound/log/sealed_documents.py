"""Documents that only the own key opens: drafts of encrypted mail, and the local copies of it.

Closes two traps: decrypted or private text in the log in clear although the account has a key, and
a locked key that keeps somebody from writing: sealing needs the public half only. Everything here may
be slow (RSA): call it in a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from services.cache.documents import decode, encode
from services.errors import CacheDamaged, CryptoError, MailError

if TYPE_CHECKING:
    from services.crypto.certs import PeerKey
    from services.keys.keychain import Keychain

_LIMIT: Final = 256 * 1024 * 1024
"""Bytes of one document, far above what a mail may be."""
_SEALED: Final = "sealed"
_CLEAR: Final = "clear"

Document = dict[str, Any]


class Sealer(Protocol):
    """Seals to the account's own key."""

    @property
    def hindrance(self) -> str:
        """Why nothing can be sealed, as a sentence; "" when it can."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether `open` can succeed now; asking does not count as use of the key."""
        ...

    def seal(self, data: bytes, /) -> bytes:
        """Return ASCII that only the own key opens; CryptoError when `hindrance` says so."""
        ...

    def open(self, data: bytes, /, *, quietly: bool = False) -> bytes:
        """Return what was sealed; Locked, NoKey or another CryptoError.

        `quietly` does not count as use: locking when idle is not put off.
        """
        ...


class KeychainSealer:
    """Seals to the current key of a keychain, and opens with any that is unlocked."""

    def __init__(self, keychain: Keychain) -> None:
        self._chain = keychain

    @property
    def hindrance(self) -> str:
        """Why nothing can be sealed, as a sentence; "" when it can."""
        try:
            self._own()
        except MailError as error:
            return error.sentence
        return ""

    @property
    def is_open(self) -> bool:
        """Whether an own key is unlocked."""
        return self._chain.is_unlocked

    def seal(self, data: bytes, /) -> bytes:
        """Return an armored message to the own key; NoKey, KeyUnusable."""
        from services.crypto import messages

        return messages.encrypt(data, (self._own(),))

    def open(self, data: bytes, /, *, quietly: bool = False) -> bytes:
        """Return what was sealed; Locked, NoKey, NotForMe, Damaged."""
        from services.crypto import messages
        from services.crypto.errors import Locked

        if quietly:
            names = self._chain.own_keys.fingerprints() if self._chain.is_unlocked else ()
            keys = tuple(key for name in names if (key := self._chain.opened(name)) is not None)
            if not keys:
                raise Locked
        else:
            keys = self._chain.opening()
        return messages.decrypt(data, keys, limit=_LIMIT).data

    def _own(self) -> PeerKey:
        """Return the current key, or a former one if nothing can be encrypted to that any more."""
        for key in self._chain.own_keys.all():
            if not key.public.why:
                return key.public
        found = self._chain.own_keys.require_current().public
        found.require()
        return found


class NoSealer:
    """What an account without keys has."""

    hindrance: Final = "This mailbox has no keys."
    is_open: Final = False

    def seal(self, _data: bytes, /) -> bytes:
        """Raise CryptoError."""
        raise CryptoError(self.hindrance, "Generate or import a key.")

    def open(self, _data: bytes, /, *, quietly: bool = False) -> bytes:  # noqa: ARG002
        """Raise CryptoError."""
        raise CryptoError(self.hindrance, "Import the key that it was sealed to.")


def closed(document: Mapping[str, Any], sealer: Sealer | None) -> Document:
    """Return a document as it may be stored: sealed, or in clear without a sealer; CryptoError."""
    if sealer is None:
        return {_CLEAR: dict(document)}
    return {_SEALED: sealer.seal(encode(document)).decode("ascii")}


def opened(stored: Mapping[str, Any], sealer: Sealer, *, quietly: bool = False) -> Document:
    """Return the document that `closed` made; as `Sealer.open`, CacheDamaged when it is none."""
    clear, sealed = stored.get(_CLEAR), stored.get(_SEALED)
    if isinstance(clear, dict):
        return clear
    if not isinstance(sealed, str):
        raise CacheDamaged("A record of the outgoing mail is damaged.")
    try:
        return decode(sealer.open(sealed.encode("ascii", "replace"), quietly=quietly))
    except ValueError as error:
        raise CacheDamaged("A record of the outgoing mail is damaged.") from error


def is_sealed(stored: Mapping[str, Any]) -> bool:
    """Tell whether a stored document is sealed."""
    return _SEALED in stored
