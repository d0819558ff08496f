"""Where the API token lives, and a passphrase that the operator wants to be remembered.

Closes the trap of a token that is kept somewhere weaker than the operator knows: the places are tried in
one fixed order (the keyring, a 0600 file that the operator agreed to, the environment, and otherwise
the operator is asked for this session; research/crypto.md §6), and no step down happens in silence. A
passphrase is kept in the keyring or not at all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from services.config import ENV_TOKEN, Account
from services.errors import ConfigError, SecretStoreError, UsageError
from services.paths import Paths, tighten_file, write_private
from services.redact import Secret
from services.system_keyring import KeyringState, SystemKeyring

__all__ = ["FoundToken", "Secret", "SecretStore", "StoredToken", "TokenSource", "clean_token"]

_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_LARGEST_FILE: Final = 8_192


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


def clean_token(text: str) -> Secret:
    """Return a pasted token without blanks around it; UsageError when it cannot be one."""
    stripped = text.strip()
    if stripped.lower().startswith("bearer "):
        stripped = stripped[7:].strip()
    if not _TOKEN.fullmatch(stripped):
        del text, stripped  # a traceback with locals would print what may well be a token
        raise UsageError(
            "That is not a token: it must be 1 to 4096 visible ASCII characters without spaces.",
            "Copy it again from the dashboard.",
        )
    return Secret(stripped)


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
        file = self._paths.token_file(account.name)
        try:
            place = self._keyring.put(_key(account), token)
        except SecretStoreError as error:
            if not allow_file:
                raise SecretStoreError(
                    error.sentence,
                    f"The token can be kept for this session only, or in {file} (0600).",
                ) from None
        else:
            with suppress(OSError):
                file.unlink()
            return StoredToken(TokenSource.KEYRING, f"The token is kept in {place}.")
        _write_token(file, token)
        return StoredToken(TokenSource.FILE, f"The token is kept in {file}, readable by you only.")

    def keep_for_session(self, account: Account, token: Secret) -> StoredToken:
        """Keep a token in memory, until the program ends."""
        self._session[_key(account)] = token
        return StoredToken(TokenSource.SESSION, "The token is kept until the program ends.")

    def forget_token(self, account: Account) -> None:
        """Remove the token from every place that this store writes to."""
        self._session.pop(_key(account), None)
        with suppress(FileNotFoundError):
            self._paths.token_file(account.name).unlink()
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
        if not account.takes_environment_token or not self._environ.get(ENV_TOKEN, "").strip():
            return None
        try:
            token = clean_token(self._environ[ENV_TOKEN])
        except UsageError as error:
            raise SecretStoreError(f"{ENV_TOKEN}: {error.sentence}", error.next_step) from None
        return FoundToken(token, TokenSource.ENVIRONMENT, remark)

    def _from_file(self, account: Account) -> FoundToken | None:
        file = self._paths.token_file(account.name)
        try:
            loose = tighten_file(file)
            with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
                token = clean_token(opened.read(_LARGEST_FILE).decode("ascii"))
        except FileNotFoundError:
            return None
        except ConfigError as error:
            raise SecretStoreError(error.sentence, error.next_step) from None
        except OSError as error:
            raise SecretStoreError(f"{file} cannot be read: {error.strerror}.") from None
        except (UnicodeDecodeError, UsageError):
            raise SecretStoreError(
                f"{file} does not hold a token.", "Remove it and set the token up again."
            ) from None
        remark = f"{file} was readable by others and has been made 0600." if loose else ""
        return FoundToken(token, TokenSource.FILE, remark)


def _key(account: Account, kind: str = "token") -> str:
    return f"{account.base_url}|{account.agent}|{kind}"


def _write_token(file: Path, token: Secret) -> None:
    try:
        write_private(file, f"{token.reveal()}\n".encode("ascii"))
    except ConfigError as error:
        refusal = SecretStoreError(error.sentence, error.next_step)
    else:
        return
    # Raised here, so that it does not drag along the frame that held the token's bytes.
    raise refusal
