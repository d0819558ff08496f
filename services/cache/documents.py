"""Documents as they stand in the log, and the inbox item that a document holds.

Closes the trap of a text that JSON accepts and UTF-8 does not (a lone surrogate from a hostile
header): it is kept, escaped. Keys are short because they are repeated 100,000 times.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from services.addresses import parse_mailbox
from services.models import RowFlag

if TYPE_CHECKING:
    from services.wire_values import InboxItem

Document = dict[str, Any]

_plain = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_escaped = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode

_TEXTS: Final = (
    ("s", "sender"), ("t", "recipient"), ("j", "subject"), ("p", "body_preview"),
    ("tt", "trust_tier"), ("ty", "traffic_type"), ("c", "correlation_id"),
    ("mr", "marketplace_request_id"),
)  # fmt: skip
_FLAGS: Final = (
    ("v", "sender_verified"), ("r", "is_read"), ("x", "archived"), ("e", "encrypted"),
)  # fmt: skip
# Plain integers: the operators of IntFlag cost a microsecond each.
_UNREAD: Final = int(RowFlag.UNREAD)
_VERIFIED: Final = int(RowFlag.VERIFIED)
_MARKETPLACE: Final = int(RowFlag.MARKETPLACE)
_BITS: Final = (
    ("x", int(RowFlag.ARCHIVED)), ("e", int(RowFlag.ENCRYPTED)), ("n", int(RowFlag.ATTACHMENTS)),
    ("mr", _MARKETPLACE),
)  # fmt: skip


def encode(document: Mapping[str, Any]) -> bytes:
    """Return one line of JSON; raises TypeError for what JSON cannot hold."""
    try:
        return _plain(document).encode()
    except UnicodeEncodeError:
        return _escaped(document).encode()


def decode(body: bytes) -> Document:
    """Return the document of a line; raises ValueError if it is damaged."""
    document: Document = _decode(str(body, "utf-8"))
    return document


def from_item(item: InboxItem) -> Document:
    """Return the document that holds an item; fields at rest are left out."""
    document: Document = {"i": item.message_id, "d": item.received_at}
    for key, name in _TEXTS + _FLAGS:
        value = getattr(item, name)
        if value:
            document[key] = value
    if item.labels:
        document["l"] = list(item.labels)
    if item.attachment_count:
        document["n"] = item.attachment_count
    if item.extra:
        document["o"] = dict(item.extra)
    return document


def to_item(document: Mapping[str, Any]) -> InboxItem:
    """Return the item that a document holds."""
    from services.wire_values import InboxItem

    values = {name: document[key] for key, name in _TEXTS + _FLAGS if key in document}
    return InboxItem(
        message_id=document.get("i", ""),
        received_at=document.get("d", 0),
        labels=tuple(document.get("l", ())),
        attachment_count=document.get("n", 0),
        extra=document.get("o", {}),
        **values,
    )


def flags_of(document: Mapping[str, Any]) -> int:
    """Return the RowFlag bits that a document decides by itself."""
    flags = 0 if document.get("r") else _UNREAD
    if document.get("v") is True:
        flags |= _VERIFIED
    for key, bit in _BITS:
        if document.get(key):
            flags |= bit
    if document.get("ty") == "marketplace":
        flags |= _MARKETPLACE
    return flags


def texts_of(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return sender, subject and preview: what a search looks through."""
    return (
        str(document.get("s", "")), str(document.get("j", "")), str(document.get("p", ""))
    )  # fmt: skip


@lru_cache(maxsize=1_024)
def correspondent(sender: str) -> str:
    """Return what tells one sender from another: the address, else the whole text."""
    return (parse_mailbox(sender).address or sender).strip().casefold()
