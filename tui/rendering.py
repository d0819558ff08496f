"""How a rendered message is printed by verbs: one JSON shape, one text layout.

Closes the trap of two verbs that print the same mail differently. Everything comes from a
`RenderedMessage`, so only safe text is printed. Lines of our own stand in double brackets, which no
mail text gets: brackets at the start of a mail's own line are told apart by a blank before them.
"""

from __future__ import annotations

import textwrap
from typing import Any

from services.shown_mail import BodyLine, LineKind, RenderedMessage

_QUOTE_SHOWN = 8
"""Quote marks printed at most; a deeper quote keeps that many."""


def message_json(message: RenderedMessage, width: int = 0) -> dict[str, Any]:
    """Return the JSON object of a message, wrapped at `width` cells when it is given.

    `headers` maps each name, as first spelled, to its value; the values of a repeated field are
    joined by line feeds in the order of the mail.
    """
    return {
        "headers": headers_json(message),
        "from": {"name": message.from_name, "address": message.from_address},
        "body": body_text(message, width),
        "links": [
            {
                "number": link.number,
                "text": link.text,
                "url": link.url,
                "host": link.host,
                "warning": link.warning,
            }
            for link in message.links
        ],
        "attachments": [
            {
                "index": part.index,
                "file_name": part.file_name,
                "content_type": part.content_type,
                "size": part.size,
            }
            for part in message.attachments
        ],
        "notes": list(message.notes),
    }


def headers_json(message: RenderedMessage) -> dict[str, str]:
    """Return the header fields by name; repeated ones joined by line feeds."""
    values: dict[str, list[str]] = {}
    spelled: dict[str, str] = {}
    for header in message.headers:
        name = spelled.setdefault(header.name.lower(), header.name)
        values.setdefault(name, []).append(header.value)
    return {name: "\n".join(lines) for name, lines in values.items()}


def body_text(message: RenderedMessage, width: int = 0) -> str:
    """Return the body as one text, quotes marked by `>`; not wrapped when `width` is 0."""
    return "\n".join(piece for line in message.body for piece in _body_line(line, width))


def message_text(message: RenderedMessage, width: int, *, headers: bool = False) -> str:
    """Return a message for a terminal: head, notes, body, links, attachments."""
    blocks = [_head(message, headers=headers)]
    blocks.append([f"! {note}" for note in message.notes])
    blocks.append(body_text(message, max(20, width)).split("\n"))
    blocks.append([_link_line(link.number, link.url, link.warning) for link in message.links])
    blocks.append(
        [f"({part.index}) {part.file_name}  {_size(part.size)}" for part in message.attachments]
    )
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _head(message: RenderedMessage, *, headers: bool) -> list[str]:
    if headers:
        return [f"{header.name}: {header.value}" for header in message.headers]
    sender: str = message.from_address
    if message.from_name:
        sender = f"{message.from_name} <{message.from_address}>" if sender else message.from_name
    fields = (
        ("From", sender),
        ("Reply-To", message.reply_to),
        ("To", message.to),
        ("Cc", message.cc),
        ("Subject", message.subject),
    )
    return [f"{name}: {value}" for name, value in fields if value]


def _body_line(line: BodyLine, width: int) -> list[str]:
    if line.kind is LineKind.RULE:
        return ["", f"[[ {line.text or 'next part'} ]]", ""]
    if line.kind is LineKind.NOTICE:
        return [f"[[ {line.text} ]]"]
    marks = "> " * min(line.quote, _QUOTE_SHOWN)
    text = " " + line.text if line.text.startswith("[[") else line.text
    if not width or len(marks) + len(text) <= width:
        return [(marks + text).rstrip()]
    room = max(20, width - len(marks))
    wrapped = textwrap.wrap(text, room, drop_whitespace=True, break_on_hyphens=False)
    return [marks + piece for piece in wrapped] or [marks.rstrip()]


def _link_line(number: int, url: str, warning: str) -> str:
    return f"[{number}] {url}" + (f"  ! {warning}" if warning else "")


def _size(size: int | None) -> str:
    return "size unknown" if size is None else f"{size:,} bytes"
