"""The file that an account's token lies in where there is no keyring: the token, and whom it is for.

Closes the trap of a token that follows an edited configuration (`services.token_owner`): the second line
names the kind of service and the origin that the token was kept for, and it is checked at every use.
A file of one line (as earlier versions wrote it) is for the account as it stands when the file is
first used.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.config import Account
from services.errors import ConfigError, SecretStoreError, UsageError
from services.paths import tighten_file, write_private
from services.redact import Secret
from services.token_owner import OWNER, of_another, owner_of

_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_LARGEST: Final = 8_192


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


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token as it was found, and a remark worth telling ("" when there is none)."""

    token: Secret
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file says; `owner` is "" in one that does not name whom its token is for."""

    token: Secret
    owner: str
    size: int
    ends_line: bool


class TokenFile:
    """One account's file; what raises is a SecretStoreError with the path in its sentence."""

    def __init__(self, path: Path, account: Account) -> None:
        self._path = path
        self._account = account

    def read(self) -> KeptToken | None:
        """Return the token, None without a file.

        SecretStoreError for a file that is not ours or holds no token, and for a token that was
        kept for another service than the account names now.
        """
        try:
            is_loose = tighten_file(self._path)
            content = self._content()
        except FileNotFoundError:
            return None
        except ConfigError as error:
            raise SecretStoreError(error.sentence, error.next_step) from None
        except OSError as error:
            raise SecretStoreError(f"{self._path} cannot be read: {error.strerror}.") from None
        if content is None:
            raise SecretStoreError(
                f"{self._path} does not hold a token.", "Remove it and set the token up again."
            )
        remark = f"{self._path} was readable by others and has been made 0600." if is_loose else ""
        if not content.owner:
            remark = f"{remark} {self._bind(content)}".strip()
        elif content.owner != owner_of(self._account):
            raise of_another(f"The token in {self._path}", content.owner, self._account)
        return KeptToken(content.token, remark)

    def write(self, token: Secret) -> None:
        """Keep a token for the account as it is now; SecretStoreError when the disk refuses."""
        owner = owner_of(self._account)
        try:
            write_private(self._path, f"{token.reveal()}\n{owner}\n".encode("ascii"))
        except ConfigError as error:
            refusal = SecretStoreError(error.sentence, error.next_step)
        else:
            return
        # Raised here, so that it does not drag along the frame that held the token's bytes.
        raise refusal

    def remove(self) -> None:
        """Take the file away; nothing happens without one."""
        with suppress(FileNotFoundError):
            self._path.unlink()

    def _content(self) -> _Content | None:
        """Read the file; None for one that holds no token."""
        with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as opened:
            data = opened.read(_LARGEST)
        lines = [line for line in data.decode("ascii", "replace").split("\n") if line.strip()]
        owner = lines[1].strip() if len(lines) == 2 else ""
        is_read = len(data) < _LARGEST and 1 <= len(lines) <= 2
        if not is_read or (owner and not OWNER.fullmatch(owner)):
            return None
        try:
            token = clean_token(lines[0])
        except UsageError:
            return None
        return _Content(token, owner, len(data), data.endswith(b"\n"))

    def _bind(self, content: _Content) -> str:
        """Add whom the token is for; return a remark when that cannot be written.

        Added at the end, not written anew: a token that another process has put there just now, in
        a new file, is never written over with this one.
        """
        line = f"{owner_of(self._account)}\n".encode("ascii")
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "wb", buffering=0) as opened:
                fcntl.flock(opened, fcntl.LOCK_EX)
                if os.fstat(descriptor).st_size == content.size:
                    opened.write(line if content.ends_line else b"\n" + line)
                    os.fsync(descriptor)
        except OSError as error:
            return f"{self._path} cannot be tied to its service: {error.strerror}."
        return ""
