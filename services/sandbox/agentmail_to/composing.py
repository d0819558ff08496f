"""Builds the MIME of what is sent, and what replies and forwards take from the original (§6).

Closes the trap of a sender who writes the mail's own identity: From, Date and Message-ID belong to
the service, and a header that cannot be written as mail is a 400.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from services.sandbox.agentmail_to.bodies import SendAttachment, Texts
from services.sandbox.agentmail_to.context import V0Call
from services.sandbox.agentmail_to.failures import Failure, invalid
from services.sandbox.agentmail_to.mime import bare, read_content, read_files, written
from services.sandbox.agentmail_to.records import Addresses, Inbox, Letter, Parents
from services.sandbox.delivery import LENIENT
from services.sandbox.intake import part_bytes

_OWNED: Final = frozenset({
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version",
    "in-reply-to", "references", "reply-to", "return-path", "received", "dkim-signature",
})  # fmt: skip
_UNWRITABLE: Final = (ValueError, LookupError, TypeError, AttributeError)


@dataclass(frozen=True, slots=True)
class Enclosure:
    """One file to send."""

    data: bytes = field(repr=False)
    filename: str = ""
    content_type: str = "application/octet-stream"
    disposition: str = "attachment"
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail that is about to be sent, whatever asked for it."""

    addresses: Addresses
    subject: str = ""
    text: str | None = None
    html: str | None = None
    files: tuple[Enclosure, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    parents: Parents = field(default_factory=Parents)


def write(inbox: Inbox, mail: Outgoing, now: float) -> tuple[str, bytes]:
    """Return the new Message-ID and the MIME; Bcc is not in it. Raises 400."""
    message_id = f"<{uuid.uuid4()}@{inbox.inbox_id.rpartition('@')[2]}>"
    try:
        message = EmailMessage(policy=LENIENT)
        _fields(message, inbox, mail, message_id, now)
        _texts(message, mail)
        for file in mail.files:
            _enclose(message, file)
        return message_id, message.as_bytes()
    except _UNWRITABLE as error:
        raise invalid("This cannot be written as mail") from error


def _fields(
    message: EmailMessage, inbox: Inbox, mail: Outgoing, message_id: str, now: float
) -> None:
    given = {
        "From": written(inbox.display_name or "", inbox.inbox_id),
        "To": ", ".join(mail.addresses.to),
        "Cc": ", ".join(mail.addresses.cc),
        "Reply-To": ", ".join(mail.addresses.reply_to),
        "Subject": mail.subject,
        "Date": format_datetime(datetime.fromtimestamp(now, UTC)),
        "Message-ID": message_id,
        "In-Reply-To": mail.parents.in_reply_to or "",
        "References": " ".join(mail.parents.references),
    }
    for name, value in given.items():
        if value:
            message[name] = value
    for name, value in mail.headers.items():
        if name.lower() in _OWNED or name.lower().startswith("content-"):
            raise invalid("This header belongs to the service", "headers", name)
        message[name] = value


def _texts(message: EmailMessage, mail: Outgoing) -> None:
    if mail.text is None and mail.html is not None:
        message.set_content(mail.html, subtype="html")
        return
    message.set_content(mail.text or "")
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")


def _enclose(message: EmailMessage, file: Enclosure) -> None:
    main, _, sub = file.content_type.partition("/")
    if not sub or main.lower() in ("multipart", "message"):
        main, sub = "application", "octet-stream"
    message.add_attachment(
        file.data, maintype=main, subtype=sub, filename=file.filename or None,
        disposition=file.disposition, cid=f"<{file.content_id}>" if file.content_id else None,
    )  # fmt: skip


def enclosures(given: Sequence[SendAttachment] | None, *path: str) -> tuple[Enclosure, ...]:
    """Return the files of a request; raises 400, and 403 for a link that is not fetched."""
    return tuple(
        _enclosure(file, *(path or ("attachments",)), at) for at, file in enumerate(given or ())
    )


def _enclosure(file: SendAttachment, *path: str | int) -> Enclosure:
    if (file.content is None) == (file.url is None):
        raise invalid("Exactly one of content and url is required", *path)
    if file.url is not None:
        raise Failure(403, "message_rejected", "The attachment URL could not be fetched.")
    try:
        data = base64.b64decode(file.content or "", validate=True)
    except binascii.Error as error:
        raise invalid("Invalid base64", *path, "content") from error
    return Enclosure(
        data,
        file.filename or "",
        file.content_type or "application/octet-stream",
        "inline" if file.content_disposition == "inline" else "attachment",
        file.content_id or "",
    )


def texts_of(body: Texts) -> dict[str, object]:
    """Return the fields of an Outgoing that every kind of send may give."""
    return {
        "text": body.text,
        "html": body.html,
        "files": enclosures(body.attachments),
        "headers": body.headers or {},
        "labels": tuple(label.lower() for label in body.labels or ()),
    }


# ── what the original gives ──────────────────────────────────────────────────────────────────────


def reply_addresses(inbox: Inbox, original: Letter, *, everybody: bool) -> Addresses:
    """Return to whom an answer goes when the caller does not say."""
    sent = original.seq is None
    own = inbox.inbox_id.lower()
    to = original.addresses.to if sent else original.addresses.reply_to or (original.sender,)
    if not everybody:
        return Addresses(to=to)
    others = () if sent else original.addresses.to
    return Addresses(
        to=_without(own, (*to, *others)) or to, cc=_without(own, original.addresses.cc)
    )


def _without(own: str, addresses: Sequence[str]) -> tuple[str, ...]:
    kept = [a for a in addresses if own not in (one.lower() for one in bare([a]))]
    return tuple(dict.fromkeys(kept))


def answering(original: Letter) -> Parents:
    """Return the thread headers of an answer."""
    chain = (*original.parents.references, original.message_id)
    return Parents(original.message_id, tuple(dict.fromkeys(chain)))


def prefixed(prefix: str, subject: str) -> str:
    """Return a subject with `Re:` or `Fwd:` before it, once."""
    return subject if subject.lower().startswith(prefix.lower()) else f"{prefix} {subject}".rstrip()


def forwarded(call: V0Call, original: Letter, mail: Outgoing) -> Outgoing:
    """Return a forward with the original's texts and files behind its own (§6)."""
    raw = call.room.raw(original)
    content = read_content(raw)
    head = (
        f"---------- Forwarded message ----------\nFrom: {original.sender}\n"
        f"Subject: {original.subject}\nTo: {', '.join(original.addresses.to)}\n\n"
    )
    html = None
    if content.html is not None or mail.html is not None:
        html = f"{mail.html or ''}<br><blockquote>{content.html or ''}</blockquote>"
    files = tuple(
        Enclosure(part_bytes(raw, file.part), file.filename, file.content_type or "",
                  file.content_disposition, file.content_id)
        for file in read_files(raw, "")
    )  # fmt: skip
    return Outgoing(
        addresses=mail.addresses,
        subject=mail.subject or prefixed("Fwd:", original.subject),
        text=f"{mail.text or ''}\n\n{head}{content.text or ''}".lstrip("\n"),
        html=html,
        files=(*mail.files, *files),
        headers=mail.headers,
        labels=mail.labels,
        parents=mail.parents,
    )
