"""From the JSON of AgentMail.to to the values of the rest: reads tolerantly, believes little.

Closes three traps: a field that is absent or of another type and costs the whole page, a sender who
counts as verified because nothing was said about him, and a date that the sender wrote taken for the
time of arrival. Unknown fields, labels and words are ignored. Source: api/agentmail_to.md §2, §3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.api.agentmail_to import labels
from services.api.codec import received_at
from services.errors import BadAnswer
from services.wire_values import FetchedMessage, InboundAttachment, InboxItem, InboxPage

Fields = Mapping[str, Any]
"""A JSON object."""
LONGEST_TOKEN: Final = 8_192
THREAD: Final = "thread_id"
"""Kept in `InboxItem.extra`."""
ARMOR: Final = "agent_armor"
"""Kept in `InboxItem.extra`: the service's own verdict, `clear` or `review`, where it is made."""

_SEALED: Final = ("application/pgp-encrypted", "application/pgp")
_ARMORED: Final = "-----BEGIN PGP MESSAGE-----"
_MOST_LABELS: Final = 200


def mapping(data: object, what: str) -> Mapping[str, Any]:
    """Return a JSON object; BadAnswer when it is something else."""
    if not isinstance(data, Mapping):
        raise BadAnswer(f"The service sent {what} that is not a JSON object.")
    return data


def text(value: object) -> str:
    """Return a text, "" for anything else."""
    return value if isinstance(value, str) else ""


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list, or a single one; anything else is left out."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return ()
    return tuple(entry for entry in value if isinstance(entry, str))


def labels_of(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return all labels of a message or thread, in lower case, each once."""
    found = dict.fromkeys(label.lower() for label in texts(data.get("labels")) if label)
    return tuple(found)[:_MOST_LABELS]


def entries(data: object, plural: str) -> tuple[list[Mapping[str, Any]], str | None]:
    """Return the objects of a page and the token of the next one; BadAnswer when it is no page.

    A page may be empty and have a token all the same: the end is where there is no token (§2).
    """
    page = mapping(data, "a page")
    listed = page.get(plural, [])
    if not isinstance(listed, list):
        raise BadAnswer("The service sent a page whose entries are not a list.")
    return [entry for entry in listed if isinstance(entry, Mapping)], _token(page)


def _token(page: Mapping[str, Any]) -> str | None:
    token = page.get("next_page_token")
    if token is None or token == "":
        return None
    if not isinstance(token, str) or len(token) > LONGEST_TOKEN or not token.isprintable():
        # Kept, it could never be sent back, and every later sync would fail on it.
        raise BadAnswer("The service sent a page token that cannot be sent back.")
    return token


def inbox_item(data: object) -> InboxItem:
    """Return a message of a list as an inbox entry; BadAnswer without an id."""
    fields = mapping(data, "a message")
    message_id = text(fields.get("message_id"))
    if not message_id:
        raise BadAnswer("The service sent a message without an id.")
    found = labels_of(fields)
    files = _files(fields)
    preview = text(fields.get("preview"))
    return InboxItem(
        message_id,
        sender_verified=is_authenticated(found),
        sender=text(fields.get("from")),
        recipient=", ".join(texts(fields.get("to"))),
        subject=text(fields.get("subject")),
        body_preview=preview,
        received_at=arrival_of(fields),
        labels=labels.shown(found),
        is_read=labels.UNREAD not in found,
        archived=labels.ARCHIVED in found,
        encrypted=_is_sealed(files, preview),
        attachment_count=len(files),
        trust_tier=_tier(found),
        extra=_extra(fields),
    )


def is_authenticated(found: tuple[str, ...]) -> bool:
    """Tell whether the service has checked the sender: it drops what fails and labels the rest (§5.5)."""
    return labels.RECEIVED in found and not labels.JUDGED.intersection(found)


def arrival_of(fields: Mapping[str, Any]) -> int:
    """Return when the service took a message in, in seconds since the epoch; 0 when it is not told.

    `timestamp` may be what the sender wrote (§3: "sent time"), so it is only the second choice.
    """
    return received_at(fields.get("created_at")) or received_at(fields.get("timestamp"))


def inbox_page(
    data: object, belongs: Callable[[Iterable[str]], bool] = labels.is_in_mailbox
) -> InboxPage:
    """Return a page of messages, without those that, by their labels, do not belong to it."""
    found, token = entries(data, "messages")
    items: list[InboxItem] = []
    skipped = 0
    for entry in found:
        if not belongs(labels_of(entry)):
            continue
        try:
            items.append(inbox_item(entry))
        except BadAnswer:
            skipped += 1
    return InboxPage(tuple(items), token, skipped)


def attachments(data: Mapping[str, Any]) -> tuple[InboundAttachment, ...]:
    """Return the files of a message; an index is the place in the message's own list."""
    return tuple(
        InboundAttachment(
            index,
            text(entry.get("filename")),
            text(entry.get("content_type")),
            _size(entry.get("size")),
            "ready",
        )
        for index, entry in enumerate(_files(data))
    )


def attachment_id(data: Mapping[str, Any], index: int) -> str | None:
    """Return the service's id of the file at an index; None when there is no such file."""
    files = _files(data)
    return text(files[index].get("attachment_id")) if 0 <= index < len(files) else None


def fetched_message(data: object, raw: bytes) -> FetchedMessage:
    """Return a whole message from its JSON and its mail as received."""
    fields = mapping(data, "a message")
    return FetchedMessage(
        inbox_item(fields), raw.decode("utf-8", "surrogateescape"), attachments(fields)
    )


def _files(fields: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = fields.get("attachments")
    return [e for e in listed if isinstance(e, Mapping)] if isinstance(listed, list) else []


def _size(value: object) -> int | None:
    return value if type(value) is int and 0 <= value < 2**53 else None


def _is_sealed(files: list[Mapping[str, Any]], preview: str) -> bool:
    """Guess from outside whether a message is encrypted; opening it tells for sure."""
    kinds = (text(entry.get("content_type")).partition(";")[0].strip().lower() for entry in files)
    return any(kind in _SEALED for kind in kinds) or _ARMORED in preview


def _tier(found: tuple[str, ...]) -> str:
    return next((word for word in found if word in labels.JUDGED), "")


def _extra(fields: Mapping[str, Any]) -> dict[str, object]:
    kept: dict[str, object] = {}
    if thread := text(fields.get("thread_id")):
        kept[THREAD] = thread
    armor = fields.get(ARMOR)
    verdict = text(armor.get("verdict")) if isinstance(armor, Mapping) else ""
    if verdict in ("clear", "review"):
        kept[ARMOR] = verdict
    return kept
