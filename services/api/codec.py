"""Between wire JSON and the plain values of services/models.py: reads tolerantly, writes strictly.

Field names of inbox items are mostly assumed, so they are looked up with case and underscores
ignored; only MessageID is required and unknown keys are kept. Closes two traps: "true" or 1 taken
for a verified sender, and one odd entry that costs the whole page. Source: api/assmbl.md §4.1,
§6.3.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from services.errors import BadAnswer
from services.wire_values import FetchedMessage, InboundAttachment, InboxItem, InboxPage

_LATEST: Final = 253_402_300_799
"""The last second of the year 9999; anything later is milliseconds or nonsense."""
_MILLISECONDS_FROM: Final = 100_000_000_000
_LONGEST_CURSOR: Final = 8_192
_LONGEST_ID: Final = 4_096
_MOST_LABELS: Final = 200
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_DEEPEST: Final = 32
"""Levels of nesting in an unknown field, beyond which it is not kept."""

_ITEM_KEYS: Final = {
    "messageid": "message_id", "senderverified": "sender_verified", "sender": "sender",
    "recipient": "recipient", "subject": "subject", "bodypreview": "body_preview",
    "receivedat": "received_at", "labels": "labels", "isread": "is_read", "archived": "archived",
    "encrypted": "encrypted", "attachmentcount": "attachment_count", "trusttier": "trust_tier",
    "traffictype": "traffic_type", "correlationid": "correlation_id",
    "marketplacerequestid": "marketplace_request_id",
}  # fmt: skip
_WIRE_NAMES: Final = {
    "message_id": "MessageID", "sender_verified": "SenderVerified", "sender": "Sender",
    "recipient": "Recipient", "subject": "Subject", "body_preview": "BodyPreview",
    "received_at": "ReceivedAt", "labels": "Labels", "is_read": "IsRead", "archived": "Archived",
    "encrypted": "Encrypted", "attachment_count": "AttachmentCount", "trust_tier": "TrustTier",
    "traffic_type": "TrafficType", "correlation_id": "CorrelationID",
    "marketplace_request_id": "MarketplaceRequestID",
}  # fmt: skip
_MESSAGE_KEYS: Final = frozenset({"rawmime", "attachments"})


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _count(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31
    return value if fits else None  # type: ignore[return-value]


def _labels(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    told = dict.fromkeys(label for label in value if isinstance(label, str) and label)
    return tuple(told)[:_MOST_LABELS]


def kept_id(value: object) -> str:
    """Return an id of the service, "" for what could not be kept or asked about again."""
    fits = isinstance(value, str) and len(value) <= _LONGEST_ID and value.isprintable()
    return str(value) if fits else ""


def can_be_sent(value: object) -> bool:
    """Tell whether a value is a text that can go back over the wire: without lone surrogates."""
    return isinstance(value, str) and not _SURROGATE.search(value)


def require_same(told: str, asked: str) -> None:
    """Raise BadAnswer for another message than asked for: it would be read under a wrong sender."""
    if told.strip("<> ") != asked.strip("<> "):
        raise BadAnswer("The service sent another message than the one that was asked for.")


def received_at(value: object) -> int:
    """Return seconds since the epoch, UTC, from ISO-8601 text or epoch seconds or milliseconds.

    0 when it cannot be read; text without a zone counts as UTC (api/assmbl.md §17 Q5).
    """
    if isinstance(value, str):
        text = value.strip()
        try:
            value = float(text) if text.isascii() else 0
        except ValueError:
            # Written out, a year far away is no count of milliseconds.
            return _fitting(_moment_of(text))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    if not 0 <= value <= _LATEST * 1000:
        return 0
    return _fitting(value / 1000 if value >= _MILLISECONDS_FROM else value)


def _fitting(seconds: float) -> int:
    return int(seconds) if 0 <= seconds <= _LATEST else 0


def _moment_of(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0


_READERS: Final[Mapping[str, Callable[[object], object]]] = {
    "message_id": _text, "sender_verified": lambda value: value is True, "sender": _text,
    "recipient": _text, "subject": _text, "body_preview": _text, "received_at": received_at,
    "labels": _labels, "is_read": _flag, "archived": _flag, "encrypted": _flag,
    "attachment_count": _count, "trust_tier": _text, "traffic_type": _text,
    "correlation_id": _text, "marketplace_request_id": _text,
}  # fmt: skip


def _is_deep(value: object, levels: int = _DEEPEST) -> bool:
    """Tell a value that JSON readers further down, on a fuller stack, could not read again."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_is_deep(inner, levels - 1) for inner in value)


