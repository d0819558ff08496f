"""A small JSON document that the app and the verbs change at the same time.

Closes two traps: a change that wipes out another one's (every change reads the file again under a
lock), and a damaged file that reads as an empty one, which would pin an attacker's keys as if they
were the first ever seen. Mode 0600, replaced in one step.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.errors import ConfigError, MailError
from services.paths import private_folder, tighten_file, write_private

LARGEST: Final = 64 << 20
"""Bytes of a document that are read."""
_LOCK_SECONDS: Final = 5.0
_LOOK: Final = 0.01


class SharedFile:
    """One JSON object in one file; ConfigError whenever it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: tuple[int, int, int] | None = None
        self._document: dict[str, Any] = {}

    def read(self) -> dict[str, Any]:
        """Return the document, {} when there is no file. It must not be changed by the caller."""
        try:
            seen = _signature(self.path)
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise _unreadable(self.path, error.strerror or "") from error
        if seen != self._seen:
            tighten_file(self.path)
            self._document = _load(self.path)
            self._seen = seen
        return self._document

    @contextmanager
    def change(self) -> Iterator[dict[str, Any]]:
        """Give the document for changing, and write it when the block ends well."""
        private_folder(self.path.parent)
        with _lock(self.path.with_name(f"{self.path.name}.lock")):
            document: dict[str, Any] = json.loads(json.dumps(self.read()))
            yield document
            if document != self.read():
                write_private(self.path, json.dumps(document, indent=1).encode("ascii"))


def read_json(path: Path, limit: int = LARGEST) -> Any:
    """Return what a JSON file of the operator's holds; ConfigError when it is no such file."""
    return _load(path, limit, follow=True)


def _load(path: Path, limit: int = LARGEST, *, follow: bool = False) -> Any:
    try:
        flags = os.O_RDONLY | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
        with os.fdopen(os.open(path, flags), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreadable(path, "it is not a plain file")
            data = file.read(limit + 1)
        document = json.loads(data) if len(data) <= limit else None
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from error
    except (ValueError, RecursionError) as error:
        raise _unreadable(path, "it is not JSON") from error
    if not isinstance(document, dict):
        raise _unreadable(path, "it is not a JSON object")
    return document


def _unreadable(path: Path, why: str) -> MailError:
    return ConfigError(
        f"{path} cannot be used: {why}.",
        "Nothing is taken for granted in its place: repair it, or move it away.",
    )


def _signature(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_ino, found.st_size, found.st_mtime_ns


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock file; it stays, because removing it would let two hold it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from error
    try:
        _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path) -> None:
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if time.monotonic() > until:
                raise ConfigError(
                    f"{path} is held by another agentmail-tui.", "Close that one, or try again."
                ) from error
        time.sleep(_LOOK)
