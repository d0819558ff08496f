"""Where a passphrase may be kept for later: the keyring, and nowhere else.

Closes the trap of a passphrase in a file beside the key that it seals: unlike the token it never
steps down to one (research/crypto.md §6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from services.errors import SecretStoreError
from services.redact import Secret

if TYPE_CHECKING:
    from services.config import Account
    from services.secrets import SecretStore


class PassphraseKeeper(Protocol):
    """Keeps the passphrase of one account. Each call blocks up to 5 s: call it in a thread."""

    def get(self) -> Secret | None:
        """Return the kept passphrase; None when there is none or the keyring does not answer."""
        ...

    def put(self, passphrase: Secret) -> str:
        """Keep it and return where, as a sentence; SecretStoreError when it can be kept nowhere."""
        ...

    def forget(self) -> None:
        """Remove it; SecretStoreError when the keyring does not answer."""
        ...


class KeyringPassphrase:
    """The account's entry in the keyring (`services.secrets`)."""

    def __init__(self, account: Account, secrets: SecretStore) -> None:
        self._account = account
        self._secrets = secrets

    def get(self) -> Secret | None:
        """Return the kept passphrase, None when there is none or no keyring."""
        try:
            return self._secrets.passphrase(self._account)
        except SecretStoreError:
            return None

    def put(self, passphrase: Secret) -> str:
        """Keep it and return where."""
        return self._secrets.set_passphrase(self._account, passphrase)

    def forget(self) -> None:
        """Remove it."""
        self._secrets.forget_passphrase(self._account)


class _NoKeeper:
    """Keeps nothing."""

    def get(self) -> Secret | None:
        return None

    def put(self, passphrase: Secret) -> str:
        del passphrase
        raise SecretStoreError("There is no keyring here.")

    def forget(self) -> None:
        return None


NO_KEEPER: Final[PassphraseKeeper] = _NoKeeper()
