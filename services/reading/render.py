"""From raw mail to a message that can be shown, in two halves on two sides of a pipe.

`parse_mail` runs in the worker and meets the hostile bytes; `present` runs in the parent and makes
SafeText of every string. Closes the trap of cleaning too early: what is cleaned before it is decoded
and laid out can be made dangerous again.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from services.addresses import Address, parse_mailboxes, parse_sender
from services.errors import RenderError
from services.limits import LINES_LIMIT, RAW_LIMIT, TEXT_LIMIT
from services.reading import opened
from services.reading.attachment_manifest import manifest_of
from services.reading.attachment_views import from_service, present_attachments
from services.reading.body import Body, gather
from services.reading.charsets import decode_unknown
from services.reading.file_footer import is_file_list
from services.reading.link_view import view_link
from services.reading.mail_date import parse_date
from services.reading.mime import Part, Splitting, split_mail
from services.reading.mime_headers import HeaderBlock, header_text, raw_text
from services.reading.parsed_mail import Note, ParsedLine, ParsedMail
from services.reading.plain_text import layout
from services.reading.sealed import CLOSED, hopeless
from services.reading.trust_notes import sentences
from services.safe_text import (
    EMPTY,
    SafeText,
    clean_address,
    clean_line,
    clean_text,
    inspect_line,
    join,
    phrase,
    reveal_text,
)
from services.seal_models import SealFacts
from services.shown_mail import BodyLine, HeaderLine, LineKind, Link, RenderedMessage
from services.wire_values import InboundAttachment

_HEADER_SHOWN: Final = 20_000
"""Characters of one header value that are shown."""
_NAME_SHOWN: Final = 300
_PEOPLE_SHOWN: Final = 200
_KINDS: Final = {kind.value: kind for kind in LineKind}


# ── in the worker ────────────────────────────────────────────────────────────────────────────────


def parse_mail(raw: bytes, *, true_size: int = 0, reveal: bool = False) -> ParsedMail:
    """Decode a mail and lay it out as lines.

    `true_size` is the size of the whole mail when `raw` is only its beginning; `reveal` shows text
    that HTML hides, in double brackets. Never raises for what is in the mail, but may need more time or memory than the worker has.
    """
    root, found = split_mail(raw[:RAW_LIMIT])
    headers = root.headers
    body = gather(root, reveal=reveal)
    notes = [*_reading_notes(found, max(true_size, len(raw))), *body.notes]
    if body.links.dropped:
        notes.append(Note("cut-links", (str(body.links.dropped),)))
    if _says_encrypted(headers) and not (body.sealed or body.flaw):
        notes.append(Note("says-encrypted"))
    return ParsedMail(
        headers=tuple((name, header_text(value)) for name, value in headers.fields),
        sender=parse_sender(_first_raw(headers, "from")),
        to=_people(headers, "to"),
        cc=_people(headers, "cc"),
        reply_to=_people(headers, "reply-to"),
        subject=headers.first("subject"),
        date=parse_date(headers.first("date")),
        lines=tuple(_readable(root, body)),
        links=body.links.all(),
        attachments=tuple(body.attachments),
        manifest=manifest_of(headers),
        notes=tuple(notes),
        hidden_characters=body.hidden,
        sealed=tuple(body.sealed),
        sealed_flaw=body.flaw,
    )


def _first_raw(headers: HeaderBlock, name: str) -> str:
    values = headers.all_raw(name)
    return raw_text(values[0]) if values else ""


def _people(headers: HeaderBlock, name: str) -> tuple[Address, ...]:
    found = [parse_mailboxes(raw_text(value)) for value in headers.all_raw(name)]
    return tuple(address for addresses in found for address in addresses)


def _says_encrypted(headers: HeaderBlock) -> bool:
    return headers.first("x-agentmail-encrypted").strip().lower() == "body"


def _reading_notes(found: Splitting, size: int) -> list[Note]:
    notes: list[Note] = []
    if size > RAW_LIMIT:
        notes.append(Note("cut-raw", (f"{size:,}",)))
    flags = [
        (found.cut_headers, "cut-headers"),
        (found.too_many, "cut-parts"),
        (found.too_deep, "cut-depth"),
        (found.damaged, "damaged"),
    ]
    notes.extend(Note(code) for is_set, code in flags if is_set)
    return notes


def _readable(root: Part, body: Body) -> list[ParsedLine]:
    if body.lines or body.sealed or body.flaw:
        return body.lines
    return _nothing_to_read(root, body)


def _nothing_to_read(root: Part, body: Body) -> list[ParsedLine]:
    if body.attachments:
        return [ParsedLine("No text; the message holds attachments only.", 0, "notice")]
    text = decode_unknown(root.source[root.start : root.end][:TEXT_LIMIT]).strip()
    if text:
        return [
            ParsedLine("No part could be read; this is the body as it came:", 0, "notice"),
            *layout(text),
        ]
    if not root.headers.fields:
        return [ParsedLine("The message is empty.", 0, "notice")]
    return [ParsedLine("The message has no text.", 0, "notice")]


# ── in the parent ────────────────────────────────────────────────────────────────────────────────


def present(
    parsed: ParsedMail,
    *,
    attachments: tuple[InboundAttachment, ...] = (),
    reveal: bool = False,
    facts: SealFacts | None = None,
    inner: ParsedMail | None = None,
) -> RenderedMessage:
    """Make everything that a parsed mail holds safe to show.

    `attachments` is the service's manifest, which wins over what the mail itself lists; `reveal`
    shows a mark for each invisible character of the body. For an encrypted mail `facts` tell how it
    stands, and `inner` is what was decrypted.
    """
    if parsed.encrypted:
        return _present_sealed(
            parsed, attachments, hopeless(parsed) or facts or CLOSED, inner, reveal=reveal
        )
    return _present_clear(parsed, attachments, reveal=reveal)


def _present_sealed(
    parsed: ParsedMail,
    attachments: tuple[InboundAttachment, ...],
    facts: SealFacts,
    inner: ParsedMail | None,
    *,
    reveal: bool,
) -> RenderedMessage:
    """Show what was protected first, then the rest behind a rule."""
    around = opened.outside_lines(_present_body(parsed, reveal=reveal)[0])
    notes = [*parsed.notes, *(inner.notes if inner else ())]
    files = attachments or parsed.manifest
    listed = is_file_list([line.text for line in parsed.lines], (one.file_name for one in files))
    if around:
        notes.append(Note("file-list" if listed else "outside-armor"))
    shown = _present_clear(replace(parsed, notes=tuple(notes)), attachments, reveal=reveal)
    body, hidden = opened.sealed_lines(facts, inner), 0
    links: tuple[Link, ...] = ()
    if inner is not None:
        lines, hidden = _present_body(inner, reveal=reveal)
        body += lines
        hidden += inner.hidden_characters
        links = tuple(view_link(link) for link in inner.links)
    return replace(
        shown,
        body=(*body, *around),
        attachments=(
            *(opened.inside_views(inner.attachments) if inner else ()),
            *shown.attachments,
        ),
        links=(*links, *opened.outside_links(shown.links)),
        hidden_characters=shown.hidden_characters + hidden,
        encrypted=True,
        seal=replace(facts, outside=bool(around) and not listed),
    )


def _present_clear(
    parsed: ParsedMail, attachments: tuple[InboundAttachment, ...], *, reveal: bool
) -> RenderedMessage:
    body, hidden = _present_body(parsed, reveal=reveal)
    links = tuple(view_link(link) for link in parsed.links)
    warned = sum(1 for link in links if link.warning)
    name, address = _present_sender(parsed.sender)
    return RenderedMessage(
        from_name=name,
        from_address=address,
        to=_present_people(parsed.to),
        cc=_present_people(parsed.cc),
        reply_to=_present_reply(parsed),
        subject=clean_line(parsed.subject),
        date=parsed.date,
        body=body,
        headers=tuple(
            HeaderLine(clean_line(key, 100), clean_line(value, _HEADER_SHOWN))
            for key, value in parsed.headers
        ),
        links=links,
        attachments=present_attachments(parsed, attachments),
        notes=sentences(parsed, hidden_characters=hidden, link_warnings=warned),
        hidden_characters=parsed.hidden_characters + hidden,
    )


def placeholder(
    error: RenderError, *, attachments: tuple[InboundAttachment, ...] = ()
) -> RenderedMessage:
    """Stand in for a message that could not be read; its body says why and what to do."""
    lines = (error.sentence, error.next_step)
    return RenderedMessage(
        from_name=EMPTY,
        from_address=EMPTY,
        to=EMPTY,
        subject=EMPTY,
        date=0,
        body=tuple(BodyLine(clean_line(line), LineKind.NOTICE) for line in lines if line),
        attachments=tuple(from_service(entry) for entry in attachments),
        notes=(clean_line(error.sentence),),
    )


def _present_body(parsed: ParsedMail, *, reveal: bool) -> tuple[tuple[BodyLine, ...], int]:
    """Clean all lines at once; the number of lines stays, because none holds a line end."""
    lines = parsed.lines[: LINES_LIMIT + 100]
    clean = reveal_text if reveal else clean_text
    cleaned = clean("\n".join(line.text.replace("\n", " ") for line in lines))
    texts = cleaned.text.split("\n")
    if len(texts) != len(lines):
        texts = [clean_line(line.text, len(line.text) + 1) for line in lines]
    body = tuple(
        BodyLine(SafeText(text), _KINDS.get(line.kind, LineKind.TEXT), line.quote)
        for text, line in zip(texts, lines, strict=True)
    )
    shown_marks = sum(inspect_line(text).hidden for text in (parsed.subject, *_names(parsed)))
    return body, cleaned.hidden + shown_marks


def _names(parsed: ParsedMail) -> list[str]:
    return [part for one in parsed.sender[:5] for part in (one.name, one.address)]


def _present_sender(sender: tuple[Address, ...]) -> tuple[SafeText, SafeText]:
    """Return name and address; several addresses are all shown, none is chosen."""
    if not sender:
        return EMPTY, EMPTY
    if len(sender) == 1:
        return clean_line(sender[0].name, _NAME_SHOWN), clean_address(sender[0].address)
    return EMPTY, join(", ", (clean_address(one.address or one.name) for one in sender[:20]))


def _present_people(people: tuple[Address, ...]) -> SafeText:
    shown = [_present_person(one) for one in people[:_PEOPLE_SHOWN]]
    if len(people) > _PEOPLE_SHOWN:
        shown.append(phrase("and {} more", len(people) - _PEOPLE_SHOWN))
    return join(", ", shown)


def _present_person(one: Address) -> SafeText:
    if not one.address:
        return clean_line(one.name, _NAME_SHOWN)
    if not one.name:
        return clean_address(one.address)
    # A comma in a name must not read as another recipient.
    template = '"{}" <{}>' if any(mark in one.name for mark in ",;<>@") else "{} <{}>"
    return phrase(template, clean_line(one.name, _NAME_SHOWN), clean_address(one.address))


def _present_reply(parsed: ParsedMail) -> SafeText:
    senders = {one.address.lower() for one in parsed.sender}
    others = tuple(one for one in parsed.reply_to if one.address.lower() not in senders)
    return _present_people(others)
