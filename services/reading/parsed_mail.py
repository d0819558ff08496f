"""What the render worker hands to its parent: strings as the mail holds them, and how they travel.

Closes the trap of an object format that runs code when it is read (pickle): the two processes speak
JSON, and everything that arrives is plain text, numbers and lists. Nothing in here may be shown
before `services.reading.render` has made SafeText of it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from services.addresses import Address
from services.errors import RenderError


@dataclass(frozen=True, slots=True)
class Note:
    """A fact about the mail: a key of `services.reading.trust_notes.SENTENCES` and what fills its places."""

    code: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """One paragraph line; `kind` is a value of `models.LineKind`, `quote` the quote depth."""

    text: str
    quote: int = 0
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class ParsedLink:
    """A numbered link: the text it stands on and its target, both as written."""

    number: int
    text: str
    url: str


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """A part that is not the readable body; `size` in bytes after transfer decoding."""

    file_name: str
    content_type: str
    size: int | None
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """An encrypted block as it was found: armor without blanks around its lines, or packets.

    `is_entity` says that it comes from PGP/MIME, so a MIME entity is inside (RFC 3156 §4).
    """

    data: bytes = field(repr=False)
    is_entity: bool = False


@dataclass(frozen=True, slots=True)
class ParsedMail:
    """One mail, decoded and laid out as lines, not yet safe to show."""

    headers: tuple[tuple[str, str], ...] = ()
    """Names and decoded values of the top-level header block, in the order of the mail."""
    sender: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    date: int = 0
    lines: tuple[ParsedLine, ...] = ()
    links: tuple[ParsedLink, ...] = ()
    attachments: tuple[ParsedAttachment, ...] = ()
    manifest: tuple[ParsedAttachment, ...] = ()
    """Entries of the X-AgentMail-Attachments header (api/assmbl.md §7.5)."""
    notes: tuple[Note, ...] = ()
    hidden_characters: int = 0
    """Characters of HTML text that the mail's own style hides."""
    sealed: tuple[SealedBlock, ...] = ()
    """The encrypted blocks of the mail itself; quoted and attached ones are not among them."""
    sealed_flaw: str = ""
    """`cut` when a block has no end, `too-large` when one is beyond SEALED_LIMIT."""

    @property
    def encrypted(self) -> bool:
        """It holds an encrypted block, whole or not; what the headers say is a hint only."""
        return bool(self.sealed or self.sealed_flaw)


def to_wire(mail: ParsedMail) -> bytes:
    """Encode for the pipe: ASCII JSON, lone surrogates escaped."""
    return json.dumps(
        {
            "headers": mail.headers,
            "sender": _addresses_out(mail.sender),
            "to": _addresses_out(mail.to),
            "cc": _addresses_out(mail.cc),
            "reply_to": _addresses_out(mail.reply_to),
            "subject": mail.subject,
            "date": mail.date,
            "lines": [(line.text, line.quote, line.kind) for line in mail.lines],
            "links": [(link.number, link.text, link.url) for link in mail.links],
            "attachments": _attachments_out(mail.attachments),
            "manifest": _attachments_out(mail.manifest),
            "notes": [(note.code, note.values) for note in mail.notes],
            "hidden": mail.hidden_characters,
            # As latin-1, because armor is ASCII: a third smaller than base64 of it.
            "sealed": [(block.data.decode("latin-1"), block.is_entity) for block in mail.sealed],
            "flaw": mail.sealed_flaw,
        }
    ).encode("ascii")


def file_to_wire(found: tuple[str, bytes] | None) -> bytes:
    """Encode a file for the pipe: the length of its name, the name, its bytes; b"" for none."""
    if found is None:
        return b""
    name = found[0].encode("utf-8", "surrogatepass")
    return len(name).to_bytes(4, "big") + name + found[1]


def file_from_wire(data: bytes) -> tuple[str, bytes] | None:
    """Decode what `file_to_wire` wrote; RenderError when it is anything else."""
    if not data:
        return None
    end = 4 + int.from_bytes(data[:4], "big")
    if len(data) < end:
        raise RenderError("The part that reads mail answered nonsense.")
    return data[4:end].decode("utf-8", "replace"), data[end:]


def from_wire(data: bytes) -> ParsedMail:
    """Decode what `to_wire` wrote.

    Raises RenderError when it is anything else.
    """
    try:
        wire = json.loads(data)
        return ParsedMail(
            headers=tuple((str(name), str(value)) for name, value in wire["headers"]),
            sender=_addresses_in(wire["sender"]),
            to=_addresses_in(wire["to"]),
            cc=_addresses_in(wire["cc"]),
            reply_to=_addresses_in(wire["reply_to"]),
            subject=str(wire["subject"]),
            date=int(wire["date"]),
            lines=tuple(ParsedLine(str(t), int(q), str(k)) for t, q, k in wire["lines"]),
            links=tuple(ParsedLink(int(n), str(t), str(u)) for n, t, u in wire["links"]),
            attachments=_attachments_in(wire["attachments"]),
            manifest=_attachments_in(wire["manifest"]),
            notes=tuple(Note(str(c), tuple(map(str, values))) for c, values in wire["notes"]),
            hidden_characters=int(wire["hidden"]),
            sealed=tuple(
                SealedBlock(str(data).encode("latin-1"), entity is True)
                for data, entity in wire["sealed"]
            ),
            sealed_flaw=str(wire["flaw"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RenderError("The part that reads mail gave an unreadable answer.") from error


def _addresses_out(addresses: tuple[Address, ...]) -> list[tuple[str, str]]:
    return [(address.name, address.address) for address in addresses]


def _addresses_in(wire: list[list[str]]) -> tuple[Address, ...]:
    return tuple(Address(str(name), str(address)) for name, address in wire)


def _attachments_out(parts: tuple[ParsedAttachment, ...]) -> list[tuple[object, ...]]:
    return [(part.file_name, part.content_type, part.size, part.encrypted) for part in parts]


def _attachments_in(wire: list[list[object]]) -> tuple[ParsedAttachment, ...]:
    return tuple(
        ParsedAttachment(
            str(name), str(kind), size if isinstance(size, int) else None, encrypted is True
        )
        for name, kind, size, encrypted in wire
    )
