"""The local mailbox of one account: what the engine writes and the screens read.

Owns the folder `<data dir>/accounts/<name>` (`mail.log`, `mail.index`, `bodies/`). Closes the trap of
a cache that costs more with every message: a page is one durable commit whatever the mailbox holds,
and opening reads an index, not the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinydb import TinyDB

from services.cache.bodies import BodyStore
from services.cache.snapshot import MailSnapshot
from services.errors import CacheError
from services.models import InboxItem


@dataclass(frozen=True, slots=True)
class PutOutcome:
    """What a write changed: ids that were not cached before, and ids whose content differs now."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class MailStore:
    """The one writer (the engine's thread) of an account's cache, or a reader without a lock."""

    repairs: tuple[str, ...]
    """Sentences about what had to be set aside on opening."""
    read_only: bool
    db: TinyDB
    """The tables `messages`, `journal` and `state`, through TinyDB's own interface."""
    bodies: BodyStore
    on_search_wanted: Callable[[], None] | None = None
    """Called on the reader's thread, once, when a text filter found the search text incomplete."""

    @classmethod
    def open(cls, folder: Path, *, read_only: bool = False) -> MailStore:
        """Open or create the cache; raises CacheLocked if another process writes to it."""
        raise CacheError(f"Not built yet: {folder} {read_only}")

    def transaction(self) -> AbstractContextManager[None]:
        """Join all writes inside into one durable commit; an exception drops them all."""
        raise CacheError("Not built yet.")

    def put_items(self, items: Iterable[InboxItem]) -> PutOutcome:
        """Insert or replace messages by id, in one commit; unchanged ones are not written."""
        raise CacheError(f"Not built yet: {items}")

    def replace_item(self, item: InboxItem) -> None:
        """Insert or replace one message."""
        self.put_items([item])

    def remove(self, message_ids: Iterable[str]) -> None:
        """Forget messages and their bodies; unknown ids are ignored."""
        raise CacheError(f"Not built yet: {message_ids}")

    def item(self, message_id: str) -> InboxItem | None:
        """Return one cached message."""
        raise CacheError(f"Not built yet: {message_id}")

    def ids(self) -> Iterator[str]:
        """All cached message ids, oldest first (reads every document: for reconciling only)."""
        raise CacheError("Not built yet.")

    def state(self, key: str, default: Any = None) -> Any:
        """Return a value of the state table (cursors, times)."""
        raise CacheError(f"Not built yet: {key} {default}")

    def set_state(self, key: str, value: Any) -> None:
        """Keep a JSON value under a key."""
        raise CacheError(f"Not built yet: {key} {value}")

    def journal_add(self, entry: Mapping[str, Any]) -> int:
        """Append to the journal of local changes and return its number."""
        raise CacheError(f"Not built yet: {entry}")

    def journal_update(self, number: int, fields: Mapping[str, Any]) -> None:
        """Change fields of a journal entry; an unknown number is ignored."""
        raise CacheError(f"Not built yet: {number} {fields}")

    def journal_remove(self, number: int) -> None:
        """Drop a journal entry; an unknown number is ignored."""
        raise CacheError(f"Not built yet: {number}")

    def journal(self) -> list[tuple[int, dict[str, Any]]]:
        """All journal entries with their numbers, oldest first."""
        raise CacheError("Not built yet.")

    def mark_pending(self, message_ids: Iterable[str], pending: bool) -> None:
        """Set or clear RowFlag.PENDING; not durable, the engine repeats it after opening."""
        raise CacheError(f"Not built yet: {message_ids} {pending}")

    def snapshot(self) -> MailSnapshot:
        """Publish what is committed now: immutable, cheap, safe to read from any thread."""
        raise CacheError("Not built yet.")

    def build_search_text(self, stop: Callable[[], bool] = lambda: False) -> bool:
        """Build the search text slice by slice until `stop()` says so; True when it is complete.

        A slice is 500 messages (about 10 ms), newest first. Publish MailboxChanged afterwards so
        that the screen selects again.
        """
        raise CacheError(f"Not built yet: {stop}")

    def checkpoint(self) -> None:
        """At the end of a sync: save the index, or compact when most of the log is garbage."""
        raise CacheError("Not built yet.")

    def compact(self) -> None:
        """Write the log anew with what lives, in date order."""
        raise CacheError("Not built yet.")

    def close(self) -> None:
        """Save the index and let go of the lock; snapshots stay readable."""
        raise CacheError("Not built yet.")
