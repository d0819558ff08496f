"""Who works on a mail of the outbox now: one process, and for as long as that lives.

Closes the trap of a claim that outlives its process, or of one that looks dead and is not (process
numbers are used again, and mean nothing in another container): the kernel lets go of a `flock` when
its process ends, and only then. Whoever gets the lock of a CLAIMED mail knows that its sender died.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Set
from contextlib import suppress
from pathlib import Path
from typing import Final

from services.cache.files import cache_error, open_private, private_folder

FOLDER: Final = "at-work"


class WorkLock:
    """The lock of one mail; hold it while sealing, uploading and sending."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def release(self, *, for_good: bool = False) -> None:
        """Let go; `for_good` takes the file away, which nobody needs any more."""
        if for_good:
            with suppress(OSError):
                self._path.unlink()
        os.close(self._descriptor)


class WorkLocks:
    """The locks of one account's outbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def is_there(self, entry_id: str) -> bool:
        """Whether somebody has begun to work on a mail, now or before."""
        return (self._folder / entry_id).exists()

    def take(self, entry_id: str) -> WorkLock | None:
        """Return the lock of a mail, None when somebody works on it; DiskFull, CacheError."""
        try:
            return self._taken(self._folder / entry_id)
        except OSError as error:
            raise cache_error(error, "beginning to send a mail") from error

    def _taken(self, path: Path) -> WorkLock | None:
        private_folder(self._folder)
        while True:
            descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            if _is_in_place(path, descriptor):
                return WorkLock(path, descriptor)
            # Its last holder took the file away between our two calls: another one may hold a new.
            os.close(descriptor)


def sweep(folder: Path, kept: Callable[[], Set[str]]) -> None:
    """Remove what lies in a folder under other names than `kept` gives; what refuses stays.

    The folder is read first: what another process begins meanwhile is not touched, since a mail is
    queued before anything is made for it.
    """
    try:
        found = tuple(folder.iterdir())
    except OSError:
        return
    names = kept() if found else set()
    for path in found:
        if path.name in names:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _is_in_place(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except OSError:
        return False
