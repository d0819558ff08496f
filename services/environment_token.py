"""The token in AGENTMAIL_TOKEN, and the record of the services that it was used for.

Closes the trap of a variable that is set once and a configuration that is edited later: alone, without
AGENTMAIL_API_BASE_URL beside it, the token says nothing about whom it is for. So the first use ties it
to the service that the account names then, and behind a changed `base_url` it is not sent. Another
token is tied anew. The record holds digests, no token.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from services.config import ENV_BASE_URL, ENV_TOKEN, Account
from services.errors import ConfigError, SecretStoreError, UsageError
from services.paths import tighten_file, write_private
from services.redact import Secret
from services.token_file import KeptToken, clean_token
from services.token_owner import OWNER, of_another, owner_of

_DIGITS: Final = 32
_MOST: Final = 64
"""Tokens that are remembered; the one used first is forgotten first."""
_LARGEST: Final = 1 << 18


class EnvironmentToken:
    """One account's view of the variable; what raises is a SecretStoreError."""

    def __init__(self, record: Path, account: Account, environ: Mapping[str, str]) -> None:
        self._record = record
        self._account = account
        self._environ = environ

    def read(self) -> KeptToken | None:
        """Return the token, None when there is none or it is not meant for this account.

        SecretStoreError for what is no token, and for one that was used for another service.
        """
        if (
            not self._account.takes_environment_token
            or not self._environ.get(ENV_TOKEN, "").strip()
        ):
            return None
        try:
            token = clean_token(self._environ[ENV_TOKEN])
        except UsageError as error:
            raise SecretStoreError(f"{ENV_TOKEN}: {error.sentence}", error.next_step) from None
        if self._account.from_environment:
            # The address stands beside the token: both come from the same hand.
            return KeptToken(token)
        return KeptToken(token, self._require_owner(token))

    def _require_owner(self, token: Secret) -> str:
        """Check whom the token is for, or take that down; returns a remark worth telling."""
        try:
            known = self._known()
        except (OSError, ConfigError) as error:
            reason = error.sentence if isinstance(error, ConfigError) else f"{error.strerror}."
            raise SecretStoreError(
                f"{self._record}, which says whom {ENV_TOKEN} is for, cannot be used: {reason}",
                "Repair it, or remove it.",
            ) from None
        mark, owner = _mark_of(token), owner_of(self._account)
        before = known.get(mark)
        if before is None:
            return self._tie({**known, mark: owner})
        if before != owner:
            raise of_another(
                f"The token in {ENV_TOKEN}",
                before,
                self._account,
                f"If the service itself has moved, set {ENV_BASE_URL} too, "
                f"or remove {self._record}.",
            )
        return ""

    def _known(self) -> dict[str, str]:
        """Who each token is for, by its mark, oldest first; lines that say nothing are passed over."""
        try:
            tighten_file(self._record)
            descriptor = os.open(self._record, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return {}
        with os.fdopen(descriptor, "rb") as opened:
            lines = opened.read(_LARGEST).decode("ascii", "replace").splitlines()
        pairs = (line.partition(" ") for line in lines)
        return {mark: owner for mark, _, owner in pairs if OWNER.fullmatch(owner)}

    def _tie(self, known: Mapping[str, str]) -> str:
        lines = [f"{mark} {owner}\n" for mark, owner in known.items()][-_MOST:]
        with suppress(ConfigError):
            write_private(self._record, "".join(lines).encode("ascii"))
            return ""
        return f"{ENV_TOKEN} cannot be tied to its service: {self._record} cannot be written."


def _mark_of(token: Secret) -> str:
    return sha256(f"agentmail-tui\n{token.reveal()}".encode("ascii")).hexdigest()[:_DIGITS]
