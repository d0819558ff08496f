"""How messages are printed by verbs: one JSON shape, one text table.

Closes two traps of printing mail to a terminal or a script: JSON is ASCII only (escapes and bidi
controls from mail arrive as backslash sequences) and never holds lone surrogates, which strict readers
refuse; text goes through `SafeText` like on any screen.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from services.models import MessageRow, RowFlag
from services.wire_values import InboxItem


def print_json(value: object) -> None:
    """Print one JSON value on one line."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        value = _speakable(value)
    sys.stdout.write(json.dumps(value) + "\n")


def item_json(item: InboxItem) -> dict[str, Any]:
    """Return the JSON object of one message, as `list --json` documents it."""
    return {
        "id": item.message_id,
        "sender": item.sender,
        "subject": item.subject,
        "date": iso_date(item.received_at),
        "unread": not item.is_read,
        "archived": item.archived,
        "labels": list(item.labels),
        "verified": item.sender_verified,
        "encrypted": item.encrypted,
        "attachments": item.attachment_count,
    }


def iso_date(seconds: int) -> str | None:
    """Return ISO 8601 in UTC, or None for an unknown date."""
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def row_line(row: MessageRow, width: int) -> str:
    """Return one line of the text table: flags, date, sender, subject, and the id at the end."""
    flags = "".join(
        mark if row.flags & flag else " "
        for flag, mark in (
            (RowFlag.UNREAD, "*"),
            (RowFlag.ENCRYPTED, "E"),
            (RowFlag.ARCHIVED, "A"),
        )
    )
    trust = " " if row.flags & RowFlag.VERIFIED else "!"
    date = (iso_date(row.received_at) or "")[:16].replace("T", " ")
    room = max(20, width - 46)
    subject = fit(row.subject, room)
    return (
        f"{flags}{trust} {date:16}  {fit(row.sender, 20)}  {subject}  {_one_word(row.message_id)}"
    )


def fit(text: str, width: int) -> str:
    """Cut or pad to a number of terminal cells (wide letters count two, marks none)."""
    cells = 0
    for position, letter in enumerate(text):
        size = _cells(letter)
        if cells + size > width:
            kept = text[:position]
            while cells > width - 1:
                cells -= _cells(kept[-1])
                kept = kept[:-1]
            return kept + "…" + " " * (width - 1 - cells)
        cells += size
    return text + " " * (width - cells)


def print_rows(rows: Iterable[MessageRow], width: int) -> None:
    """Print the text table."""
    for row in rows:
        sys.stdout.write(row_line(row, width).rstrip() + "\n")


def _cells(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def _one_word(message_id: str) -> str:
    """Return an id for copying into the next command; ids are opaque, so anything odd is escaped."""
    plain = message_id.isascii() and message_id.isprintable() and " " not in message_id
    return message_id if plain else json.dumps(message_id)


def _speakable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {_speakable(key): _speakable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_speakable(inner) for inner in value]
    return value
