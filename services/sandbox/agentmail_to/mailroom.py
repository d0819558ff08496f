"""The messages of the inboxes: takes over what the store received, keeps what was sent.

Closes two traps. Mail comes in through every door of the sandbox, so this one catches up with the
store before it answers, in the order of arrival. And a Message-ID is written by the sender: one
that is missing or taken is replaced, so that an id names one message of an inbox.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec

from services.sandbox.agentmail_to.failures import missing
from services.sandbox.agentmail_to.mime import clean, read_files, read_head
from services.sandbox.agentmail_to.records import (
    Addresses,
    File,
    Inbox,
    Key,
    Letter,
    Parents,
)
from services.sandbox.records import Agent
from services.sandbox.store import Store

_TOLD_IN_THE_PARTS: Final = re.compile(rb"inline|content-id", re.IGNORECASE)
_HEAD: Final = 32 * 1024
COLUMNS: Final = (
    "m.number, m.agent, m.message_id, m.thread_id, m.seq, m.at, m.created_at, m.updated_at, "
    "m.size, m.sender, m.addresses, m.subject, m.preview, m.parents, m.files, "
    "(SELECT json_group_array(l.label) FROM v0_labels l WHERE l.number = m.number)"
)

Judge = Callable[[Inbox, str, bool], Sequence[str]]
"""Says which labels a received mail gets besides the usual: inbox, sender, whether it answers."""
Arrived = Callable[[Inbox, Letter], object]


class Mailroom:
    """All messages of all inboxes; `judge` labels what comes in, `arrived` is told about it."""

    def __init__(self, store: Store, judge: Judge) -> None:
        self._store = store
        self._judge = judge
        self.arrived: Arrived | None = None

    # ── what came in ─────────────────────────────────────────────────────────────────────────────

    def catch_up(self, inbox: Inbox, named: tuple[str, str] = ("", "")) -> None:
        """Take over what the store has received for an inbox since the last time.

        `named` gives the message of that id in the store another id here, however odd.
        """
        fresh: list[Letter] = []
        with self._store.transaction() as db:
            (seen,) = db.execute(
                "SELECT seen FROM v0_inboxes WHERE agent = ?", (inbox.number,)
            ).fetchone()
            rows = db.execute(
                "SELECT m.seq, m.message_id, m.received_at, m.sender, m.subject, m.preview, "
                "m.is_read, m.labels, m.attachment_count, length(b.raw), substr(b.raw, 1, ?) "
                "FROM messages m JOIN bodies b ON b.seq = m.seq "
                "WHERE m.agent = ? AND m.seq > ? ORDER BY m.seq",
                (_HEAD, inbox.number, seen),
            ).fetchall()
            for row in rows:
                wanted = named[1] if row[1] == named[0] else ""
                fresh.append(self._take_over(inbox, row, wanted))
            if rows:
                db.execute(
                    "UPDATE v0_inboxes SET seen = ? WHERE agent = ?", (rows[-1][0], inbox.number)
                )
        if self.arrived is not None:
            for letter in fresh:
                self.arrived(inbox, letter)

    def _take_over(self, inbox: Inbox, row: Sequence[Any], wanted: str) -> Letter:
        seq, _, at, sender, subject, preview, is_read, labels, files, size, start = row
        head = read_head(start)
        given = [label.lower() for label in json.loads(labels)]
        judged = self._judge(inbox, head.sender or sender, self._is_answer(inbox, head.parents))
        letter = Letter(
            number=0, inbox=inbox.number, message_id=clean(wanted or head.message_id),
            thread_id="", seq=seq, at=round(at, 3), created_at=round(at, 3),
            updated_at=round(at, 3), size=size, sender=head.sender or sender,
            addresses=head.addresses, subject=subject, preview=preview, parents=head.parents,
            files=(), labels=("received", *(() if is_read else ("unread",)), *judged, *given),
        )  # fmt: skip
        return self._insert(letter, lambda prefix: self._files(seq, prefix) if files else ())

    def _files(self, seq: int, prefix: str) -> tuple[File, ...]:
        """Return the attachments of a received mail; most are known to the store already."""
        raw = self._raw_of(seq)
        if _TOLD_IN_THE_PARTS.search(raw):
            return read_files(raw, prefix)
        rows = self._store.database.connection.execute(
            "SELECT part, size, file_name, content_type FROM files "
            "WHERE seq = ? AND part >= 0 ORDER BY part",
            (seq,),
        )
        return tuple(
            File(f"{prefix}-{part}", size, part, name, kind, "attachment")
            for part, size, name, kind in rows
        )

    def _is_answer(self, inbox: Inbox, parents: Parents) -> bool:
        """Tell whether a mail answers one that this inbox has sent."""
        asked = [i for i in (parents.in_reply_to, *parents.references) if i]
        letters = [self.find(inbox, message_id) for message_id in asked]
        return any(letter is not None and letter.seq is None for letter in letters)

    def keep_sent(self, letter: Letter, raw: bytes) -> Letter:
        """Store a sent message; returns it with its number, thread and attachments."""
        kept = self._insert(letter, lambda prefix: read_files(raw, prefix))
        with self._store.transaction() as db:
            db.execute("INSERT INTO v0_bodies VALUES (?, ?)", (kept.number, raw))
        return kept

    def _insert(self, letter: Letter, files_of: Callable[[str], tuple[File, ...]]) -> Letter:
        with self._store.transaction() as db:
            thread = self._thread(letter)
            if not letter.message_id or self._taken(letter):
                fallback = f"<{secrets.token_hex(12)}@{self._store.mail_domain}>"
                letter = replace(letter, message_id=fallback)
            number = db.execute(
                "INSERT INTO v0_messages (agent, message_id, thread_id, seq, at, created_at, "
                "updated_at, size, sender, addresses, recipients, subject, preview, parents, "
                "files) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]')",
                (
                    letter.inbox, letter.message_id, thread, letter.seq, letter.at,
                    letter.created_at, letter.updated_at, letter.size, letter.sender,
                    _stored(letter.addresses), _recipients(letter.addresses),
                    letter.subject, letter.preview, _stored(letter.parents),
                ),
            ).lastrowid  # fmt: skip
            assert number is not None
            files = files_of(f"att_{number:x}")
            if files:
                db.execute(
                    "UPDATE v0_messages SET files = ? WHERE number = ?",
                    (_stored(files), number),
                )
            db.executemany(
                "INSERT OR IGNORE INTO v0_labels VALUES (?, ?)",
                [(number, label) for label in letter.labels],
            )
        labels = tuple(dict.fromkeys(letter.labels))
        return replace(letter, number=number, thread_id=thread, files=files, labels=labels)

    def _taken(self, letter: Letter) -> bool:
        return self._one(
            "m.agent = ? AND m.message_id = ?", (letter.inbox, letter.message_id)
        ) is not None  # fmt: skip

    def _thread(self, letter: Letter) -> str:
        """Return the thread of what a message answers, of its namesake, or a new one."""
        asked = [letter.parents.in_reply_to, *reversed(letter.parents.references)]
        for message_id in (*asked, letter.message_id):
            found = self._store.database.connection.execute(
                "SELECT thread_id FROM v0_messages WHERE agent = ? AND message_id = ?",
                (letter.inbox, message_id),
            ).fetchone()
            if found:
                return str(found[0])
        return f"thd_{secrets.token_hex(12)}"

    # ── what is there ────────────────────────────────────────────────────────────────────────────

    def find(self, inbox: Inbox, message_id: str) -> Letter | None:
        """Return the message of this id, whoever asks."""
        return self._one("m.agent = ? AND m.message_id = ?", (inbox.number, message_id))

    def get(self, key: Key, inbox: Inbox, message_id: str) -> Letter:
        """Return the message of this id; raises 404, also for labels the key may not see."""
        letter = self.find(inbox, message_id)
        if letter is None or set(letter.labels) & set(key.unseen()):
            raise missing("Message")
        return letter

    def numbered(self, number: int) -> Letter | None:
        """Return the message of this row."""
        return self._one("m.number = ?", (number,))

    def where(self, terms: str, values: Sequence[object]) -> list[Letter]:
        """Return the messages of a selection, as SQL on `m`; order and limit go with it."""
        rows = self._store.database.connection.execute(
            f"SELECT {COLUMNS} FROM v0_messages m WHERE {terms}",  # noqa: S608
            values,
        )
        return [_letter(row) for row in rows]

    def _one(self, terms: str, values: Sequence[object]) -> Letter | None:
        return next(iter(self.where(terms, values)), None)

    def raw(self, letter: Letter) -> bytes:
        """Return the MIME of a message."""
        if letter.seq is not None:
            return self._raw_of(letter.seq)
        return self._bytes("SELECT raw FROM v0_bodies WHERE number = ?", letter.number)

    def _raw_of(self, seq: int) -> bytes:
        return self._bytes("SELECT raw FROM bodies WHERE seq = ?", seq)

    def _bytes(self, sql: str, row: int) -> bytes:
        found = self._store.database.connection.execute(sql, (row,)).fetchone()
        return bytes(found[0]) if found else b""

    # ── changes ──────────────────────────────────────────────────────────────────────────────────

    def relabel(
        self, agent: Agent, letter: Letter, add: Iterable[str], drop: Iterable[str]
    ) -> Letter:
        """Change labels, log what really changed, share the read state with the store."""
        added = [label for label in dict.fromkeys(add) if label not in letter.labels]
        dropped = [label for label in dict.fromkeys(drop) if label in letter.labels]
        if not added and not dropped:
            return letter
        now = self._store.clock()
        with self._store.transaction() as db:
            for label in dropped:
                db.execute(
                    "DELETE FROM v0_labels WHERE number = ? AND label = ?", (letter.number, label)
                )
                self._log(letter, "label.removed", label, now)
            for label in added:
                db.execute("INSERT INTO v0_labels VALUES (?, ?)", (letter.number, label))
                self._log(letter, "label.added", label, now)
            db.execute(
                "UPDATE v0_messages SET updated_at = ? WHERE number = ?", (now, letter.number)
            )
            if letter.seq is not None and "unread" in (*added, *dropped):
                self._share_read_state(agent, letter.seq, is_read="unread" in dropped)
        labels = [label for label in letter.labels if label not in dropped]
        return replace(letter, labels=(*labels, *added), updated_at=now)

    def _share_read_state(self, agent: Agent, seq: int, *, is_read: bool) -> None:
        mail = self._store_mail(agent, seq)
        if mail is not None:
            self._store.set_flags(mail, is_read=is_read)

    def _log(self, letter: Letter, kind: str, label: str, now: float) -> None:
        self._store.database.connection.execute(
            "INSERT INTO v0_events (agent, event_type, message_id, label, at) "
            "VALUES (?, ?, ?, ?, ?)",
            (letter.inbox, kind, letter.message_id, label, now),
        )

    def delete(self, agent: Agent, letter: Letter) -> None:
        """Delete a message for good, here and in the store."""
        with self._store.transaction() as db:
            mail = None if letter.seq is None else self._store_mail(agent, letter.seq)
            if mail is not None:
                self._store.delete(agent, mail)
            db.execute("DELETE FROM v0_messages WHERE number = ?", (letter.number,))

    def _store_mail(self, agent: Agent, seq: int) -> Any:
        row = self._store.database.connection.execute(
            "SELECT message_id FROM messages WHERE seq = ?", (seq,)
        ).fetchone()
        return self._store.message(agent, row[0]) if row else None


def _stored(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _recipients(addresses: Addresses) -> str:
    return ", ".join((*addresses.to, *addresses.cc, *addresses.bcc))


def _letter(row: Sequence[Any]) -> Letter:
    return Letter(
        number=row[0],
        inbox=row[1],
        message_id=row[2],
        thread_id=row[3],
        seq=row[4],
        at=row[5],
        created_at=row[6],
        updated_at=row[7],
        size=row[8],
        sender=row[9],
        addresses=msgspec.json.decode(row[10], type=Addresses),
        subject=row[11],
        preview=row[12],
        parents=msgspec.json.decode(row[13], type=Parents),
        files=msgspec.json.decode(row[14], type=tuple[File, ...]),
        labels=tuple(sorted(json.loads(row[15]))),
    )
