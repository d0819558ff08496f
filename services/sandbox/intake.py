"""What the mail processor reads from a mail: the list's fields, flags and attachments.

Closes the trap of a receiver that fails on mail it does not like: whatever the bytes are, there is
a summary. The manifest header is read with the header parser of `policy.default`, alone: the older
parser garbled it in 30 of 36 measured cases (api/assmbl.md §7.5). References in it are followed
only when the mail is verified and the object is its sender's own; anything else would let a
stranger name another agent's uploads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from email import message_from_bytes, policy
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from typing import Final

from services.sandbox.records import MailFile, Summary

PREVIEW: Final = 200
"""Characters of the body preview."""
_MANIFEST: Final = "X-AgentMail-Attachments"
_MANIFEST_LIMIT: Final = 64 * 1024
_MAX_FILES: Final = 1_000
_LOOK_AT: Final = 20_000
"""Characters of a header field or bytes of a body that are read for the list."""
_TAGS: Final = re.compile(r"<(?:style|script)\b[^<>]*>[^<]*|<[^<>]*>", re.IGNORECASE)
_UNREADABLE: Final = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError,
    MessageError, OverflowError,
)  # fmt: skip

FileSize = Callable[[str], int | None]
"""Says how many bytes an uploaded object has, None when there is none."""


def summarise(raw: bytes, recipient: str, *, verified: bool, size_of: FileSize) -> Summary:
    """Return what the list tells about a mail; never fails for what is in it."""
    try:
        mail = message_from_bytes(raw)
        sender = header(mail, "From")
        refs = _manifest(mail, sender, size_of) if verified else _unfollowed(mail)
        return Summary(
            sender=sender,
            recipient=header(mail, "To") or recipient,
            subject=header(mail, "Subject"),
            preview=_preview(mail),
            encrypted=header(mail, "X-AgentMail-Encrypted").lower() == "body",
            correlation_id=header(mail, "X-AgentMail-Correlation-Id"),
            marketplace_request_id=header(mail, "X-AgentMail-Marketplace-Request-Id"),
            files=(*refs, *_mime_files(mail))[:_MAX_FILES],
        )
    except _UNREADABLE:
        return Summary("", recipient, "", "")


def header(mail: Message, name: str) -> str:
    """Return one header field decoded, unfolded, on one line; empty text when absent."""
    found = (v for key, v in mail.raw_items() if key.lower() == name.lower())
    # The raw value: `get` would turn 8-bit text, which is UTF-8 today, into question marks.
    text = str(next(found, ""))[:_LOOK_AT]
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    with suppress(*_UNREADABLE):
        text = str(make_header(decode_header(text)))
    return " ".join(text.encode("utf-8", "replace").decode().split())


def raw_text(raw: bytes) -> str:
    """Return a mail's bytes as the text of `raw_mime`: UTF-8, else its charset, else with marks."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        pass
    named = re.search(rb"""charset\s*=\s*["']?([A-Za-z0-9_.:-]{1,40})""", raw[:65_536])
    if named and named[1].lower() not in (b"utf-7", b"utf-16", b"utf-32"):
        try:
            return raw.decode(named[1].decode())
        except (LookupError, UnicodeError):
            pass
    return raw.decode("utf-8", "replace")


def part_bytes(raw: bytes, part: int) -> bytes:
    """Return the decoded bytes of one attachment part; empty when the mail has no such part."""
    with suppress(*_UNREADABLE):
        for position, found in enumerate(attachment_parts(message_from_bytes(raw))):
            if position == part:
                return decoded(found)
    return b""


# ── the body ─────────────────────────────────────────────────────────────────────────────────────


def _preview(mail: Message) -> str:
    for wanted in ("text/plain", "text/html"):
        for part in mail.walk():
            if part.get_content_type() == wanted and not is_file(part):
                return _first_words(part, html=wanted == "text/html")
    return ""


def _first_words(part: Message, *, html: bool) -> str:
    data = decoded(part)[:_LOOK_AT]
    try:
        text = data.decode(part.get_content_charset("utf-8"), "replace")
    except _UNREADABLE:
        text = data.decode("utf-8", "replace")
    if html:
        text = _TAGS.sub(" ", text)
    words = " ".join(text.encode("utf-8", "replace").decode().split())
    return words[:PREVIEW]


def decoded(part: Message) -> bytes:
    """Return the bytes of one part, its transfer encoding undone."""
    if part.is_multipart():
        return b"".join(bytes(inner) for inner in _inner(part)[:1])
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


# ── attachments ──────────────────────────────────────────────────────────────────────────────────


def is_file(part: Message) -> bool:
    """Tell whether a part is an attachment and not a text to read."""
    if part.get_content_maintype() == "multipart":
        return False
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return True
    return part.get_content_maintype() != "text"


def _inner(part: Message) -> list[Message]:
    payload: object = part.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def attachment_parts(mail: Message) -> Iterator[Message]:
    """Yield the attachments of a mail in their order."""
    waiting = [mail]
    while waiting:
        part = waiting.pop()
        if is_file(part):
            yield part
        elif part.is_multipart():
            waiting.extend(reversed(_inner(part)))


def _mime_files(mail: Message) -> Iterator[MailFile]:
    for position, part in enumerate(attachment_parts(mail)):
        name = _one_line(part.get_filename() or f"attachment-{position + 1}")
        kind = part.get_content_type()
        encrypted = kind == "application/pgp-encrypted"
        yield MailFile(name, kind, len(decoded(part)), encrypted, part=position)


def _manifest(mail: Message, sender: str, size_of: FileSize) -> Iterator[MailFile]:
    owner = parseaddr(sender)[1].partition("@")[0].lower()
    for entry in _manifest_entries(mail):
        key = entry.get("object_key")
        own = isinstance(key, str) and key.lower().startswith(f"uploads/{owner}/")
        size = size_of(str(key)) if own and owner else None
        yield _referenced(entry, str(key) if size is not None else "", size)


def _unfollowed(mail: Message) -> Iterator[MailFile]:
    for entry in _manifest_entries(mail):
        yield _referenced(entry, "", None)


def _referenced(entry: dict[str, object], key: str, size: int | None) -> MailFile:
    named = entry.get("name") or entry.get("file_name") or str(entry.get("object_key", ""))
    kind = entry.get("content_type")
    return MailFile(
        file_name=_one_line(str(named).rpartition("/")[2]) or "attachment",
        content_type=kind if isinstance(kind, str) else "application/octet-stream",
        size=size or 0,
        encrypted=entry.get("encrypted") is True,
        object_key=key,
        failed=not key,
    )


def _manifest_entries(mail: Message) -> list[dict[str, object]]:
    value = mail.get(_MANIFEST)
    if value is None or len(str(value)) > _MANIFEST_LIMIT:
        return []
    field = f"{_MANIFEST}: {value}\r\n\r\n".encode("utf-8", "replace")
    try:
        found = json.loads(str(message_from_bytes(field, policy=policy.default)[_MANIFEST]))
    except _UNREADABLE:
        return []
    if isinstance(found, dict):
        found = found.get("attachments")
    entries = found if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, dict)][:_MAX_FILES]


def _one_line(name: str) -> str:
    return " ".join(name.encode("utf-8", "replace").decode().split())[:255]
