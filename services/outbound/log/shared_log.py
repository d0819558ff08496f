"""One append-only log that several processes write: one transaction at a time, each under a flock.

Closes four traps: a change that is based on what another process has already replaced (every
transaction first takes in what others have committed), a reader that sees a commit which is then
taken back (readers hold the lock shared while they look), a compaction that pulls the file from
under another process (it keeps the old one open, and notices by the inode that there is a new one),
and a name that a power cut takes back (nobody appends before the folder is on the disk).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from services.cache.files import (
    FileOps,
    cache_error,
    open_private,
    tighten,
    write_all,
    write_file,
)
from services.cache.kept_aside import copy_aside, place_aside
from services.cache.log_file import HEADER_SIZE, Header, LogFile, Scan
from services.cache.log_storage import LogStorage, Rewrite
from services.errors import CacheDamaged, CacheError, CacheLocked

LITTLE: Final = 512 * 1024
"""A log below this size is not worth compacting."""
WAIT_SECONDS: Final = 15.0
"""How long a transaction waits for another process before it gives up."""
_LOOK: Final = 0.001
_LINE: Final = 64
"""Bytes of a line besides its document, roughly."""
_PIECE: Final = 256 * 1024


class FolderLock:
    """A lock file: held by one writer or by any number of readers; it dies with its process.

    It is never removed, because two could hold two files of the same name.
    """

    def __init__(self, path: Path, wait: float = WAIT_SECONDS) -> None:
        self._path = path
        self._wait = wait
        self._fd = -1

    @contextmanager
    def held(self, *, shared: bool = False) -> Iterator[None]:
        """Hold the lock; CacheLocked when another process does not let go of it."""
        self._take(fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _take(self, how: int) -> None:
        until = time.monotonic() + self._wait
        while True:
            try:
                if self._fd < 0:
                    self._fd = open_private(self._path, os.O_RDWR | os.O_CREAT)
                fcntl.flock(self._fd, how | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise CacheLocked(
                        "Another agentmail-tui holds the outgoing mail of this account.",
                        "Close it or wait until it has finished, then try again.",
                    ) from error
                time.sleep(_LOOK)
            except OSError as error:
                raise cache_error(error, "locking the outgoing mail") from error
            else:
                if self._is_in_place():
                    return
                self.close()

    def _is_in_place(self) -> bool:
        with suppress(OSError):
            return os.path.samestat(os.fstat(self._fd), self._path.lstat())
        return False


class SharedLog:
    """The log at `path` with its tables in `storage`, as this process knows it.

    `version` grows whenever that changes; `repairs` tells what had to be set aside. For one thread
    at a time.
    """

    def __init__(self, path: Path, ops: FileOps) -> None:
        self.version = 0
        self.repairs: list[str] = []
        self.is_damaged = False
        """Commits are missing between good ones: the next transaction has to say so and compact."""
        self._path = path
        self._ops = ops
        self._lock = FolderLock(path.with_suffix(".lock"))
        self._is_named = False
        self._is_stale = True
        self._has_copy = False
        with self._lock.held():
            try:
                tighten(path)
                if not path.exists():
                    self._create()
                self.storage = self._first()
            except OSError as error:
                raise cache_error(error, "opening the outgoing mail") from error

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return self._path.parent

    def close(self) -> None:
        """Stop writing."""
        self.storage.close()
        self._lock.close()

    # ── reading and writing ──────────────────────────────────────────────────────────────────────

    def refresh(self) -> bool:
        """Take in what other processes have committed; True when there was something."""
        if not self._is_behind():
            return False
        with self._lock.held(shared=True):
            return self._catch_up()

    @contextmanager
    def transaction(self, after: Callable[[], None]) -> Iterator[None]:
        """Hold the lock, caught up; what is staged in `storage` is committed at the end.

        `after` runs behind a commit, still under the lock. Raises DiskFull, CacheLocked or
        CacheError; nothing has changed then.
        """
        with self._lock.held():
            self._catch_up()
            self._mend()
            self._name()
            before = self.storage.log.end
            try:
                with self.storage.transaction():
                    yield
            except CacheError:
                # A write that failed may have left something behind: look at the file anew.
                self._is_stale = True
                raise
            self.version += self.storage.log.end != before
            after()

    @property
    def is_worth_compacting(self) -> bool:
        """Most of the file is garbage."""
        tables = self.storage.maps.values()
        live = sum(table.live_bytes + _LINE * len(table) for table in tables)
        return self.storage.log.end > LITTLE and 2 * live < self.storage.log.end

    def compact(self, *, without: tuple[str, int] | None = None, wipe: bool = False) -> None:
        """Write the log anew with what lives, `without` one document; only inside `transaction`.

        With `wipe` the old file is overwritten before it goes, since other processes may keep it
        open for days. Raises DiskFull or CacheError; the old file stands then.
        """
        rewrite = Rewrite(self.storage, without)
        try:
            old = open_private(self._path, os.O_RDWR)
            try:
                write_file(self._ops, self._path, rewrite.chunks(), durable=True)
                self._reopen()
                # Before the wiping: a power cut must not bring back a file without its content.
                self._name()
                if wipe:
                    self._overwrite(old)
            finally:
                os.close(old)
        except OSError as error:
            raise cache_error(error, "compacting the outgoing mail") from error

    # ── keeping up ───────────────────────────────────────────────────────────────────────────────

    def _is_behind(self) -> bool:
        try:
            there = self._path.stat()
        except OSError:
            return True
        mine = os.fstat(self.storage.log.handle.fileno())
        is_same = os.path.samestat(there, mine)
        return self._is_stale or not is_same or there.st_size != self.storage.log.end

    def _catch_up(self) -> bool:
        try:
            there = self._path.stat()
        except OSError as error:
            raise CacheError(
                f"The outgoing mail of this account cannot be read ({error.strerror}).",
                "Start the program again; what another one has open is not lost.",
            ) from error
        mine = os.fstat(self.storage.log.handle.fileno())
        is_shorter = there.st_size < self.storage.log.end
        if self._is_stale or is_shorter or not os.path.samestat(there, mine):
            self._reopen()
            return True
        return self._replay(self.storage)

    def _reopen(self) -> None:
        """Open the file that has the name now; while that fails, the one before is only read."""
        self._is_stale = True
        self.storage.close()
        try:
            self.storage = self._opened()
        except CacheDamaged as error:
            raise CacheDamaged(
                f"The file of drafts and outgoing mail {error.sentence}.",
                "Start the program again: it keeps the file aside and begins a new one.",
            ) from error
        except OSError as error:
            raise cache_error(error, "opening the outgoing mail") from error

    def _first(self) -> LogStorage:
        try:
            return self._opened()
        except CacheDamaged as error:
            if "newer" in error.sentence:
                raise CacheError(
                    f"The outgoing mail of this account {error.sentence}.", "Use that version."
                ) from error
            aside = place_aside(self._path)
            self._path.replace(aside)
            self.repairs.append(
                f"The file of drafts and outgoing mail {error.sentence}; it was kept as"
                f" {aside.name} and a new one was begun."
            )
            self._create()
            return self._opened()

    def _create(self) -> None:
        try:
            write_file(self._ops, self._path, [Header.new().encode()], durable=True)
        except OSError as error:
            raise cache_error(error, "beginning the outgoing mail") from error

    def _opened(self) -> LogStorage:
        log = LogFile(self._path, self._ops, writable=True)
        storage = LogStorage(log, {}, ())
        log.end = HEADER_SIZE
        self.is_damaged = self._has_copy = self._is_named = False
        self._replay(storage)
        self._is_stale = False
        self.version += 1
        return storage

    def _replay(self, storage: LogStorage) -> bool:
        log = storage.log
        scan = Scan(log.end)
        start = log.end
        for commit in log.commits(start, scan):
            storage.replay(commit)
        log.end = scan.good_end
        self.is_damaged = self.is_damaged or bool(scan.gaps) or scan.spoilt_tail
        self.version += log.end != start
        return log.end != start

    def _name(self) -> None:
        if not self._is_named:
            try:
                self._ops.sync_folder(self._path.parent)
            except OSError as error:
                raise cache_error(error, "keeping the outgoing mail") from error
            self._is_named = True

    # ── damage ───────────────────────────────────────────────────────────────────────────────────

    def _mend(self) -> None:
        """Drop a write that was cut short; what was damaged otherwise is kept aside first."""
        log = self.storage.log
        if self.is_damaged and not self._has_copy:
            self._keep_copy()
        if log.handle.size > log.end:
            log.cut(log.end)
        with suppress(OSError):
            self._path.with_name(f"{self._path.name}.new").unlink()

    def _keep_copy(self) -> None:
        aside = copy_aside(self._path, "keeping a copy of a damaged file")
        self._has_copy = True
        self.repairs.append(
            "A part of the drafts and the outgoing mail was damaged on the disk; the file was kept"
            f" as {aside.name}. Look whether a draft is missing."
        )

    def _overwrite(self, descriptor: int) -> None:
        size = os.fstat(descriptor).st_size
        for at in range(0, size, _PIECE):
            write_all(self._ops, descriptor, bytes(min(_PIECE, size - at)), at)
        self._ops.sync(descriptor)
