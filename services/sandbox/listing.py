"""The inbox list: its query, its opaque cursors, and the SQL that keeps deep pages cheap.

Closes three traps. A cursor is signed, so that an invented or foreign one is a 400 and never a jump
into the data. Words in the search are found by the trigram index and joined in the order of arrival
(`IN (SELECT …)` was 200 times slower for common words, research/sandbox.md §3). And values of the
query are read strictly: what is not `true` or `false` is an error, not a guess.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any, Final

from services.api import wire
from services.api.codec import iso_time
from services.api.wire_types import DEFAULT_PAGE, MAX_PAGE
from services.sandbox.context import ApiError, Call
from services.sandbox.records import Agent, StoredMail
from services.sandbox.store import COLUMNS, Store, stored_mail

_NUMBER: Final = re.compile(r"[0-9]{1,4}")
_TRIGRAM: Final = 3


def list_inbox(call: Call) -> wire.InboxPage:
    """Answer `GET /inbox` (api/assmbl.md §4.1)."""
    query = read_query(call.query)
    if query.cursor is not None and "expired_cursor" in call.faults:
        raise ApiError(400, "invalid_cursor", "The cursor has expired.")
    after = 0 if query.cursor is None else _position(call.store, call.agent, query.cursor)
    limit = query.limit
    if short := call.faults.get("short_page"):
        limit = min(limit, short.size)
    if "empty_page" in call.faults:
        return wire.InboxPage(items=[], next_cursor=_cursor(call.store, call.agent, after))
    rows = select(call.store, call.agent, query, after, limit + 1)
    cut = len(rows) > limit
    last = rows[limit - 1].seq if cut and limit else after
    cursor = _cursor(call.store, call.agent, last) if cut else None
    if "repeated_cursor" in call.faults and query.cursor is not None:
        cursor = query.cursor
    return wire.InboxPage(items=[item(row) for row in rows[:limit]], next_cursor=cursor)


def item(mail: StoredMail) -> wire.InboxItem:
    """Return a stored message as an inbox item."""
    return wire.InboxItem(**item_fields(mail))


def item_fields(mail: StoredMail) -> dict[str, Any]:
    """Return the inbox fields of a stored message by attribute name."""
    return {
        "message_id": mail.message_id, "sender_verified": mail.verified, "sender": mail.sender,
        "recipient": mail.recipient, "subject": mail.subject, "body_preview": mail.preview,
        "received_at": iso_time(mail.received_at), "labels": list(mail.labels),
        "is_read": mail.is_read, "archived": mail.archived, "encrypted_item": mail.encrypted,
        "attachment_count": mail.attachment_count, "trust_tier": mail.trust_tier,
        "traffic_type": mail.traffic_type, "correlation_id": mail.correlation_id,
        "marketplace_request_id": mail.marketplace_request_id,
    }  # fmt: skip


# ── the query ────────────────────────────────────────────────────────────────────────────────────


def read_query(values: Mapping[str, str]) -> wire.InboxQuery:
    """Return the checked query; raises 400 with the contract's names."""
    q = values.get("q")
    if q is not None and not q.strip():
        raise ApiError(400, "invalid_query", "q must not be blank.")
    return wire.InboxQuery(
        limit=_limit(values.get("limit")),
        cursor=values.get("cursor"),
        verified_only=_flag(values, "verified_only") or False,
        q=q,
        label=values.get("label"),
        is_read=_flag(values, "is_read"),
        include_archived=_flag(values, "include_archived") or False,
    )


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE
    limit = int(text) if _NUMBER.fullmatch(text) else 0
    if not 1 <= limit <= MAX_PAGE:
        raise ApiError(400, "invalid_limit", f"limit must be 1 to {MAX_PAGE}.")
    return limit


def _flag(values: Mapping[str, str], name: str) -> bool | None:
    text = values.get(name)
    if text is None:
        return None
    if text not in ("true", "false"):
        raise ApiError(400, "invalid_query", f"{name} must be true or false.")
    return text == "true"


# ── the cursor ───────────────────────────────────────────────────────────────────────────────────


def _cursor(store: Store, agent: Agent, seq: int) -> str:
    place = seq.to_bytes(8, "big") + agent.number.to_bytes(4, "big")
    return base64.urlsafe_b64encode(place + _seal(store, place)).decode().rstrip("=")


def _position(store: Store, agent: Agent, cursor: str) -> int:
    try:
        data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    place = data[:12]
    genuine = hmac.compare_digest(data[12:], _seal(store, place)) and len(place) == 12
    if not genuine or int.from_bytes(place[8:], "big") != agent.number:
        raise ApiError(400, "invalid_cursor", "The cursor is not one of this mailbox.")
    return int.from_bytes(place[:8], "big")


def _seal(store: Store, place: bytes) -> bytes:
    return hmac.digest(_cursor_secret(store), place, hashlib.sha256)[:12]


def _cursor_secret(store: Store) -> bytes:
    db = store.database.connection
    row = db.execute("SELECT value FROM meta WHERE name = 'cursor secret'").fetchone()
    if row is None:
        row = (secrets.token_bytes(32),)
        db.execute("INSERT INTO meta VALUES ('cursor secret', ?)", row)
    return bytes(row[0])


# ── the selection ────────────────────────────────────────────────────────────────────────────────


def select(
    store: Store, agent: Agent, query: wire.InboxQuery, after: int, limit: int
) -> list[StoredMail]:
    """Return up to `limit` messages behind the position `after`, in the order of arrival."""
    source, order, wanted = _source(query)
    where = ["m.agent = :agent", "m.seq > :after", *wanted]
    if not query.include_archived:
        where.append("m.archived = 0")
    if query.verified_only:
        where.append("m.verified = 1")
    if query.is_read is not None:
        where.append("m.is_read = :is_read")
    if query.label is not None:
        where.append("EXISTS (SELECT 1 FROM labels l WHERE l.agent = :agent "
                     "AND l.label = :label AND l.seq = m.seq)")  # fmt: skip
    terms = " AND ".join(where)
    sql = f"SELECT {COLUMNS} FROM {source} WHERE {terms} ORDER BY {order} LIMIT :limit"  # noqa: S608
    values = {
        "agent": agent.number, "after": after, "limit": limit, "label": query.label,
        "is_read": query.is_read, "words": '"' + (query.q or "").replace('"', '""') + '"',
        "text": (query.q or "").casefold(),
    }  # fmt: skip
    return [stored_mail(row) for row in store.database.connection.execute(sql, values)]


def _source(query: wire.InboxQuery) -> tuple[str, str, list[str]]:
    """Return the tables, the column that runs in the order of arrival, and the terms."""
    if query.q is None:
        if query.label is None:
            return "messages m", "m.seq", []
        joined = "labels w CROSS JOIN messages m ON m.seq = w.seq"
        return joined, "w.seq", ["w.agent = :agent", "w.label = :label", "w.seq > :after"]
    if len(query.q) < _TRIGRAM or "\x00" in query.q:
        # One call a row: the scan is the slowest query there is. The fields hold no line feed.
        found = "instr(casefold(m.subject || char(10) || m.preview || char(10) || m.sender), :text)"
        return "messages m", "m.seq", [found, "instr(:text, char(10)) = 0"]
    joined = "search CROSS JOIN messages m ON m.seq = search.rowid"
    return joined, "search.rowid", ["search MATCH :words", "search.rowid > :after"]
