"""The local mailbox of one account: what the engine writes and the screens read.

Owns the folder `<data dir>/accounts/<name>` (`mail.log`, `mail.index`, `mail.search`, `bodies/`,
`kept/`).
Closes the trap of a cache that costs more with every message: a page is one durable commit whatever
the mailbox holds, and opening reads an index, not the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tinydb.table import Document

from services.cache import documents
from services.cache.bodies import BodyStore
from services.cache.checkpoint import MESSAGES
from services.cache.files import FileOps, WriterLock, cache_error, private_folder
from services.cache.index import MessageIndex
from services.cache.log_storage import LogStorage, Staged
from services.cache.mail_log import STATE, TAIL, MailLog
from services.cache.opened_text import OpenedText
from services.cache.search_file import SearchFile
from services.cache.search_text import SLICE, SearchText, missing_slots
from services.cache.segment import SEGMENT, Segment
from services.cache.snapshot import MailSnapshot, RowReader
from services.cache.tables import LogDatabase
from services.errors import CacheDamaged, CacheLocked

if TYPE_CHECKING:
    from services.wire_values import InboxItem

JOURNAL: Final = "journal"
KEPT: Final = 128 * 1024 * 1024
"""Bytes that sealed copies of decrypted text may take."""


@dataclass(frozen=True, slots=True)
class PutOutcome:
    """What a write changed: ids that were not cached before, and ids whose content differs now."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class MailStore:
    """The one writer (the engine's thread) of an account's cache, or a reader without a lock."""

    def __init__(self, folder: Path, lock: WriterLock | None, ops: FileOps) -> None:
        self.read_only = lock is None
        self._lock = lock
        self.folder = folder
        """Where everything of this account lies."""
        self._log = MailLog(folder, ops, read_only=self.read_only)
        self._search_file = SearchFile(folder, ops, read_only=self.read_only)
        self._search = self._found_text()
        self._reader = RowReader(self._storage.log.handle)
        self._version = 0
        self.db = LogDatabase(self._storage)
        """The tables `messages`, `journal` and `state`, through TinyDB's own interface."""
        self.bodies = BodyStore(folder / "bodies", read_only=self.read_only, ops=ops)
        self.kept = BodyStore(folder / "kept", limit=KEPT, read_only=self.read_only, ops=ops)
        """Decrypted text of messages, each sealed to the own key; empty unless the operator wants it."""
        self.opened = OpenedText()
        """Decrypted text of messages for the search, in memory only; `forget` it with the keys."""

    @classmethod
    def open(
        cls, folder: Path, *, read_only: bool = False, ops: FileOps | None = None
    ) -> MailStore:
        """Open or create the cache of an account.

        Raises CacheLocked if another process writes to it (read-only opening needs no lock),
        CacheError if the disk refuses or, read-only, there is nothing yet.
        """
        try:
            if read_only:
                return cls(folder, None, ops or FileOps())
            private_folder(folder)
            with ExitStack() as undo:
                lock = WriterLock(folder / "mail.lock")
                undo.callback(lock.release)
                store = cls(folder, lock, ops or FileOps())
                undo.pop_all()
                return store
        except OSError as error:
            raise cache_error(error, "opening the local mailbox") from error

    @property
    def repairs(self) -> tuple[str, ...]:
        """Sentences about what had to be set aside, on opening or by `checkpoint`."""
        return tuple(self._log.repairs)

    @property
    def _storage(self) -> LogStorage:
        return self._log.storage

    # ── messages ─────────────────────────────────────────────────────────────────────────────────

    def transaction(self) -> AbstractContextManager[None]:
        """Join all writes inside into one durable commit; an exception drops them all.

        Nested transactions join the outer one. Raises DiskFull or CacheError on leaving.
        """
        return self._storage.transaction()

    def put_items(self, items: Iterable[InboxItem]) -> PutOutcome:
        """Insert or replace messages by id, in one commit; unchanged ones are not written.

        Raises DiskFull or CacheError; nothing of it is kept then.
        """
        changes: dict[int, Staged | None] = {}
        new: dict[str, None] = {}
        changed: dict[str, None] = {}
        for item in items:
            doc_id = self._log.index.doc_id(item.message_id)
            document = documents.from_item(item)
            body = documents.encode(document)
            staged = changes.get(doc_id)
            before = staged[0] if staged else self._storage.body(MESSAGES, doc_id)
            if body != before:
                changes[doc_id] = (body, document)
                kind = new if before is None or item.message_id in new else changed
                kind[item.message_id] = None
        if changes:
            self._commit(changes)
        return PutOutcome(tuple(new), tuple(changed))

    def replace_item(self, item: InboxItem) -> None:
        """Insert or replace one message."""
        self.put_items([item])

    def remove(self, message_ids: Iterable[str]) -> None:
        """Forget messages and their bodies; unknown ids are ignored."""
        found = list(message_ids)
        changes: dict[int, Staged | None] = dict.fromkeys(map(self._log.index.doc_id, found))
        self._commit(changes)
        self.bodies.remove(found)
        self.kept.remove(found)

    def item(self, message_id: str) -> InboxItem | None:
        """Return one cached message, None when it is unknown or its record is damaged."""
        try:
            document = self._storage.document(MESSAGES, self._log.index.doc_id(message_id))
        except CacheDamaged:
            return None
        if document is None or document.get("i") != message_id:
            return None
        return documents.to_item(document)

    def ids(self) -> Iterator[str]:
        """All cached message ids, oldest first (reads every document: for reconciling only).

        May be read piece by piece while the mailbox changes: what came later is left out.
        """
        for doc_id in tuple(self._storage.ids(MESSAGES)):
            try:
                document = self._storage.document(MESSAGES, doc_id)
            except CacheDamaged:
                continue
            if document and document.get("i"):
                yield document["i"]

    def _commit(self, changes: Mapping[int, Staged | None]) -> None:
        self._storage.commit(MESSAGES, changes)
        if self._log.tail > TAIL and not self._storage.joined:
            self._log.save_index()

    # ── state and journal ────────────────────────────────────────────────────────────────────────

    def state(self, key: str, default: Any = None) -> Any:
        """Return a value of the state table (cursors, times)."""
        found = self.db.table(STATE).get(doc_id=self._log.index.doc_id(key))
        return default if found is None else found["v"]

    def set_state(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key; raises TypeError for what JSON cannot hold."""
        doc_id = self._log.index.doc_id(key)
        self.db.table(STATE).upsert(Document({"k": key, "v": value}, doc_id))

    def journal_add(self, entry: Mapping[str, Any]) -> int:
        """Append to the journal of local changes and return its number."""
        return self.db.table(JOURNAL).insert(entry)

    def journal_update(self, number: int, fields: Mapping[str, Any]) -> None:
        """Change fields of a journal entry; an unknown number is ignored."""
        self.db.table(JOURNAL).update(fields, doc_ids=[number])

    def journal_remove(self, number: int) -> None:
        """Drop a journal entry; an unknown number is ignored."""
        self.db.table(JOURNAL).remove(doc_ids=[number])

    def journal(self) -> list[tuple[int, dict[str, Any]]]:
        """All journal entries with their numbers, oldest first."""
        return sorted((entry.doc_id, dict(entry)) for entry in self.db.table(JOURNAL))

    def mark_pending(self, message_ids: Iterable[str], pending: bool) -> None:
        """Set or clear RowFlag.PENDING; not durable, the owner of the journal repeats it."""
        self._log.index.mark_pending(map(self._log.index.doc_id, message_ids), pending)

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> MailSnapshot:
        """Publish what is committed now: immutable, cheap, safe to read from any thread."""
        index = self._log.index
        self._settle_text()
        self._version += 1
        return MailSnapshot(
            version=self._version,
            counts=index.counts.published(),
            columns=index.shared.publish(),
            label_sets=index.label_sets,
            slots=index.slots,
            doc_id=index.doc_id,
            reader=self._reader,
            search=self._search,
            opened=self.opened,
            release=self._search_file.release,
        )

    def build_search_text(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Build the search text slice by slice until `stop()` says so; True when it is complete.

        A slice is 500 messages (about 10 ms), newest first. Published snapshots search what is
        there; publish MailboxChanged afterwards so that the screen selects again.
        """
        is_ready = self._search.build(self._load, stop)
        self._settle_text()
        if is_ready and self._search_file.is_due:
            self._rewrite_text()
        return is_ready

    def _load(self, slot: int) -> dict[str, Any]:
        now = self._log.index.shared.now
        return self._reader.document(now.offsets[slot], now.lengths[slot])

    # ── the search text ──────────────────────────────────────────────────────────────────────────

    def _found_text(self) -> SearchText:
        """Return the search text that the file holds; what is missing in it is still to do."""
        index = self._log.index
        columns = index.shared.now
        file = self._search_file
        segments = file.load(self._storage.log.header.generation, columns)
        text = SearchText(segments, missing_slots(columns, segments), file.is_good)
        if not self.read_only:
            index.on_text = text.take
        return text

    def _settle_text(self) -> None:
        """Let what came be found, and move full segments from memory to the file."""
        search = self._search
        search.settle()
        if 0 < search.todo <= SLICE:
            search.build(self._load, lambda: True)
        full = [segment for segment in search.held() if len(segment.slots) == SEGMENT]
        if full and not self._search_file.failed:
            if self._search_file.is_open:
                self._append_text(full)
            elif len(search.held()) == len(search.segments):
                self._rewrite_text()

    def _append_text(self, segments: list[Segment]) -> None:
        columns = self._log.index.shared.now
        self._search.exchange(self._search_file.append(segments, columns))

    def _rewrite_text(self) -> None:
        search = self._search
        placed = self._search_file.rewrite(search.segments, self._log.index.shared.now)
        if placed is not None:
            search.segments = tuple(placed)

    def _save_text(self, *, closing: bool = False) -> None:
        """Bring the file up to date; a failure costs building the text again, nothing else.

        When closing, only what is in memory is written.
        """
        self._settle_text()
        search = self._search
        held = search.held()
        if self._search_file.is_open and (closing or not self._search_file.is_due):
            self._append_text(held)
        elif search.ready and (not closing or len(held) == len(search.segments)):
            self._rewrite_text()

    # ── keeping ──────────────────────────────────────────────────────────────────────────────────

    def checkpoint(self) -> None:
        """At the end of a sync: verify the log once, save the index, compact when it is due.

        Raises DiskFull or CacheError if compacting failed; nothing is lost then.
        """
        if not self.read_only:
            self._following(self._log.tidy)
            self._save_text()

    def compact(self) -> None:
        """Write the log anew with what lives, in date order; raises DiskFull or CacheError."""
        self._following(self._log.compact)
        self._save_text()

    def close(self) -> None:
        """Save the index and let go of the lock; snapshots stay readable."""
        if self._lock:
            self._log.save_index()
            self._save_text(closing=True)
            self._storage.close()
            self._lock.release()

    def _following(self, work: Callable[[], object]) -> None:
        """Do what may replace the log, and follow to its new file: slots have other numbers there.

        The log may be a new one although the work failed in the end.
        """
        self._search.settle()
        old = self._log.index
        try:
            work()
        finally:
            if self._log.index is not old:
                self._renumber(old)

    def _renumber(self, old: MessageIndex) -> None:
        index = self._log.index
        was, now = old.shared.now, index.shared.now
        found = ((slot, index.slot(was.doc_ids[slot])) for slot in was.order)
        numbers = {
            slot: new
            for slot, new in found
            if new is not None and was.texts[slot] == now.texts[new]
        }
        self._search = self._search.renumbered(numbers)
        self._search.add_todo(missing_slots(now, self._search.segments))
        self._search_file.begin(self._storage.log.header.generation)
        index.on_text = self._search.take
        self._reader = RowReader(self._storage.log.handle)


def open_store(folder: Path) -> MailStore:
    """Open an account's cache, for reading only if another instance writes; raises CacheError."""
    try:
        return MailStore.open(folder)
    except CacheLocked:
        return MailStore.open(folder, read_only=True)
