"""TinyDB's normal interface on the log gives what it gives on TinyDB's own storage."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinydb import TinyDB, where
from tinydb.storages import MemoryStorage
from tinydb.table import Document

from services.cache.store import MailStore
from services.errors import DiskFull
from tests.fakes.fake_file_ops import FakeFileOps

_VALUES = st.one_of(
    st.integers(-5, 5), st.text(max_size=6), st.none(), st.booleans(),
    st.lists(st.integers(0, 3), max_size=3),
)  # fmt: skip
_DOCUMENTS = st.dictionaries(st.sampled_from("abc"), _VALUES, max_size=3)
_IDS = st.integers(1, 12)
_TABLES = st.sampled_from(["drafts", "=", "pe\\ers é\ttable\n", "messages"])
_OPERATIONS = st.one_of(
    st.tuples(st.just("insert"), _DOCUMENTS),
    st.tuples(st.just("insert_document"), _IDS, _DOCUMENTS),
    st.tuples(st.just("insert_multiple"), st.lists(_DOCUMENTS, max_size=4)),
    st.tuples(st.just("update"), _DOCUMENTS),
    st.tuples(st.just("update_ids"), _DOCUMENTS, st.lists(_IDS, max_size=3)),
    st.tuples(st.just("update_where"), _DOCUMENTS, _VALUES),
    st.tuples(st.just("update_by_function"), _VALUES),
    st.tuples(st.just("upsert"), _DOCUMENTS, _VALUES),
    st.tuples(st.just("upsert_document"), _IDS, _DOCUMENTS),
    st.tuples(st.just("remove_ids"), st.lists(_IDS, max_size=3)),
    st.tuples(st.just("remove_where"), _VALUES),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("search"), _VALUES),
    st.tuples(st.just("get"), _IDS),
    st.tuples(st.just("drop_table")),
    st.tuples(st.just("drop_tables")),
)


_RUN: dict[str, Callable[..., Any]] = {
    "insert": lambda table, document: table.insert(document),
    "insert_document": lambda table, i, document: table.insert(Document(document, i)),
    "insert_multiple": lambda table, documents: table.insert_multiple(documents),
    "update": lambda table, fields: table.update(fields),
    "update_ids": lambda table, fields, ids: table.update(fields, doc_ids=ids),
    "update_where": lambda table, fields, value: table.update(fields, where("a") == value),
    "update_by_function": lambda table, value: table.update(
        lambda document: document.update(b=[value]), where("c").exists()
    ),
    "upsert": lambda table, document, value: table.upsert(document, where("a") == value),
    "upsert_document": lambda table, i, document: table.upsert(Document(document, i)),
    "remove_ids": lambda table, ids: table.remove(doc_ids=ids),
    "remove_where": lambda table, value: table.remove(where("a") == value),
    "truncate": lambda table: table.truncate(),
    "search": lambda table, value: [(d.doc_id, dict(d)) for d in table.search(where("a") == value)],
    "get": lambda table, i: (table.get(doc_id=i), table.contains(doc_id=i)),
}


def _run(db: TinyDB, name: str, operation: tuple[Any, ...]) -> Any:
    kind, *values = operation
    if kind == "drop_table":
        return db.drop_table(name)
    if kind == "drop_tables":
        return db.drop_tables()
    return _RUN[kind](db.table(name), *values)


def _outcome(db: TinyDB, name: str, operation: tuple[Any, ...]) -> Any:
    try:
        return _run(db, name, operation)
    except (ValueError, KeyError):
        return "refused"


def _content(db: TinyDB) -> dict[str, Any]:
    # The table of messages keeps the order of dates, the others that of insertion.
    return {
        name: sorted(rows, key=lambda row: row[0]) if name == "messages" else rows
        for name in sorted(db.tables())
        if (rows := [(d.doc_id, dict(d)) for d in db.table(name)]) is not None
    }


def _comparable(outcome: Any) -> Any:
    return sorted(outcome, key=str) if isinstance(outcome, list) else outcome


@settings(max_examples=70, deadline=None)
@given(st.lists(st.tuples(_TABLES, _OPERATIONS), max_size=14))
def test_every_operation_gives_what_it_gives_on_tinydbs_own_storage(
    operations: list[tuple[str, tuple[Any, ...]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model = TinyDB(storage=MemoryStorage)
        store = MailStore.open(Path(folder))
        for name, operation in operations:
            expected = _outcome(model, name, operation)
            assert _comparable(_outcome(store.db, name, operation)) == _comparable(expected)
            assert _content(store.db) == _content(model)
        store.close()
        store = MailStore.open(Path(folder))
        assert _content(store.db) == _content(model)
        store.compact()
        assert _content(store.db) == _content(model)
        store.close()
        (Path(folder) / "mail.index").unlink(missing_ok=True)
        store = MailStore.open(Path(folder))
        assert _content(store.db) == _content(model)
        assert store.repairs == ()
        store.close()


def test_a_refused_write_leaves_table_cache_and_numbers_as_they_were(tmp_path: Path) -> None:
    ops = FakeFileOps()
    store = MailStore.open(tmp_path, ops=ops)
    table = store.db.table("drafts")
    assert table.insert({"a": 1}) == 1
    assert len(table.search(where("a") == 2)) == 0
    ops.stop_at = len(ops.steps)
    with pytest.raises(DiskFull, match="Free some space"):
        table.insert({"a": 2})
    assert table.all() == [{"a": 1}]
    assert table.insert({"a": 2}) == 2
    assert len(table.search(where("a") == 2)) == 1
    store.close()


def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    store = MailStore.open(tmp_path)
    table = store.db.table("drafts")
    with pytest.raises(TypeError):
        table.insert({"a": {1, 2}})
    assert table.all() == []
    store.close()


@pytest.mark.parametrize("text", ["\ud800 lone", "a\nb\tc", "=\t3\tdeadbeef\n", "\0", "é" * 9])
def test_hostile_text_comes_back_as_it_was(tmp_path: Path, text: str) -> None:
    store = MailStore.open(tmp_path)
    store.db.table("drafts").insert({"text": text, text: 1})
    store.close()
    store = MailStore.open(tmp_path)
    assert store.db.table("drafts").all() == [{"text": text, text: 1}]
    assert store.repairs == ()
    store.close()
