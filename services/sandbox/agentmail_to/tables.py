"""The tables of the AgentMail.to door, beside those of the store, and the triggers that bind both.

Closes the trap of two doors with two truths: a mail that the other door deletes is gone here, and
one that is read there is read here, in the same commit. Labels are each door's own, because the
two services allow different ones.
"""

from __future__ import annotations

from typing import Final

from services.sandbox.database import Database

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS v0_organizations (
    organization_id TEXT PRIMARY KEY, created_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS v0_pods (
    pod_id TEXT PRIMARY KEY, organization_id TEXT NOT NULL, name TEXT NOT NULL,
    created_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS v0_keys (
    key_id TEXT PRIMARY KEY, secret TEXT NOT NULL UNIQUE, organization_id TEXT NOT NULL,
    pod_id TEXT, inbox INTEGER, permissions TEXT, expires_at REAL, name TEXT NOT NULL,
    created_at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS v0_inboxes (
    agent INTEGER PRIMARY KEY, organization_id TEXT NOT NULL, pod_id TEXT NOT NULL,
    display_name TEXT, client_id TEXT, status TEXT, metadata TEXT, created_at REAL NOT NULL,
    updated_at REAL NOT NULL, seen INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS v0_inboxes_of ON v0_inboxes (organization_id, agent);
CREATE TABLE IF NOT EXISTS v0_messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, message_id TEXT NOT NULL,
    thread_id TEXT NOT NULL, seq INTEGER UNIQUE, at REAL NOT NULL, created_at REAL NOT NULL,
    updated_at REAL NOT NULL, size INTEGER NOT NULL, sender TEXT NOT NULL, addresses TEXT NOT NULL,
    recipients TEXT NOT NULL, subject TEXT NOT NULL, preview TEXT NOT NULL, parents TEXT NOT NULL,
    files TEXT NOT NULL, searchable INTEGER NOT NULL DEFAULT 0);
CREATE UNIQUE INDEX IF NOT EXISTS v0_messages_by_id ON v0_messages (agent, message_id);
CREATE INDEX IF NOT EXISTS v0_messages_by_time ON v0_messages (agent, at, number);
CREATE INDEX IF NOT EXISTS v0_messages_by_thread ON v0_messages (agent, thread_id, at);
CREATE TABLE IF NOT EXISTS v0_labels (
    number INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (number, label)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS v0_labelled ON v0_labels (label, number);
CREATE TABLE IF NOT EXISTS v0_bodies (number INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS v0_search USING fts5 (sender, recipients, subject, text);
CREATE TABLE IF NOT EXISTS v0_drafts (
    draft_id TEXT PRIMARY KEY, agent INTEGER NOT NULL, document BLOB NOT NULL,
    created_at REAL NOT NULL, updated_at REAL NOT NULL, send_at REAL);
CREATE INDEX IF NOT EXISTS v0_drafts_due ON v0_drafts (send_at) WHERE send_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS v0_events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, event_type TEXT NOT NULL,
    message_id TEXT NOT NULL, label TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS v0_events_of ON v0_events (agent, number);
CREATE TABLE IF NOT EXISTS v0_lists (
    scope TEXT NOT NULL, direction TEXT NOT NULL, list_type TEXT NOT NULL, entry TEXT NOT NULL,
    reason TEXT, created_at REAL NOT NULL,
    PRIMARY KEY (scope, direction, list_type, entry)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS v0_answers (
    organization_id TEXT NOT NULL, key TEXT NOT NULL, digest BLOB NOT NULL, answer BLOB NOT NULL,
    at REAL NOT NULL, PRIMARY KEY (organization_id, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS v0_sent (
    number INTEGER PRIMARY KEY AUTOINCREMENT, agent INTEGER NOT NULL, message_id TEXT NOT NULL,
    operation TEXT NOT NULL, idempotency_key TEXT, recipients TEXT NOT NULL, request BLOB NOT NULL,
    raw BLOB NOT NULL, at REAL NOT NULL);
CREATE TRIGGER IF NOT EXISTS v0_deleted AFTER DELETE ON messages BEGIN
    DELETE FROM v0_messages WHERE seq = OLD.seq;
END;
CREATE TRIGGER IF NOT EXISTS v0_forgotten AFTER DELETE ON v0_messages BEGIN
    DELETE FROM v0_labels WHERE number = OLD.number;
    DELETE FROM v0_bodies WHERE number = OLD.number;
    DELETE FROM v0_search WHERE rowid = OLD.number;
END;
CREATE TRIGGER IF NOT EXISTS v0_read AFTER UPDATE OF is_read ON messages
WHEN NEW.is_read = 1 AND OLD.is_read = 0 BEGIN
    DELETE FROM v0_labels WHERE label = 'unread'
        AND number = (SELECT number FROM v0_messages WHERE seq = NEW.seq);
END;
CREATE TRIGGER IF NOT EXISTS v0_unread AFTER UPDATE OF is_read ON messages
WHEN NEW.is_read = 0 AND OLD.is_read = 1 BEGIN
    INSERT OR IGNORE INTO v0_labels SELECT number, 'unread' FROM v0_messages WHERE seq = NEW.seq;
END;
CREATE TRIGGER IF NOT EXISTS v0_removed AFTER DELETE ON agents BEGIN
    DELETE FROM v0_messages WHERE agent = OLD.number;
    DELETE FROM v0_inboxes WHERE agent = OLD.number;
    DELETE FROM v0_drafts WHERE agent = OLD.number;
    DELETE FROM v0_events WHERE agent = OLD.number;
    DELETE FROM v0_sent WHERE agent = OLD.number;
    DELETE FROM v0_keys WHERE inbox = OLD.number;
    DELETE FROM v0_lists WHERE scope = 'inbox ' || OLD.number;
END;
"""


def make_tables(database: Database) -> None:
    """Make what is missing; may be repeated."""
    database.connection.executescript(_SCHEMA)
