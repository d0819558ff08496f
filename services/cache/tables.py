"""TinyDB's tables, writing only what an operation touched.

Closes the trap of TinyDB's `_update_table`, which copies and rewrites the whole table: every public
write of a table funnels through it, so here it gets a mapping that notes the difference. The normal
interface (insert, update, upsert, remove, truncate, get, search, all) works unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from tinydb import TinyDB
from tinydb.table import Table

from services.cache.documents import Document, decode, encode
from services.cache.log_storage import LogStorage, Staged


class Delta(MutableMapping[int, Document]):
    """A table for one operation: reads come from the storage, changes are set aside.

    A document handed out may be changed in place until the next one is asked for; only one is held,
    so that going through 100,000 does not keep them.
    """

    def __init__(self, storage: LogStorage, name: str) -> None:
        self._storage = storage
        self._name = name
        self._changes: dict[int, bytes | None] = {}
        self._open: tuple[int, Document, bytes] | None = None

    def changes(self) -> dict[int, Staged | None]:
        """Return what the operation changed."""
        self._settle()
        return {i: None if body is None else (body, None) for i, body in self._changes.items()}

    def _settle(self) -> None:
        if self._open:
            doc_id, document, before = self._open
            self._open = None
            body = encode(document)
            if body != before:
                self._changes[doc_id] = body

    def _body(self, doc_id: int) -> bytes | None:
        if doc_id in self._changes:
            return self._changes[doc_id]
        return self._storage.body(self._name, doc_id)

    def __getitem__(self, doc_id: int) -> Document:
        if self._open and self._open[0] == doc_id:
            return self._open[1]
        self._settle()
        body = self._body(doc_id)
        if body is None:
            raise KeyError(doc_id)
        document = decode(body)
        self._open = (doc_id, document, body)
        return document

    def __setitem__(self, doc_id: int, document: Document) -> None:
        self._settle()
        self._changes[doc_id] = encode(document)

    def __delitem__(self, doc_id: int) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._open = None if self._open and self._open[0] == doc_id else self._open
        self._settle()
        self._changes[doc_id] = None

    def __contains__(self, doc_id: object) -> bool:
        return isinstance(doc_id, int) and self._body(doc_id) is not None

    def __iter__(self) -> Iterator[int]:
        for doc_id in self._storage.ids(self._name):
            if self._changes.get(doc_id, b"") is not None:
                yield doc_id
        for doc_id, body in self._changes.items():
            if body is not None and self._storage.body(self._name, doc_id) is None:
                yield doc_id

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove everything."""
        self._open = None
        self._changes = dict.fromkeys(self._storage.ids(self._name))


class LogTable(Table):
    """A table on a `LogStorage`."""

    def __init__(self, storage: LogStorage, name: str, **options: Any) -> None:
        self._log = storage
        super().__init__(storage, name, **options)
        storage.watch(self)

    def forget(self, *, rolled_back: bool) -> None:
        """Drop what was remembered about documents that changed, or whose change was dropped."""
        self.clear_cache()
        if rolled_back:
            self._next_id = None

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        delta = Delta(self._log, self.name)
        updater(delta)
        self._log.commit(self.name, delta.changes())


class LogDatabase(TinyDB):
    """TinyDB whose tables write differences."""

    table_class = LogTable  # type: ignore[assignment]

    def __init__(self, storage: LogStorage) -> None:
        super().__init__(storage=lambda: storage)
