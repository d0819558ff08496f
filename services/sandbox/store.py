"""The sandbox's one mail store: agents and their messages. Every door reads and writes through it.

Closes the trap of doors with ideas of their own about what a mailbox is: what SMTP, `/send` or the
test door deliver goes through `deliver`, and shows up alike in every list. Order of a mailbox is
the order of arrival. One thread only.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from sqlite3 import Connection
from typing import Any, Final

from services.sandbox.blobs import Blobs
from services.sandbox.database import Database
from services.sandbox.intake import summarise
from services.sandbox.records import Agent, Delivery, MailFile, StoredMail, Summary

MAIL_DOMAIN: Final = "agents.example.com"
_BATCH: Final = 10_000
"""Mails in one commit: the word index costs less in large pieces, at 20 MB of memory."""
COLUMNS: Final = (
    "m.seq, m.message_id, m.sender, m.recipient, m.subject, m.preview, m.received_at, m.verified, "
    "m.is_read, m.archived, m.encrypted, m.attachment_count, m.trust_tier, m.traffic_type, "
    "m.correlation_id, m.marketplace_request_id, m.labels"
)


class Store:
    """Agents, messages and objects in one folder; `clock` returns seconds since the epoch."""

    def __init__(
        self,
        folder: Path,
        *,
        mail_domain: str = MAIL_DOMAIN,
        durable: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = folder / "sandbox.db"
        file.touch(mode=0o600)
        self.database = Database(file, durable=durable)
        self.blobs = Blobs(folder / "objects", self.database)
        self.mail_domain = mail_domain
        self.clock = clock
        self.delivered: Callable[[int], object] = lambda _number: None
        """Told the row of an agent that got mail, maybe inside a transaction that is still open."""

    # ── agents ───────────────────────────────────────────────────────────────────────────────────

    def add_agent(self, agent_id: str) -> Agent:
        """Return the agent of this name, made with a new token if there is none."""
        known = self.agent(agent_id)
        if known is None:
            token = f"sandbox-{secrets.token_urlsafe(24)}"
            with self.transaction() as db:
                db.execute("INSERT INTO agents (agent_id, token) VALUES (?, ?)", (agent_id, token))
            known = self.agent(agent_id)
        assert known is not None
        return known

    def agents(self) -> list[Agent]:
        """Return all agents, oldest first."""
        rows = self._db.execute("SELECT number, agent_id, token FROM agents ORDER BY number")
        return [self._agent(row) for row in rows]

    def agent(self, agent_id: str) -> Agent | None:
        """Return the agent of this name; case is ignored, as in mail addresses."""
        return self._one_agent("agent_id", agent_id)

    def agent_by_token(self, token: str) -> Agent | None:
        """Return the agent that a bearer token stands for."""
        return self._one_agent("token", token)

    def agent_by_address(self, address: str) -> Agent | None:
        """Return the agent behind a mail address; None for foreign domains too."""
        name, _, domain = address.rpartition("@")
        return self.agent(name) if domain.lower() == self.mail_domain.lower() else None

    def remove_agent(self, agent: Agent) -> None:
        """Forget an agent and all of its mail; its uploads stay."""
        with self.transaction() as db:
            self._forget(db, agent.number, [row[0] for row in self._seqs(agent)])
            db.execute(
                "DELETE FROM sent_bodies WHERE number IN (SELECT number FROM sent WHERE agent = ?)",
                (agent.number,),
            )
            for table in ("sent", "answers", "keys", "settings"):
                db.execute(f"DELETE FROM {table} WHERE agent = ?", (agent.number,))  # noqa: S608
            db.execute("DELETE FROM agents WHERE number = ?", (agent.number,))

    # ── delivery ─────────────────────────────────────────────────────────────────────────────────

    def deliver(self, agent_id: str, raw: bytes, **details: Any) -> str:
        """Put one mail into a mailbox and return its message id.

        `details` are the fields of `Delivery` (verified, received_at, labels, is_read, archived,
        trust_tier, traffic_type, message_id, summary). Raises KeyError for an unknown agent and
        ValueError for a message id that is taken.
        """
        return self.deliver_many(agent_id, [Delivery(raw, **details)])[0]

    def deliver_many(self, agent_id: str, deliveries: Iterable[Delivery]) -> list[str]:
        """Put many mails into a mailbox, in order; returns their ids.

        Each ten thousand are one commit. Raises KeyError and ValueError as `deliver`.
        """
        agent = self.agent(agent_id)
        if agent is None:
            raise KeyError(agent_id)
        waiting = iter(deliveries)
        ids: list[str] = []
        while batch := [self._prepared(agent, mail) for mail in islice(waiting, _BATCH)]:
            ids.extend(self._insert(agent, batch))
        return ids

    def _prepared(self, agent: Agent, mail: Delivery) -> tuple[Delivery, Summary]:
        summary = mail.summary or summarise(
            mail.raw, agent.address, verified=mail.verified, size_of=self._object_size
        )
        return mail, summary

    def _object_size(self, key: str) -> int | None:
        return self.blobs.size(key) if self.blobs.exists(key) else None

    def _insert(self, agent: Agent, batch: Sequence[tuple[Delivery, Summary]]) -> list[str]:
        rows: list[tuple[object, ...]] = []
        with self.transaction() as db:
            found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
            first = (found[0] if found else 0) + 1
            rows = [self._row(agent, first + n, *mail) for n, mail in enumerate(batch)]
            marks = ", ".join("?" * 18)
            try:
                db.executemany(f"INSERT INTO messages VALUES ({marks})", rows)  # noqa: S608
            except self.database.connection.IntegrityError:
                raise ValueError("This message id is taken.") from None
            db.executemany(
                "INSERT INTO bodies VALUES (?, ?)",
                [(first + n, mail.raw) for n, (mail, _) in enumerate(batch)],
            )
            db.executemany(
                "INSERT INTO search (rowid, sender, subject, preview) VALUES (?, ?, ?, ?)",
                [(row[0], row[3], row[5], row[6]) for row in rows],
            )
            for seq, (mail, summary) in enumerate(batch, first):
                self._insert_details(db, agent, seq, mail, summary)
        self.delivered(agent.number)
        return [str(row[2]) for row in rows]

    def _row(self, agent: Agent, seq: int, mail: Delivery, about: Summary) -> tuple[object, ...]:
        at = self.clock() if mail.received_at is None else mail.received_at
        market = "marketplace" if about.marketplace_request_id else "direct"
        return (
            seq, agent.number, mail.message_id or f"msg-{secrets.token_hex(10)}",
            about.sender, about.recipient, about.subject, about.preview, at,
            mail.verified, mail.is_read, mail.archived, about.encrypted, len(about.files),
            mail.trust_tier or ("verified" if mail.verified else "unverified"),
            mail.traffic_type or market, about.correlation_id, about.marketplace_request_id,
            json.dumps(list(dict.fromkeys(mail.labels))),
        )  # fmt: skip

    def _insert_details(
        self, db: Connection, agent: Agent, seq: int, mail: Delivery, about: Summary
    ) -> None:
        for label in dict.fromkeys(mail.labels):
            db.execute("INSERT INTO labels VALUES (?, ?, ?)", (agent.number, label, seq))
        for n, file in enumerate(about.files):
            db.execute(
                "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    seq, n, file.file_name, file.content_type, file.size, file.encrypted,
                    file.object_key, file.part, file.failed,
                ),
            )  # fmt: skip

    # ── messages ─────────────────────────────────────────────────────────────────────────────────

    def message(self, agent: Agent, message_id: str) -> StoredMail | None:
        """Return one message of this agent; None when it is gone or another's."""
        row = self._db.execute(
            f"SELECT {COLUMNS} FROM messages m WHERE m.agent = ? AND m.message_id = ?",  # noqa: S608
            (agent.number, message_id),
        ).fetchone()
        return stored_mail(row) if row else None

    def raw(self, mail: StoredMail) -> bytes:
        """Return the bytes of a message as they were delivered."""
        row = self._db.execute("SELECT raw FROM bodies WHERE seq = ?", (mail.seq,)).fetchone()
        return bytes(row[0]) if row else b""

    def files(self, mail: StoredMail) -> list[MailFile]:
        """Return the attachments of a message in manifest order."""
        rows = self._db.execute(
            "SELECT file_name, content_type, size, encrypted, object_key, part, failed "
            "FROM files WHERE seq = ? ORDER BY position",
            (mail.seq,),
        )
        return [MailFile(n, t, s, bool(e), k, p, bool(f)) for n, t, s, e, k, p, f in rows]

    def delete(self, agent: Agent, mail: StoredMail) -> None:
        """Delete a message for good."""
        with self.transaction() as db:
            self._forget(db, agent.number, [mail.seq])

    def set_flags(
        self, mail: StoredMail, *, is_read: bool | None = None, archived: bool | None = None
    ) -> None:
        """Change the read or archived state; None leaves it."""
        with self.transaction() as db:
            db.execute(
                "UPDATE messages SET is_read = coalesce(?, is_read), "
                "archived = coalesce(?, archived) WHERE seq = ?",
                (is_read, archived, mail.seq),
            )

    def set_labels(self, agent: Agent, mail: StoredMail, labels: Sequence[str]) -> None:
        """Replace all labels of a message."""
        with self.transaction() as db:
            db.execute(
                "UPDATE messages SET labels = ? WHERE seq = ?", (json.dumps(labels), mail.seq)
            )
            for label in set(mail.labels) - set(labels):
                db.execute(
                    "DELETE FROM labels WHERE agent = ? AND label = ? AND seq = ?",
                    (agent.number, label, mail.seq),
                )
            db.executemany(
                "INSERT OR IGNORE INTO labels VALUES (?, ?, ?)",
                [(agent.number, label, mail.seq) for label in labels],
            )

    def unread_count(self, agent: Agent) -> int:
        """Unread messages that are not archived."""
        row = self._db.execute(
            "SELECT count(*) FROM messages INDEXED BY messages_unread "
            "WHERE agent = ? AND is_read = 0 AND archived = 0",
            (agent.number,),
        ).fetchone()
        return int(row[0])

    def clear(self, agent: Agent) -> None:
        """Delete all mail of an agent."""
        with self.transaction() as db:
            self._forget(db, agent.number, [row[0] for row in self._seqs(agent)])

    # ── plumbing ─────────────────────────────────────────────────────────────────────────────────

    def transaction(self) -> AbstractContextManager[Connection]:
        """Join everything inside into one commit."""
        return self.database.transaction()

    def close(self) -> None:
        """Close the store; what was committed stays."""
        self.database.close()

    @property
    def _db(self) -> Connection:
        return self.database.connection

    def _one_agent(self, column: str, value: str) -> Agent | None:
        row = self._db.execute(
            f"SELECT number, agent_id, token FROM agents WHERE {column} = ?",  # noqa: S608
            (value,),
        ).fetchone()
        return self._agent(row) if row else None

    def _agent(self, row: tuple[int, str, str]) -> Agent:
        number, agent_id, token = row
        return Agent(agent_id, f"{agent_id}@{self.mail_domain}", token, number)

    def _seqs(self, agent: Agent) -> Iterator[tuple[int]]:
        return self._db.execute("SELECT seq FROM messages WHERE agent = ?", (agent.number,))

    def _forget(self, db: Connection, agent: int, seqs: Sequence[int]) -> None:
        for seq in seqs:
            db.execute(
                "INSERT INTO search (search, rowid, sender, subject, preview) "
                "SELECT 'delete', seq, sender, subject, preview FROM messages WHERE seq = ?",
                (seq,),
            )
            labels = db.execute("SELECT labels FROM messages WHERE seq = ?", (seq,)).fetchone()
            db.executemany(
                "DELETE FROM labels WHERE agent = ? AND label = ? AND seq = ?",
                [(agent, label, seq) for label in json.loads(labels[0])],
            )
            for table in ("messages", "bodies", "files"):
                db.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))  # noqa: S608


def stored_mail(row: Sequence[Any]) -> StoredMail:
    """Return the message that a row of `COLUMNS` holds."""
    values = [*row[:7], *map(bool, row[7:11]), *row[11:16], tuple(json.loads(row[16]))]
    return StoredMail(*values)
