"""Drafts as the door keeps them, and the sending of those whose time has come (§6).

Closes the trap of a scheduled draft that leaves twice or never: it is deleted in the commit that
sends it, and one that cannot be sent says `failed` and stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from services.sandbox.agentmail_to.failures import conflict, missing
from services.sandbox.agentmail_to.moments import iso
from services.sandbox.agentmail_to.records import File, Inbox
from services.sandbox.agentmail_to.shapes import Json, attachment, present
from services.sandbox.intake import PREVIEW
from services.sandbox.store import Store

SCHEDULED: Final = "scheduled"


class DraftFile(Struct, kw_only=True):
    """One file of a draft with its bytes."""

    attachment_id: str
    data: bytes
    filename: str = ""
    content_type: str = ""
    disposition: str = "attachment"
    content_id: str = ""

    def about(self) -> File:
        """Return what is told about the file."""
        return File(
            self.attachment_id, len(self.data), 0, self.filename, self.content_type,
            self.disposition, self.content_id,
        )  # fmt: skip


class Draft(Struct, kw_only=True):
    """One draft; times in epoch seconds."""

    draft_id: str
    inbox: int
    created_at: float
    updated_at: float
    labels: list[str] = []
    reply_to: list[str] = []
    to: list[str] = []
    cc: list[str] = []
    bcc: list[str] = []
    subject: str | None = None
    text: str | None = None
    html: str | None = None
    files: list[DraftFile] = []
    in_reply_to: str | None = None
    forward_of: str | None = None
    references: list[str] = []
    client_id: str | None = None
    send_at: float | None = None
    send_status: str | None = None

    def schedule(self, at: float | None) -> None:
        """Set or clear the time of sending, with the label that shows it."""
        self.send_at = at
        self.send_status = None if at is None else SCHEDULED
        self.labels = [label for label in self.labels if label != SCHEDULED]
        if at is not None:
            self.labels.append(SCHEDULED)


class Drafts:
    """The drafts of all inboxes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def new(self, inbox: Inbox) -> Draft:
        """Return an empty draft, not stored yet."""
        now = round(self._store.clock(), 3)
        return Draft(
            draft_id=f"dft_{secrets.token_hex(12)}", inbox=inbox.number, created_at=now,
            updated_at=now,
        )  # fmt: skip

    def save(self, draft: Draft) -> Draft:
        """Store a draft; only one that waits for its time is due ever."""
        due = draft.send_at if draft.send_status == SCHEDULED else None
        draft.updated_at = max(round(self._store.clock(), 3), draft.updated_at)
        with self._store.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO v0_drafts VALUES (?, ?, ?, ?, ?, ?)",
                (
                    draft.draft_id, draft.inbox, msgspec.msgpack.encode(draft), draft.created_at,
                    draft.updated_at, due,
                ),
            )  # fmt: skip
        return draft

    def remove(self, draft: Draft) -> None:
        """Forget a draft."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM v0_drafts WHERE draft_id = ?", (draft.draft_id,))

    def get(self, inboxes: Sequence[Inbox], draft_id: str) -> tuple[Inbox, Draft]:
        """Return a draft of one of these inboxes; raises 404."""
        found = self.find(draft_id)
        for inbox in inboxes:
            if found is not None and inbox.number == found.inbox:
                return inbox, found
        raise missing("Draft")

    def find(self, draft_id: str) -> Draft | None:
        """Return a draft, whoever asks."""
        return next(iter(self._select("draft_id = ?", draft_id)), None)

    def of(self, inboxes: Sequence[Inbox]) -> list[Draft]:
        """Return the drafts of these inboxes, the oldest change first."""
        marks = ", ".join("?" * len(inboxes))
        terms = f"agent IN ({marks}) ORDER BY updated_at, draft_id"
        return self._select(terms, *(inbox.number for inbox in inboxes))

    def due(self) -> list[Draft]:
        """Return the drafts whose time has come."""
        return self._select("send_at IS NOT NULL AND send_at <= ?", self._store.clock())

    def _select(self, terms: str, *values: object) -> list[Draft]:
        rows: Any = self._store.database.connection.execute(
            f"SELECT document FROM v0_drafts WHERE {terms}",  # noqa: S608
            values,
        )
        return [msgspec.msgpack.decode(row[0], type=Draft) for row in rows]


def changeable(draft: Draft) -> Draft:
    """Return a draft that may be changed; raises 409 for one that is being sent."""
    if draft.send_status == "sending":
        raise conflict("This draft is being sent")
    return draft


def draft_item(draft: Draft, inbox_id: str) -> Json:
    """Return a DraftItem."""
    return {
        "inbox_id": inbox_id,
        "draft_id": draft.draft_id,
        "labels": list(draft.labels),
        **present(
            to=draft.to, cc=draft.cc, bcc=draft.bcc, subject=draft.subject,
            preview=" ".join((draft.text or "").split())[:PREVIEW],
            attachments=[attachment(file.about()) for file in draft.files],
            in_reply_to=draft.in_reply_to, forward_of=draft.forward_of,
            send_status=draft.send_status,
            send_at=None if draft.send_at is None else iso(draft.send_at),
        ),
        "updated_at": iso(draft.updated_at),
    }  # fmt: skip


def whole_draft(draft: Draft, inbox_id: str) -> Json:
    """Return a Draft, with its texts."""
    return {
        **draft_item(draft, inbox_id),
        **present(
            client_id=draft.client_id, reply_to=draft.reply_to, text=draft.text, html=draft.html,
            references=draft.references,
        ),
        "created_at": iso(draft.created_at),
    }  # fmt: skip