def _mapping(data: object, what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise BadAnswer(f"The service sent {what} that is not a JSON object.")
    return data


def inbox_item(data: object) -> InboxItem:
    """Return one inbox item; raises BadAnswer without a MessageID.

    A field of the wrong type keeps its default, and its value goes to `extra` as it came.
    """
    found: dict[str, Any] = {}
    extra: dict[str, object] = {}
    for key, value in _mapping(data, "an inbox entry").items():
        name = _ITEM_KEYS.get(_plain(key))
        read = None if name is None or name in found else _READERS[name](value)
        if name is not None and read is not None:
            found[name] = read
        elif value is not None and not _is_deep(value):
            extra[key] = value
    if not found.get("message_id"):
        raise BadAnswer("The service sent an inbox entry without an id.")
    return InboxItem(**found, extra=extra)


def inbox_page(data: object) -> InboxPage:
    """Return one page; entries that cannot be read are counted in `skipped`.

    A missing `items` is an empty page; the cursor may be called next_cursor, cursor or NextCursor.
    Raises BadAnswer when the answer is not a page at all.
    """
    page: dict[str, Any] = {}
    for key, value in _mapping(data, "a page").items():
        page.setdefault(_plain(key), value)
    entries = page.get("items")
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        raise BadAnswer("The service sent a page whose items are not a list.")
    items: list[InboxItem] = []
    for entry in entries:
        try:
            items.append(inbox_item(entry))
        except BadAnswer:
            continue
    return InboxPage(tuple(items), _cursor(page), skipped=len(entries) - len(items))


def _cursor(page: Mapping[str, Any]) -> str | None:
    cursor = page.get("nextcursor")
    if cursor is None:
        cursor = page.get("cursor")
    if cursor is None or cursor == "":
        return None
    if not isinstance(cursor, str):
        raise BadAnswer("The service sent a page cursor that is not text.")
    if len(cursor) > _LONGEST_CURSOR or _SURROGATE.search(cursor):
        # Kept, it could never be sent back, and every later sync would fail on it.
        raise BadAnswer("The service sent a page cursor that cannot be sent back.")
    return cursor


def attachment(data: object, position: int) -> InboundAttachment:
    """Return one manifest entry; `position` stands in for a missing index. Raises BadAnswer."""
    entry = {_plain(key): value for key, value in _mapping(data, "a manifest entry").items()}
    index = _count(entry.get("index"))
    name = _text(entry.get("filename")) or _text(entry.get("name")) or ""
    size = entry.get("size")
    return InboundAttachment(
        index=position if index is None else index,
        file_name=name,
        content_type=_text(entry.get("contenttype")) or "",
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        status=_text(entry.get("status")) or "",
        encrypted=entry.get("encrypted") is True,
    )


def fetched_message(data: object) -> FetchedMessage:
    """Return a whole message; raises BadAnswer without an id or without its raw MIME text.

    `encrypted` counts when either spelling is true; manifest entries that are no objects are left
    out.
    """
    message = _mapping(data, "a message")
    plain = {_plain(key): value for key, value in message.items()}
    raw = plain.get("rawmime")
    if not isinstance(raw, str):
        raise BadAnswer("The service sent a message without its text.")
    spelled = [value for key, value in message.items() if _plain(key) == "encrypted"]
    fields = {k: v for k, v in message.items() if _plain(k) not in {*_MESSAGE_KEYS, "encrypted"}}
    item = inbox_item({**fields, "Encrypted": any(value is True for value in spelled)})
    entries = plain.get("attachments")
    listed = entries if isinstance(entries, list) else []
    manifest = tuple(
        attachment(entry, position)
        for position, entry in enumerate(listed)
        if isinstance(entry, Mapping)
    )
    return FetchedMessage(item, raw, manifest)


def iso_time(seconds: float) -> str:
    """Return `2026-11-21T09:30:00Z` for seconds since the epoch; empty text for 0."""
    if not seconds:
        return ""
    moment = datetime.fromtimestamp(int(seconds), UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def item_to_wire(item: InboxItem) -> dict[str, object]:
    """Return the item in PascalCase with every known key, unknown ones kept."""
    known: dict[str, object] = {wire: getattr(item, name) for name, wire in _WIRE_NAMES.items()}
    known["ReceivedAt"] = iso_time(item.received_at)
    known["Labels"] = list(item.labels)
    return {**item.extra, **known}


def item_document(item: InboxItem) -> dict[str, object]:
    """Return the item for the cache: field names as in models, empty values left out."""
    document = {name: value for name in _WIRE_NAMES if (value := getattr(item, name))}
    if item.labels:
        document["labels"] = list(item.labels)
    if item.extra:
        document["extra"] = dict(item.extra)
    return document


def item_from_document(document: Mapping[str, Any]) -> InboxItem:
    """Return the item that `item_document` wrote."""
    fields = {name: document[name] for name in _WIRE_NAMES if name in document}
    fields["labels"] = tuple(document.get("labels", ()))
    return InboxItem(**fields, extra=dict(document.get("extra", {})))
