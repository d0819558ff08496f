"""The log of one account as a whole: opening whatever is there, repairing, compacting.

Closes the trap of a cache that cannot be opened after a crash. A write cut short is dropped in
silence: it was never acknowledged. Damage is never met in silence: the file is kept aside as a
copy, what can be read is kept, the sync state is forgotten so that the next sync fetches the rest,
and a sentence says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.cache import checkpoint
from services.cache.checkpoint import MESSAGES
from services.cache.columns import Columns
from services.cache.files import FileOps, cache_error, tighten, write_file
from services.cache.index import MessageIndex
from services.cache.kept_aside import copy_aside, place_aside
from services.cache.log_file import HEADER_SIZE, Header, LogFile, Scan
from services.cache.log_storage import DocumentMap, LogStorage, PlainMap, Rewrite
from services.errors import CacheDamaged, CacheError

LOG_NAME: Final = "mail.log"
INDEX_NAME: Final = "mail.index"
STATE: Final = "state"
_LITTLE: Final = 1024 * 1024
"""A log below this size is not worth compacting."""
TAIL: Final = 8 * 1024 * 1024
"""Bytes of commits after which the index is saved without being asked."""


class MailLog:
    """The open log with its tables and its index; `repairs` tells what had to be set aside."""

    def __init__(self, folder: Path, ops: FileOps, *, read_only: bool) -> None:
        self.repairs: list[str] = []
        self._folder = folder
        self._path = folder / LOG_NAME
        self._index_path = folder / INDEX_NAME
        self._ops = ops
        self._read_only = read_only
        self._covered = 0
        self._verified = False
        if not read_only:
            tighten(self._path)
            tighten(self._index_path)
        log = self._open_file()
        self.index = MessageIndex(log.header.key, Columns.empty())
        self.storage = LogStorage(log, {MESSAGES: self.index}, ())
        self._take_in(checkpoint.load(self._index_path, log))

    # ── opening ──────────────────────────────────────────────────────────────────────────────────

    def _open_file(self) -> LogFile:
        if not self._path.exists():
            if self._read_only:
                raise CacheError(
                    "There is no local mailbox here yet.", "Open it once without --read-only."
                )
            self._create()
        try:
            return LogFile(self._path, self._ops, writable=not self._read_only)
        except CacheDamaged as error:
            if self._read_only:
                raise CacheDamaged(f"The local cache {error.sentence}.") from error
            aside = place_aside(self._path)
            self._path.replace(aside)
            self.repairs.append(
                f"The local cache {error.sentence}; it was kept as {aside.name}"
                " and the mail is fetched again."
            )
            self._create()
            return LogFile(self._path, self._ops, writable=True)

    def _create(self) -> None:
        try:
            write_file(self._ops, self._path, [Header.new().encode()], durable=True)
            self._ops.sync_folder(self._folder)
        except OSError as error:
            raise cache_error(error, "creating the local cache") from error

    def _take_in(self, loaded: checkpoint.Loaded | None) -> None:
        log, storage = self.storage.log, self.storage
        self.index = loaded.index if loaded else MessageIndex(log.header.key, Columns.empty())
        storage.maps = loaded.maps if loaded else {MESSAGES: self.index}
        storage.names = dict.fromkeys(loaded.names if loaded else ())
        self._covered = loaded.covered if loaded else HEADER_SIZE
        self._verified = loaded is None
        scan = Scan(self._covered)
        for commit in log.commits(self._covered, scan):
            storage.replay(commit)
        storage.settle(list(storage.maps))
        log.end = scan.good_end
        if not self._read_only:
            self._mend(scan, log.handle.size)
            if self.tail > TAIL // 2:
                self.save_index()

    def _mend(self, scan: Scan, size: int) -> None:
        if scan.gaps or scan.spoilt_tail:
            self._keep_copy()
        if size > scan.good_end:
            self.storage.log.cut(scan.good_end)
        if scan.gaps:
            # What the damaged commits said is unknown: only a full walk can bring it back.
            with self.storage.transaction():
                self.storage.commit(STATE, dict.fromkeys(self.storage.ids(STATE)))
            self.compact()

    def _keep_copy(self) -> None:
        aside = copy_aside(self._path, "keeping a copy of a damaged cache")
        self.repairs.append(
            f"A part of the local cache was damaged; the file was kept as {aside.name}"
            " and what is missing is fetched again."
        )

    # ── keeping ──────────────────────────────────────────────────────────────────────────────────

    @property
    def tail(self) -> int:
        """Bytes of commits that the saved index does not know."""
        return self.storage.log.end - self._covered

    @property
    def garbage(self) -> int:
        """Bytes that a compaction would free, roughly."""
        live = sum(table.live_bytes + 32 * len(table) for table in self.storage.maps.values())
        return self.storage.log.end - live

    def save_index(self) -> None:
        """Save the index; a failure costs the next opening time and nothing else."""
        if self._read_only or not self.tail:
            return
        try:
            checkpoint.save(self._index_path, self.storage, self.index, self._ops)
            self._covered = self.storage.log.end
        except OSError:
            self._index_path.with_name(INDEX_NAME + ".new").unlink(missing_ok=True)

    def tidy(self) -> bool:
        """Verify the log once, compact it when most of it is garbage, else save the index.

        True when the log was written anew (slots have other numbers then).
        """
        if not self._verified and self._damaged():
            self._take_in(None)
            return True
        if self.storage.log.end > _LITTLE and 2 * self.garbage > self.storage.log.end:
            self.compact()
            return True
        self.save_index()
        return False

    def _damaged(self) -> bool:
        log = self.storage.log
        scan = Scan(HEADER_SIZE)
        for _ in log.commits(HEADER_SIZE, scan):
            pass
        self._verified = True
        return bool(scan.gaps) or scan.good_end != log.end

    def compact(self) -> None:
        """Write the log anew with what lives, in date order.

        Raises DiskFull or CacheError; the old one stands then.
        """
        rewrite = Rewrite(self.storage)
        old = self.storage.log
        try:
            write_file(self._ops, self._path, rewrite.chunks(), durable=True)
        except OSError as error:
            raise cache_error(error, "compacting the local cache") from error
        old.close()
        log = LogFile(self._path, self._ops, writable=True)
        log.end = rewrite.at
        self.index = self.index.compacted(rewrite.offsets[MESSAGES])
        maps: dict[str, DocumentMap] = {MESSAGES: self.index}
        for name, offsets in rewrite.offsets.items():
            if name != MESSAGES:
                table = self.storage.maps[name]
                lengths = ((table.find(doc_id) or (0, 0))[1] for doc_id in table)
                places = zip(offsets, lengths, strict=True)
                maps[name] = PlainMap(dict(zip(table, places, strict=True)))
        self.storage.log, self.storage.maps = log, maps
        self._covered, self._verified = HEADER_SIZE, True
        try:
            self._ops.sync_folder(self._folder)
        except OSError as error:
            # After a power cut the old file could be back, without what would be added now.
            log.refuse()
            raise cache_error(error, "compacting the local cache") from error
        self.save_index()
