"""Reads a mail's MIME the way the service tells it: addresses, texts, headers, attachments.

Closes the trap of mail that breaks its reader: every value has a fallback, because subjects,
Message-IDs and file names are written by strangers (api/agentmail_to.md §1, §7).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from functools import lru_cache
from typing import Final

from services.sandbox.agentmail_to.records import Addresses, File, Parents
from services.sandbox.intake import attachment_parts, decoded, header, is_file

_UNREADABLE: Final = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError,
    MessageError, OverflowError,
)  # fmt: skip
_MESSAGE_ID: Final = re.compile(r"<[^<>]*>")
_BLANK_LINE: Final = re.compile(rb"\r?\n\r?\n")
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_PLAIN: Final = re.compile(r'text/plain(; *charset="?(utf-8|us-ascii)"?)?')
_HEAD_LIMIT: Final = 64 * 1024
_ATTRIBUTION: Final = re.compile(r"On .{1,200}wrote:\s*", re.DOTALL)
_SPECIAL: Final = re.compile(r'[()<>@,:;".\[\]\\]')


@dataclass(frozen=True, slots=True)
class Head:
    """What the header of a mail says; `message_id` is empty when it has none."""

    message_id: str
    sender: str
    addresses: Addresses
    parents: Parents


@dataclass(frozen=True, slots=True)
class Content:
    """The texts of a mail, None where it has none, and its header fields, the last of each."""

    text: str | None
    html: str | None
    headers: dict[str, str]


def parse(raw: bytes) -> Message:
    """Return the parsed mail; an empty one when it cannot be parsed at all."""
    try:
        return message_from_bytes(raw)
    except _UNREADABLE:
        return Message()


def read_head(start: bytes) -> Head:
    """Return what the header says; the first bytes of the mail are enough."""
    fields = _fields(start[:_HEAD_LIMIT])
    ids = _MESSAGE_ID.findall(fields.get("references", ""))
    answered = _MESSAGE_ID.findall(fields.get("in-reply-to", ""))
    sender = _decoded_words(fields.get("from", ""))
    return Head(
        message_id=_decoded_words(fields.get("message-id", "")),
        sender=next(iter(_addresses(sender)), sender),
        addresses=Addresses(
            to=_addresses(_decoded_words(fields.get("to", ""))),
            cc=_addresses(_decoded_words(fields.get("cc", ""))),
            reply_to=_addresses(_decoded_words(fields.get("reply-to", ""))),
        ),
        parents=Parents(answered[0] if answered else None, tuple(ids)),
    )


def _fields(start: bytes) -> dict[str, str]:
    """Return the header fields of a mail, unfolded, the first of each name.

    Ten thousand mails are taken over while somebody waits, and the library's parser is several
    times as slow as what is needed of it here.
    """
    block = _BLANK_LINE.split(start, maxsplit=1)[0]
    found: dict[str, str] = {}
    for line in _FOLD.sub(b" ", block).splitlines():
        name, colon, value = line.partition(b":")
        if colon:
            text = value.decode("utf-8", "replace").strip()
            found.setdefault(name.decode("latin-1").strip().lower(), text)
    return found


def _decoded_words(text: str) -> str:
    if "=?" in text:
        with suppress(*_UNREADABLE):
            text = str(make_header(decode_header(text)))
    return " ".join(clean(text).split())


def read_content(raw: bytes) -> Content:
    """Return the texts and the header fields of a mail."""
    mail = parse(raw)
    headers = {name: header(mail, name) for name in dict.fromkeys(mail.keys())}
    return Content(_text(mail, "text/plain"), _text(mail, "text/html"), headers)


def read_text(raw: bytes) -> str | None:
    """Return the plain text of a mail; one that is nothing else is read without parsing it."""
    fields = _fields(raw[:_HEAD_LIMIT])
    kind = fields.get("content-type", "text/plain").lower()
    coding = fields.get("content-transfer-encoding", "8bit").lower()
    if coding not in ("7bit", "8bit") or not _PLAIN.fullmatch(kind):
        return _text(parse(raw), "text/plain")
    body = _BLANK_LINE.split(raw, maxsplit=1)
    return _as_written(body[1].decode("utf-8", "replace")) if len(body) > 1 else ""


def read_files(raw: bytes, prefix: str) -> tuple[File, ...]:
    """Return the attachments; their ids are `prefix` and the number of the part."""
    found: list[File] = []
    with suppress(*_UNREADABLE):
        for part, about in enumerate(attachment_parts(parse(raw))):
            disposition = about.get_content_disposition() or "attachment"
            found.append(
                File(
                    attachment_id=f"{prefix}-{part}",
                    size=len(decoded(about)),
                    part=part,
                    filename=clean(about.get_filename() or ""),
                    content_type=about.get_content_type(),
                    content_disposition="inline" if disposition == "inline" else "attachment",
                    content_id=clean(str(about.get("Content-ID") or "")).strip("<>"),
                )
            )
    return tuple(found)


def written(name: str, address: str) -> str:
    """Return an address as the service writes it."""
    if not name:
        return address
    if _SPECIAL.search(name):
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{name} <{address}>"


def own_words(text: str) -> str:
    """Return what is new in an answer: the text above its quotation."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if line.startswith(">") and all(not ln or ln.startswith(">") for ln in lines[at:]):
            above = "\n".join(lines[:at]).rstrip()
            words = above.rpartition("\n\n")
            if _ATTRIBUTION.fullmatch(words[2]):
                above = words[0]
            return above.rstrip()
    return text.rstrip()


def clean(text: str) -> str:
    """Return text that JSON can carry."""
    return text.encode("utf-8", "replace").decode()


def bare(addresses: Sequence[str]) -> list[str]:
    """Return the mail addresses without names."""
    return [address for _, address in getaddresses(list(addresses)) if address]


@lru_cache(4096)
def _addresses(value: str) -> tuple[str, ...]:
    try:
        pairs = getaddresses([value])
    except _UNREADABLE:
        pairs = []
    read = tuple(written(shown, address) for shown, address in pairs if address)
    return read or ((value,) if value else ())


def _text(mail: Message, wanted: str) -> str | None:
    with suppress(*_UNREADABLE):
        for part in mail.walk():
            if part.get_content_type() == wanted and not is_file(part):
                return _decoded_text(part)
    return None


def _decoded_text(part: Message) -> str:
    data = decoded(part)
    try:
        text = data.decode(part.get_content_charset("utf-8"), "replace")
    except _UNREADABLE:
        text = data.decode("utf-8", "replace")
    return _as_written(text)


def _as_written(text: str) -> str:
    """Return text without the line end that closes a part, which belongs to MIME."""
    return clean(text).replace("\r\n", "\n").removesuffix("\n")
