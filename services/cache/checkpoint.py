"""The index as a file beside the log, so that opening reads arrays and not documents.

Closes the trap of an index that lies: it names the log's generation, the place up to which it
speaks, and the line that stands there; a checksum covers all of it. Whatever does not fit, the
index is rebuilt from the documents.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.cache.columns import CODES, Columns
from services.cache.files import FileOps, write_file
from services.cache.index import MessageIndex
from services.cache.log_file import LogFile
from services.cache.log_storage import DocumentMap, LogStorage, PlainMap
from services.cache.slot_table import SlotTable
from services.models import RowFlag

MESSAGES: Final = "messages"
_MAGIC: Final = b"agentmail-index 1 "
_HEAD: Final = len(_MAGIC) + 22
_NOT_PENDING: Final = bytes(flags & ~int(RowFlag.PENDING) for flags in range(256))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checkpoint that fits its log."""

    index: MessageIndex
    maps: dict[str, DocumentMap]
    names: list[str]
    covered: int


def save(path: Path, storage: LogStorage, index: MessageIndex, ops: FileOps) -> None:
    """Write the checkpoint of everything committed; raises OSError."""
    write_file(ops, path, _chunks(storage, index), durable=False)


def load(path: Path, log: LogFile) -> Loaded | None:
    """Read the checkpoint of a log, None when there is none that fits."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            length, crc = int(head[len(_MAGIC) :][:12]), int(head[-9:-1], 16)
            text = file.read(length)
            meta = json.loads(text)
            if not _fits(meta, log):
                return None
            crc_found = zlib.crc32(text)
            arrays = {}
            for name, code, count in meta["arrays"]:
                arrays[name] = array(code)
                arrays[name].fromfile(file, count)
                crc_found = zlib.crc32(arrays[name], crc_found)
        return _loaded(meta, arrays, log) if crc_found == crc else None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _fits(meta: dict[str, Any], log: LogFile) -> bool:
    return (
        meta["machine"] == _machine()
        and meta["generation"] == log.header.generation.hex()
        and bytes.fromhex(meta["last"]) == log.last_line(meta["covered"])
    )


def _machine() -> list[object]:
    """What makes raw arrays of one machine differ from those of another."""
    return [sys.byteorder, *(array(code).itemsize for code in CODES.values())]


def _loaded(meta: dict[str, Any], arrays: dict[str, array[int]], log: LogFile) -> Loaded:
    columns = Columns(
        **{name: arrays[name] for name in CODES},
        flags=bytearray(arrays["flags"].tobytes()),
        straight=meta["straight"],
    )
    index = MessageIndex(log.header.key, columns, map(tuple, meta["label_sets"]))
    index.slots = SlotTable(columns.doc_ids, arrays["slots"], meta["slots_used"])
    index.contacts = SlotTable(columns.senders, arrays["contacts"], meta["contacts_used"])
    index.live_bytes = meta["live_bytes"]
    index.load_tallies(meta["tallies"])
    maps: dict[str, DocumentMap] = {MESSAGES: index}
    for name, places in meta["tables"].items():
        maps[name] = PlainMap({doc_id: (offset, length) for doc_id, offset, length in places})
    return Loaded(index, maps, meta["names"], meta["covered"])


def _chunks(storage: LogStorage, index: MessageIndex) -> Iterator[bytes]:
    now = index.shared.now
    arrays: dict[str, array[int]] = {name: getattr(now, name) for name in CODES}
    arrays["flags"] = array("B", now.flags.translate(_NOT_PENDING))
    arrays["slots"] = index.slots.cells
    arrays["contacts"] = index.contacts.cells
    text = json.dumps(_meta(storage, index, arrays)).encode()
    crc = zlib.crc32(text)
    for values in arrays.values():
        crc = zlib.crc32(values, crc)
    yield _MAGIC + b"%012d %08x\n" % (len(text), crc)
    yield text
    for values in arrays.values():
        yield values.tobytes()


def _meta(
    storage: LogStorage, index: MessageIndex, arrays: dict[str, array[int]]
) -> dict[str, object]:
    log = storage.log
    tables = {name: table for name, table in storage.maps.items() if name != MESSAGES}
    return {
        "machine": _machine(),
        "generation": log.header.generation.hex(),
        "covered": log.end,
        "last": log.last_line(log.end).hex(),
        "names": list(storage.names),
        "tables": {
            name: [(doc_id, *(table.find(doc_id) or (0, 0))) for doc_id in table]
            for name, table in tables.items()
        },
        "straight": index.shared.now.straight,
        "label_sets": index.label_sets,
        "tallies": index.tallies(),
        "live_bytes": index.live_bytes,
        "slots_used": index.slots.used,
        "contacts_used": index.contacts.used,
        "arrays": [(name, values.typecode, len(values)) for name, values in arrays.items()],
    }
