"""The few calls by which the cache touches the disk, its private modes, and its lock.

Closes three traps: a umask that leaves mail readable by others, a lock left behind by a dead
process (`flock` dies with it), and code whose crash safety cannot be tested (every durable step
goes through `FileOps`, so a test can stop the process before each one).
"""

from __future__ import annotations

import errno
import fcntl
import os
import weakref
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from services.errors import CacheError, CacheLocked, DiskFull

FILE_MODE: Final = 0o600
FOLDER_MODE: Final = 0o700
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class FileOps:
    """The durable steps: each either happens or raises OSError."""

    def write(self, fd: int, data: bytes | bytearray, offset: int) -> int:
        """Write at an offset and return how many bytes the system took."""
        return os.pwrite(fd, data, offset)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Wait until the content is on the disk."""
        getattr(os, "fdatasync", os.fsync)(fd)

    def replace(self, source: Path, target: Path) -> None:
        """Put a file in the place of another, atomically."""
        source.replace(target)

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in a folder are on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def cache_error(error: OSError, doing: str) -> CacheError:
    """Turn a failure of the disk into what the operator should read."""
    if error.errno in _FULL:
        return DiskFull(
            f"The disk is full: {doing} was not possible.",
            "Free some space; nothing that was saved before is lost.",
        )
    return CacheError(f"The local cache failed ({error.strerror}) while {doing}.")


def private_folder(folder: Path) -> None:
    """Create a folder of mode 0700 with its parents, or tighten the one that is there."""
    for missing in reversed([parent for parent in folder.parents if not parent.exists()]):
        # One by one: `parents=True` would leave them to the umask.
        missing.mkdir(mode=FOLDER_MODE, exist_ok=True)
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)
    if folder.stat().st_mode & 0o777 != FOLDER_MODE:
        folder.chmod(FOLDER_MODE)


def tighten(path: Path) -> None:
    """Take from others what a loose mode gave them; what a link points to is left alone."""
    if not path.is_symlink() and path.exists() and path.stat().st_mode & 0o777 != FILE_MODE:
        path.chmod(FILE_MODE)


def open_private(path: Path, flags: int) -> int:
    """Open a file that only its owner may read, creating it if `flags` say so."""
    fd = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, FILE_MODE)
    if flags & (os.O_WRONLY | os.O_RDWR):
        os.fchmod(fd, FILE_MODE)
    return fd


def write_file(ops: FileOps, path: Path, chunks: Iterable[bytes], *, durable: bool) -> None:
    """Write a whole file beside its name and put it in place; raises OSError and leaves no rest.

    With `durable` the content is on the disk before the name points to it; the name itself is only
    after `sync_folder`.
    """
    beside = path.with_name(path.name + ".new")
    fd = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        offset = 0
        for chunk in chunks:
            write_all(ops, fd, chunk, offset)
            offset += len(chunk)
        if durable:
            ops.sync(fd)
        ops.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(fd)


def write_all(ops: FileOps, fd: int, data: bytes | bytearray, offset: int) -> None:
    """Write everything; what the system does not take at once is asked for again, to learn why."""
    done = ops.write(fd, data, offset)
    while done < len(data):
        more = ops.write(fd, data[done:], offset + done)
        if more == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done += more


class ReadHandle:
    """An open file that snapshots read from; it closes when the last of them is gone."""

    __slots__ = ("__weakref__", "_fd")

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self._fd)

    def read(self, offset: int, length: int) -> bytes:
        """Return the bytes at an offset (fewer at the end of the file)."""
        return os.pread(self._fd, length, offset)

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self._fd).st_size

    def fileno(self) -> int:
        """The descriptor, for mapping the file."""
        return self._fd


class WriterLock:
    """The right to write to one cache folder, held by one process at a time."""

    def __init__(self, path: Path) -> None:
        self._fd = open_private(path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._fd)
            raise CacheLocked(
                "Another agentmail-tui is using this mailbox.",
                "It opens read-only here; close the other one to make changes.",
            ) from error

    def release(self) -> None:
        """Let the next one write; harmless when repeated."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
