"""The files of one's private keys: `<fingerprint>.asc`, armored, 0600, one key each.

Closes three traps: a private key that others can read (refused, as ssh does, until it is repaired), a
key that replaces another one for good (the older file stays beside it), and an export that overwrites
something (a new file or none).
"""

from __future__ import annotations

import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.crypto.own import OwnKey
from services.errors import CryptoError, UsageError
from services.paths import private_folder, write_private

_NAME: Final = re.compile(r"([0-9A-F]{40})\.asc")
_LARGEST: Final = 256 * 1024
_LOOSE: Final = stat.S_IRWXG | stat.S_IRWXO


class KeyFolder:
    """All private keys of this machine's operator, whichever account they belong to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, fingerprint: str) -> Path:
        """Return where a key lies; it need not exist."""
        return self.folder / f"{fingerprint}.asc"

    def fingerprints(self) -> tuple[str, ...]:
        """Return the keys that lie there, by name, without opening any."""
        try:
            names = sorted(entry.name for entry in self.folder.iterdir())
        except OSError:
            return ()
        return tuple(match[1] for name in names if (match := _NAME.fullmatch(name)))

    def load(self, fingerprint: str) -> OwnKey:
        """Open a key's file; CryptoError when it is missing, readable by others, or another key."""
        path = self.path(fingerprint)
        key = OwnKey.load(read_key_file(path, private=True))
        if key.fingerprint != fingerprint:
            raise CryptoError(f"{path} holds another key than its name says.", "Move it away.")
        return key

    def save(self, key: OwnKey) -> Path:
        """Keep a key; one that lies there under the same name and differs is kept beside it."""
        path = self.path(key.fingerprint)
        data = key.export_private().encode("ascii")
        private_folder(self.folder)
        older = b""
        with suppress(OSError):
            older = path.read_bytes()
        if older and older != data:
            write_new(self._free_name(key.fingerprint), older)
        if older != data:
            write_private(path, data)
        return path

    def _free_name(self, fingerprint: str) -> Path:
        number = 1
        while (path := self.folder / f"{fingerprint}.older-{number}.asc").exists():
            number += 1
        return path


def read_key_file(path: Path, *, private: bool = False) -> bytes:
    """Return a key block from a file of at most 256 KB; CryptoError says why it cannot be used.

    With `private` nobody else may be able to read the file.
    """
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | (os.O_NOFOLLOW if private else 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise CryptoError(f"{path} is not a plain file.", "Name the file of the key.")
            if private:
                _refuse_loose(path, status)
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise CryptoError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > _LARGEST:
        raise CryptoError(f"{path} is too large to be a key.", "Name the file of the key.")
    return data


def _refuse_loose(path: Path, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise CryptoError(f"{path} belongs to another user.", "Import the key again.")
    if status.st_mode & _LOOSE:
        raise CryptoError(
            f"{path} can be read by other users ({stat.S_IMODE(status.st_mode):04o}), so the key in "
            "it is not used.",
            f"Run: chmod 600 {path}",
        )


def write_new(path: Path, data: bytes) -> Path:
    """Write a file that does not exist yet, 0600; UsageError when something is there."""
    path = path.expanduser()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError as error:
        raise UsageError(f"{path} is there already.", "Name a new file.") from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
    return path
