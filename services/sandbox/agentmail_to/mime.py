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
from email.message import Message
from email.utils import getaddresses
from typing import Final

from services.sandbox.agentmail_to.records import Addresses, File, Parents
from services.sandbox.intake import attachment_parts, decoded, header, is_file

_UNREADABLE: Final = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError,
    MessageError, OverflowError,
)  # fmt: skip
_MESSAGE_ID: Final = re.compile(r"<[^<>]*>")
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
    subject: str


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
    block = re.split(rb"\r?\n\r?\n", start[:_HEAD_LIMIT], maxsplit=1)[0]
    mail = parse(block + b"\n\n")
    ids = _MESSAGE_ID.findall(header(mail, "References"))
    answered = _MESSAGE_ID.findall(header(mail, "In-Reply-To"))
    return Head(
        message_id=header(mail, "Message-ID"),
        sender=next(iter(_addresses(mail, "From")), header(mail, "From")),
        addresses=Addresses(
            to=_addresses(mail, "To"), cc=_addresses(mail, "Cc"),
            reply_to=_addresses(mail, "Reply-To"),
        ),
        parents=Parents(answered[0] if answered else None, tuple(ids)),
        subject=header(mail, "Subject"),
    )  # fmt: skip


def read_content(raw: bytes) -> Content:
    """Return the texts and the header fields of a mail."""
    mail = parse(raw)
    headers = {name: header(mail, name) for name in dict.fromkeys(mail.keys())}
    return Content(_text(mail, "text/plain"), _text(mail, "text/html"), headers)


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


def _addresses(mail: Message, name: str) -> tuple[str, ...]:
    value = header(mail, name)
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
    # The line end that closes a part belongs to MIME and not to what was written.
    return clean(text).replace("\r\n", "\n").removesuffix("\n")
