"""The JSON objects of the wire, made from records (api/agentmail_to.md §3).

Closes the trap of fields that the service does not have: every object is written down here once,
and what is not there is left out and never null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from services.sandbox.agentmail_to.mime import Content, bare, own_words
from services.sandbox.agentmail_to.moments import iso
from services.sandbox.agentmail_to.records import File, Inbox, Key, Letter

Json = dict[str, Any]


def present(**fields: Any) -> Json:
    """Return the fields that hold something."""
    return {name: value for name, value in fields.items() if value not in (None, "", (), [], {})}


def identity(key: Key, inbox_id: str | None) -> Json:
    """Return an Identity."""
    kind = "inbox" if key.inbox is not None else "pod" if key.pod_id else "organization"
    return {
        "scope_type": kind,
        "scope_id": inbox_id or key.pod_id or key.organization_id,
        "organization_id": key.organization_id,
        "api_key_id": key.key_id,
        **present(pod_id=key.pod_id, inbox_id=inbox_id),
    }


def inbox(record: Inbox) -> Json:
    """Return an Inbox."""
    return {
        "pod_id": record.pod_id,
        "inbox_id": record.inbox_id,
        "email": record.inbox_id,
        **present(
            display_name=record.display_name,
            client_id=record.client_id,
            status=record.status,
            metadata=record.metadata,
        ),
        "updated_at": iso(record.updated_at),
        "created_at": iso(record.created_at),
    }


def attachment(file: File) -> Json:
    """Return an Attachment."""
    return {
        "attachment_id": file.attachment_id,
        "size": file.size,
        **present(
            filename=file.filename,
            content_type=file.content_type,
            content_disposition=file.content_disposition,
            content_id=file.content_id,
        ),
    }


def message_item(record: Letter, inbox_id: str) -> Json:
    """Return a MessageItem."""
    to = record.addresses
    return {
        "inbox_id": inbox_id,
        "thread_id": record.thread_id,
        "message_id": record.message_id,
        "labels": list(record.labels),
        "timestamp": iso(record.at),
        "from": record.sender,
        "to": list(to.to),
        **present(
            cc=list(to.cc),
            bcc=list(to.bcc),
            subject=record.subject,
            preview=record.preview,
            attachments=[attachment(file) for file in record.files],
            in_reply_to=record.parents.in_reply_to,
            references=list(record.parents.references),
        ),
        "size": record.size,
        "updated_at": iso(record.updated_at),
        "created_at": iso(record.created_at),
    }


def message(record: Letter, inbox_id: str, content: Content) -> Json:
    """Return a Message, with its texts."""
    return {
        **message_without_texts(record, inbox_id, content),
        **present(
            text=content.text,
            html=content.html,
            extracted_text=None if content.text is None else own_words(content.text),
            extracted_html=content.html,
        ),
    }


def message_without_texts(record: Letter, inbox_id: str, content: Content) -> Json:
    """Return a Message as batch-get gives it."""
    return {
        **message_item(record, inbox_id),
        **present(reply_to=list(record.addresses.reply_to), headers=content.headers),
    }


def thread_item(letters: Sequence[Letter], inbox_id: str) -> Json:
    """Return a ThreadItem of the messages of a thread, oldest first; its labels are the union."""
    last = letters[-1]
    times: dict[str, float] = {}
    for letter in letters:
        times["sent" if letter.seq is None else "received"] = letter.at
    return {
        "inbox_id": inbox_id,
        "thread_id": last.thread_id,
        "labels": sorted({label for letter in letters for label in letter.labels}),
        "timestamp": iso(last.at),
        **present(
            received_timestamp=iso(times["received"]) if "received" in times else None,
            sent_timestamp=iso(times["sent"]) if "sent" in times else None,
            subject=letters[0].subject,
            preview=last.preview,
            attachments=[attachment(file) for letter in letters for file in letter.files],
        ),
        "senders": _distinct(letter.sender for letter in letters),
        "recipients": _distinct(
            address
            for letter in letters
            for address in (*letter.addresses.to, *letter.addresses.cc)
        ),
        "last_message_id": last.message_id,
        "message_count": len(letters),
        "size": sum(letter.size for letter in letters),
        "updated_at": iso(max(letter.updated_at for letter in letters)),
        "created_at": iso(letters[0].created_at),
    }


def receipt(record: Letter) -> Json:
    """Return a SendMessageResponse."""
    return {"message_id": record.message_id, "thread_id": record.thread_id}


def labels(record: Letter) -> Json:
    """Return an UpdateMessageResponse."""
    return {"message_id": record.message_id, "labels": list(record.labels)}


def sent_facts(record: Letter, inbox_id: str) -> Json:
    """Return what the events about a sent message begin with."""
    return {
        "inbox_id": inbox_id,
        "thread_id": record.thread_id,
        "message_id": record.message_id,
        "timestamp": iso(record.at),
    }


def recipients(record: Letter) -> list[str]:
    """Return the bare addresses that a message goes to, each once."""
    to = record.addresses
    return _distinct(bare((*to.to, *to.cc, *to.bcc)))


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))
