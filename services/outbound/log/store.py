"""What is written, waits or has left, of one account: tables of documents, for many processes.

The app and any number of verbs work on it at the same time. Closes three traps: a change that wipes
out another process's (a transaction reads what it is based on under the lock), text that was meant
to be sealed and still stands in older lines (`scrub` writes the file anew and overwrites the old
one, and is made up for when the program dies in between), and a failure of the disk that is met as
success: what `transaction` raises did not happen, what it returned from is on the disk.

Everything here waits for the disk: call it in a thread.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from services.cache.documents import encode
from services.cache.files import FileOps, private_folder
from services.errors import CacheDamaged, CacheError
from services.outbound.log.shared_log import SharedLog

FOLDER: Final = "outbound"
LOG_NAME: Final = "outbound.log"

DRAFTS: Final = "drafts"
"""What is known of a draft without opening it, by draft id."""
REVISIONS: Final = "revisions"
"""The text of drafts, by `draft id/number`."""
OUTBOX: Final = "outbox"
CONTENTS: Final = "contents"
"""Large parts of outbox entries, so that a list of 10,000 need not read them."""
AGENTS: Final = "agents"
STATE: Final = "state"

DAMAGED: Final = "damaged"
"""In STATE when commits were lost to damage: whatever was pending then may have left."""
_SCRUB: Final = "scrub"

Document = dict[str, Any]


class OutboundStore:
    """The tables of one account; usable from any thread, one at a time."""

    def __init__(self, log: SharedLog) -> None:
        self._log = log
        self._turn = threading.RLock()
        self._after: list[Callable[[], None]] = []

    @classmethod
    def open(cls, folder: Path, ops: FileOps | None = None) -> OutboundStore:
        """Open what lies in `outbound/` of an account's folder, beginning it when there is nothing.

        Raises CacheLocked, DiskFull or CacheError; `repairs` tells what had to be set aside.
        """
        place = folder / FOLDER
        try:
            private_folder(place)
        except OSError as error:
            raise CacheError(f"The folder {place} cannot be used: {error.strerror}.") from error
        store = cls(SharedLog(place / LOG_NAME, ops or FileOps()))
        with store.transaction():
            pass
        return store

    def close(self) -> None:
        """Let go of the files."""
        with self._turn:
            self._log.close()

    @property
    def folder(self) -> Path:
        """Where the log lies."""
        return self._log.folder

    @property
    def repairs(self) -> tuple[str, ...]:
        """What had to be set aside, as sentences for a person."""
        return tuple(self._log.repairs)

    @property
    def version(self) -> int:
        """A number that grows with every change that this process knows of."""
        return self._log.version

    @property
    def owes_scrub(self) -> bool:
        """Text that has been sealed since stands in the file: it could not be written anew."""
        return self.get(STATE, _SCRUB) is not None

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def refresh(self) -> bool:
        """Take in what other processes have saved; True when there was something."""
        with self._turn:
            return not self._log.storage.joined and self._log.refresh()

    def get(self, table: str, key: str) -> Document | None:
        """Return a document, inside a transaction as it would be saved; a copy of the caller's own.

        Raises CacheDamaged when its line cannot be read.
        """
        found = self._read(table, _number(key))
        return None if found is None else found[1]

    def all(self, table: str) -> Iterator[tuple[str, Document]]:
        """Yield the documents of a table by key, in the order in which they first came."""
        with self._turn:
            numbers = list(self._log.storage.ids(table))
        for number in numbers:
            found = self._read(table, number)
            if found is not None:
                yield found

    def marks(self, table: str) -> dict[int, object]:
        """Return, by number, what changes whenever a document is saved; None while that waits.

        For whoever keeps what was made of the documents: with `numbered` only new ones are read.
        """
        with self._turn:
            storage = self._log.storage
            file = storage.log.header.generation
            places = {number: storage.place(table, number) for number in storage.ids(table)}
        return {number: place and (file, place) for number, place in places.items()}

    def size(self, table: str, key: str) -> int:
        """Return how many bytes a document takes, 0 for one that is not there or not yet saved."""
        with self._turn:
            place = self._log.storage.place(table, _number(key))
        return place[1] if place else 0

    def numbered(self, table: str, number: int) -> tuple[str, Document] | None:
        """Return the key and the document of a number that `marks` told."""
        return self._read(table, number)

    def count(self, table: str) -> int:
        """How many documents a table holds."""
        with self._turn:
            return self._log.storage.count(table)

    def _read(self, table: str, number: int) -> tuple[str, Document] | None:
        with self._turn:
            try:
                found = self._log.storage.document(table, number)
            except CacheDamaged:
                # Another process may have written the log anew, and wiped the file open here.
                if self._log.storage.joined or not self._log.refresh():
                    raise
                found = self._log.storage.document(table, number)
        return None if found is None else (found["k"], found["d"])

    # ── changing ─────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Join changes into one that happens as a whole or not at all; never held over an `await`.

        What is read inside is what every process has saved. An inner one joins the outer. Raises
        CacheLocked when another process does not let go, DiskFull or CacheError.
        """
        with self._turn:
            if self._log.storage.joined:
                yield
                return
            try:
                with self._log.transaction(self._committed):
                    self._own_up()
                    yield
            finally:
                self._after.clear()

    def put(self, table: str, key: str, document: Mapping[str, Any]) -> None:
        """Save a document under its key; raises as `transaction`, TypeError if it is no JSON."""
        kept = {"k": key, "d": document}
        body = encode(kept)
        with self.transaction():
            self._log.storage.commit(table, {_number(key): (body, None)})

    def remove(self, table: str, key: str) -> None:
        """Remove a document if it is there; raises as `transaction`."""
        with self.transaction():
            self._log.storage.commit(table, {_number(key): None})

    def after_commit(self, work: Callable[[], None]) -> None:
        """Run `work` when the transaction under way is on the disk, still alone with the files.

        It must not raise and must not change the store.
        """
        self._after.append(work)

    def scrub(self) -> None:
        """Let nothing that this transaction replaces or removes stay on the disk.

        A failure (disk full) costs no change: `owes_scrub` says so, and every later transaction
        tries again.
        """
        self.put(STATE, _SCRUB, {})

    # ── after a commit ───────────────────────────────────────────────────────────────────────────

    def _own_up(self) -> None:
        """Note that commits were lost, so that nobody takes an older state for the last one."""
        if self._log.is_damaged:
            self.put(STATE, DAMAGED, {})

    def _committed(self) -> None:
        for work in self._after:
            work()
        # What was to be saved is saved: a failure here must not pass for the opposite.
        with suppress(CacheError):
            owes = self.owes_scrub
            if owes or self._log.is_damaged or self._log.is_worth_compacting:
                without = (STATE, _number(_SCRUB)) if owes else None
                self._log.compact(without=without, wipe=owes)


def _number(key: str) -> int:
    """Return the number under which the log keeps a key: no table of keys has to be built."""
    return int.from_bytes(hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).digest())
