"""How a rendered message is printed by verbs: one JSON shape, one text layout.

Closes the trap of two verbs that print the same mail differently. Everything comes from a
`RenderedMessage`, so only safe text is printed. Lines of our own stand in double brackets, which no
mail text gets: brackets at the start of a mail's own line are told apart by a blank before them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from services.shown_mail import BodyLine, LineKind, Link, RenderedMessage

if TYPE_CHECKING:
    from services.seal_models import SealFacts

_OUTSIDE = "| "
_SIGNATURES = {
    "none": "Not signed: anybody may have encrypted it to you",
    "good": "Signed with the sender's pinned key {}",
    "unknown": "! Signed by {}, which is not pinned for this sender: it proves nothing",
    "bad": "! The signature is bad: it was changed, or it is not by {}",
    "unusable": "! The signature by {} cannot be relied on",
}
_QUOTE_SHOWN = 8
"""Quote marks printed at most; a deeper quote keeps that many."""


def message_json(message: RenderedMessage, width: int = 0) -> dict[str, Any]:
    """Return the JSON object of a message, wrapped at `width` cells when it is given.

    `headers` maps each name, as first spelled, to its value; the values of a repeated field are
    joined by line feeds in the order of the mail. Of an encrypted mail `body` is what was protected,
    `unencrypted_text` what stands around it; `encryption` tells how it stands.
    """
    protected = tuple(line for line in message.body if not line.outside)
    outside = tuple(line for line in message.body if line.outside)
    return {
        "headers": headers_json(message),
        "from": {"name": message.from_name, "address": message.from_address},
        "body": _text(protected, width),
        "unencrypted_text": _text(outside, width, marked=False),
        "links": [
            {
                "number": link.number,
                "text": link.text,
                "url": link.url,
                "host": link.host,
                "warning": link.warning,
                "unencrypted": link.outside,
            }
            for link in message.links
        ],
        "attachments": [
            {
                "index": part.index,
                "file_name": part.file_name,
                "content_type": part.content_type,
                "size": part.size,
                "encrypted": part.encrypted,
            }
            for part in message.attachments
        ],
        "notes": list(message.notes),
        "encryption": _seal_json(message),
    }


def _seal_json(message: RenderedMessage) -> dict[str, Any]:
    """Return how an encrypted body stands; times in seconds since the epoch, 0 for unknown."""
    seal = message.seal
    if seal is None:
        return {"state": "clear"}
    return {
        "state": seal.state.value,
        "sentence": closed_sentence(message),
        "signature": seal.verdict.value,
        "signer": seal.signer.replace(" ", ""),
        "signed_at": seal.signed_at,
        "to_key": seal.to_key.replace(" ", ""),
        "own_keys": [key.replace(" ", "") for key in seal.own_keys],
    }


def closed_sentence(message: RenderedMessage) -> str:
    """Return why an encrypted message is not open, "" when it is or was never encrypted."""
    seal = message.seal
    if seal is None or seal.state.value == "opened":
        return ""
    return f"{seal.sentence} {seal.next_step}".strip()


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
    return _text(message.body, width)


def _text(lines: Iterable[BodyLine], width: int, *, marked: bool = True) -> str:
    """Return lines as one text; `marked` puts a bar before what stands outside of the encryption."""
    out: list[str] = []
    for line in lines:
        bar = _OUTSIDE if line.outside and marked else ""
        room = max(20, width - len(bar)) if width else 0
        out += [(bar + piece).rstrip() for piece in _body_line(line, room)]
    return "\n".join(out)


def message_text(message: RenderedMessage, width: int, *, headers: bool = False) -> str:
    """Return a message for a terminal: head, notes, body, links, attachments."""
    blocks = [_head(message, headers=headers)]
    blocks.append([*_seal_lines(message.seal), *(f"! {note}" for note in message.notes)])
    blocks.append(body_text(message, max(20, width)).split("\n"))
    blocks.append([_link_line(link) for link in message.links])
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


def _link_line(link: Link) -> str:
    line = f"[{link.number}] {link.url}" + ("  (not encrypted)" if link.outside else "")
    return line + (f"  ! {link.warning}" if link.warning else "")


def _seal_lines(seal: SealFacts | None) -> list[str]:
    """Tell how an encrypted body stands; an opened one proves nothing about who wrote it."""
    if seal is None:
        return []
    if seal.sentence:
        return [f"! {seal.sentence}"]
    told = _SIGNATURES[seal.verdict.value].format(seal.signer or "an unknown key")
    return [f"Encrypted, opened with your key {seal.to_key}", told]


def _size(size: int | None) -> str:
    return "size unknown" if size is None else f"{size:,} bytes"
