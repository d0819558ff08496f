"""The sandbox's SQLite file: its tables, how it is opened, and transactions that nest by joining.

Closes two traps. A message and the answer that acknowledged it must be one commit, or a killed
sandbox delivers a repeated send twice: hence one connection and joined transactions. And a deep
page must cost as much as the first: hence the index on (agent, seq) and raw mail in a table of its
own.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS agents (
    number INTEGER PRIMARY KEY, agent_id TEXT NOT NULL UNIQUE COLLATE NOCASE,
    token TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, message_id TEXT NOT NULL,
    sender TEXT NOT NULL, recipient TEXT NOT NULL, subject TEXT NOT NULL, preview TEXT NOT NULL,
    received_at REAL NOT NULL, verified INTEGER NOT NULL, is_read INTEGER NOT NULL,
    archived INTEGER NOT NULL, encrypted INTEGER NOT NULL, attachment_count INTEGER NOT NULL,
    trust_tier TEXT NOT NULL, traffic_type TEXT NOT NULL, correlation_id TEXT NOT NULL,
    marketplace_request_id TEXT NOT NULL, labels TEXT NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS messages_by_id ON messages (agent, message_id);
CREATE INDEX IF NOT EXISTS messages_by_seq ON messages (agent, seq);
CREATE INDEX IF NOT EXISTS messages_listed ON messages (agent, archived, seq);
CREATE INDEX IF NOT EXISTS messages_unread ON messages (agent, seq)
    WHERE is_read = 0 AND archived = 0;
CREATE TABLE IF NOT EXISTS bodies (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS labels (
    agent INTEGER NOT NULL, label TEXT NOT NULL, seq INTEGER NOT NULL,
    PRIMARY KEY (agent, label, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    seq INTEGER NOT NULL, position INTEGER NOT NULL, file_name TEXT NOT NULL,
    content_type TEXT NOT NULL, size INTEGER NOT NULL, encrypted INTEGER NOT NULL,
    object_key TEXT NOT NULL, part INTEGER NOT NULL, failed INTEGER NOT NULL,
    PRIMARY KEY (seq, position)) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5 (
    sender, subject, preview, content='messages', content_rowid='seq', tokenize='trigram');
CREATE TABLE IF NOT EXISTS sent (
    number INTEGER PRIMARY KEY, agent INTEGER NOT NULL, message_id TEXT NOT NULL,
    recipient TEXT NOT NULL, local INTEGER NOT NULL, sent_at REAL NOT NULL, usage BLOB,
    correlation_id TEXT NOT NULL, marketplace_request_id TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sent_bodies (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS sent_by_agent ON sent (agent, number);
CREATE TABLE IF NOT EXISTS answers (
    agent INTEGER NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, answer BLOB NOT NULL,
    PRIMARY KEY (agent, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
    agent INTEGER PRIMARY KEY, key_version INTEGER NOT NULL, public_key TEXT NOT NULL,
    algorithm TEXT NOT NULL, fingerprint TEXT NOT NULL, openpgp_public_key TEXT,
    revoked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS settings (
    agent INTEGER NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (agent, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS objects (
    key TEXT PRIMARY KEY, file TEXT NOT NULL, size INTEGER NOT NULL,
    content_type TEXT NOT NULL) WITHOUT ROWID;
"""


class Database:
    """One connection, used from one thread; `durable` costs an fsync at checkpoints."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA journal_mode = WAL")
        self.connection.execute(f"PRAGMA synchronous = {'NORMAL' if durable else 'OFF'}")
        self.connection.execute("PRAGMA cache_size = -32000")
        self.connection.executescript(_SCHEMA)
        self.connection.execute("INSERT INTO search (search, rank) VALUES ('hashsize', 8000000)")
        self.connection.create_function("casefold", 1, str.casefold, deterministic=True)
        self._depth = 0

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Join everything inside into one commit; an inner transaction is part of the outer."""
        if self._depth == 0:
            self.connection.execute("BEGIN IMMEDIATE")
        self._depth += 1
        end = "ROLLBACK"
        try:
            yield self.connection
            end = "COMMIT"
        finally:
            self._depth -= 1
            if self._depth == 0:
                self.connection.execute(end)

    def close(self) -> None:
        """Close the file; what was committed stays."""
        self.connection.close()
