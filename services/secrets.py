"""Where the API token lives, and a passphrase that the operator wants to be remembered.

Closes the trap of a token that is kept somewhere weaker than the operator knows: the places are tried in
one fixed order (the keyring, a 0600 file that the operator agreed to, the environment, and otherwise
the operator is asked for this session; research/crypto.md §6), and no step down happens in silence. A
passphrase is kept in the keyring or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from services.config import Account
from services.environment_token import EnvironmentToken
from services.errors import SecretStoreError
from services.paths import Paths
from services.redact import Secret
from services.system_keyring import KeyringState, SystemKeyring
from services.token_file import TokenFile, clean_token

__all__ = ["FoundToken", "Secret", "SecretStore", "StoredToken", "TokenSource", "clean_token"]


class TokenSource(Enum):
    """Where a token came from or went to."""

    KEYRING = "keyring"
    FILE = "file"
    ENVIRONMENT = "environment"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token, where it was found, and a remark worth telling ("" when there is none)."""

    token: Secret
    source: TokenSource
    remark: str = ""


@dataclass(frozen=True, slots=True)
class StoredToken:
    """Where a token was put, as a sentence for the operator."""

    source: TokenSource
    sentence: str


class SecretStore:
    """Finds and keeps tokens and passphrases, one of each per account."""

    def __init__(
        self,
        paths: Paths,
        *,
        environ: Mapping[str, str] = os.environ,
        keyring: SystemKeyring | None = None,
    ) -> None:
        self._paths = paths
        self._environ = environ
        self._keyring = keyring or SystemKeyring()
        self._session: dict[str, Secret] = {}

    def token(self, account: Account) -> Secret | None:
        """Return the account's token, None when the operator has to be asked.

        SecretStoreError when a token file is there and must not be used.
        """
        found = self.find(account)
        return found.token if found else None

    def find(self, account: Account) -> FoundToken | None:
        """Return the account's token and its source.

        Order: this session, keyring, file, environment; for an account that the environment
        describes, its own token comes before keyring and file.
        """
        session = self._session.get(_key(account))
        if session:
            return FoundToken(session, TokenSource.SESSION)
        if account.from_environment:
            found = self._from_environment(account)
            if found:
                return found
        remark = ""
        try:
            kept = self._keyring.get(_key(account))
            if kept:
                return FoundToken(kept, TokenSource.KEYRING)
        except SecretStoreError as error:
            remark = error.sentence
        return self._from_file(account) or self._from_environment(account, remark)

    def set_token(
        self, account: Account, token: Secret, *, allow_file: bool = False
    ) -> StoredToken:
        """Keep a token for later: in the keyring, else in a 0600 file if that was agreed to.

        SecretStoreError, with the reason and the file's path, when it can be kept nowhere.
        """
        path = self._paths.token_file(account.name)
        try:
            place = self._keyring.put(_key(account), token)
        except SecretStoreError as error:
            if not allow_file:
                raise SecretStoreError(
                    error.sentence,
                    f"The token can be kept for this session only, or in {path} (0600).",
                ) from None
        else:
            with suppress(OSError):
                self._file(account).remove()
            return StoredToken(TokenSource.KEYRING, f"The token is kept in {place}.")
        self._file(account).write(token)
        return StoredToken(TokenSource.FILE, f"The token is kept in {path}, readable by you only.")

    def keep_for_session(self, account: Account, token: Secret) -> StoredToken:
        """Keep a token in memory, until the program ends."""
        self._session[_key(account)] = token
        return StoredToken(TokenSource.SESSION, "The token is kept until the program ends.")

    def forget_token(self, account: Account) -> None:
        """Remove the token from every place that this store writes to."""
        self._session.pop(_key(account), None)
        self._file(account).remove()
        with suppress(SecretStoreError):
            self._keyring.remove(_key(account))

    def passphrase(self, account: Account) -> Secret | None:
        """Return the remembered passphrase of the account's keys; SecretStoreError without keyring."""
        return self._keyring.get(_key(account, "passphrase"))

    def set_passphrase(self, account: Account, passphrase: Secret) -> str:
        """Keep a passphrase in the keyring and tell where, as a sentence; SecretStoreError."""
        place = self._keyring.put(_key(account, "passphrase"), passphrase)
        return f"The passphrase is kept in {place}."

    def forget_passphrase(self, account: Account) -> None:
        """Remove the passphrase from the keyring; SecretStoreError when that does not answer."""
        self._keyring.remove(_key(account, "passphrase"))

    def keyring_state(self) -> KeyringState:
        """Tell whether the keyring can be used; never raises, at most 5 s."""
        return self._keyring.state()

    def _from_environment(self, account: Account, remark: str = "") -> FoundToken | None:
        variable = EnvironmentToken(self._paths.token_uses, account, self._environ)
        given = variable.read()
        if given is None:
            return None
        remarks = f"{remark} {given.remark}".strip()
        return FoundToken(given.token, TokenSource.ENVIRONMENT, remarks)

    def _from_file(self, account: Account) -> FoundToken | None:
        kept = self._file(account).read()
        return FoundToken(kept.token, TokenSource.FILE, kept.remark) if kept else None

    def _file(self, account: Account) -> TokenFile:
        return TokenFile(self._paths.token_file(account.name), account)


def _key(account: Account, kind: str = "token") -> str:
    """Name an entry by the whole base URL: behind a changed one there is no token."""
    return f"{account.base_url}|{account.agent}|{kind}"
