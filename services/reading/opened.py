"""Decrypted content, in two halves on two sides of a pipe as `render` does it for mail.

`parse_opened` runs in the worker; `present_sealed` runs in the parent and puts what was protected
and what was not side by side. Closes the trap of EFAIL: the two are laid out alone, shown behind a
rule, each line and each link knows on which side it stands, and an encrypted block inside of
decrypted text is not opened again.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.limits import LINES_LIMIT, RAW_LIMIT, TEXT_LIMIT
from services.reading.armored import find_blocks
from services.reading.body import Body, fill
from services.reading.charsets import decode_unknown
from services.reading.link_list import LinkList
from services.reading.mime import split_mail
from services.reading.parsed_mail import Note, ParsedAttachment, ParsedLine, ParsedMail
from services.reading.plain_text import find_urls, layout, split_lines
from services.reading.reply_quotes import mark_reply_quotes
from services.safe_text import clean_line, phrase, ui
from services.seal_models import SealFacts, SealState
from services.shown_mail import INSIDE, AttachmentView, BodyLine, LineKind, Link

OUTSIDE: Final = ui("Not encrypted: anybody may have written what follows")
_EMPTY: Final = ui("The encrypted message is empty.")
_OWN_KEY: Final = "Your key: {}"
_INSIDE: Final = ui("inside")
_STILL_CLOSED: Final = "Another encrypted block inside the encrypted text; it stays closed."
_ENTITY: Final = re.compile(
    rb"(?:(?:MIME-Version|Content-[A-Za-z-]{1,40}):[^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n){0,50}){1,20}\r?\n",
    re.IGNORECASE,
)
_TYPE: Final = re.compile(rb"(?:\A|\n)Content-Type:\s*[a-z]+/[a-z0-9.+-]+", re.IGNORECASE)


# ── in the worker ────────────────────────────────────────────────────────────────────────────────


def parse_opened(
    data: bytes, *, is_entity: bool, first_link: int = 1, reveal: bool = False
) -> ParsedMail:
    """Lay decrypted bytes out as lines; links are numbered from `first_link` on.

    They are text, unless PGP/MIME or a head of MIME fields in them says otherwise.
    """
    body = Body(reveal=reveal, links=LinkList(first_link), opens=False)
    if is_entity or _looks_like_entity(data):
        _add_entity(data[:RAW_LIMIT], body)
    else:
        _add_text(data[:RAW_LIMIT], body)
    return ParsedMail(
        lines=tuple(body.lines),
        links=body.links.all(),
        attachments=tuple(body.attachments),
        notes=tuple(body.notes),
        hidden_characters=body.hidden,
    )


def extract(data: bytes, number: int) -> tuple[str, bytes] | None:
    """Return name and content of a file inside of decrypted bytes, numbered as they are listed.

    None when there is no such file, or not all of it.
    """
    root, _ = split_mail(data[:RAW_LIMIT])
    body = Body(opens=False)
    fill(body, root)
    if number >= len(body.listed):
        return None
    content, _, was_cut = body.listed[number].data(RAW_LIMIT)
    return None if was_cut else (body.attachments[number].file_name, content)


def _looks_like_entity(data: bytes) -> bool:
    """Tell a MIME entity by a head that holds nothing but MIME fields, the type among them."""
    head = _ENTITY.match(data)
    return head is not None and _TYPE.search(head.group()) is not None


def _add_entity(data: bytes, body: Body) -> None:
    root, found = split_mail(data)
    subject = root.headers.first("subject").strip()
    if subject:
        # Some writers keep the true subject inside (protected headers).
        body.add([ParsedLine(f"Subject: {' '.join(subject.split())}")])
    fill(body, root)
    if found.too_deep or found.too_many or found.damaged:
        body.notes.append(Note("damaged"))


def _add_text(data: bytes, body: Body) -> None:
    lines = split_lines(decode_unknown(data))
    blocks = find_blocks(lines)
    for start, end in blocks.outside(len(lines)):
        shown = layout("\n".join(lines[start:end])[: TEXT_LIMIT + 1])
        for url in find_urls(shown):
            body.links.number(url, url)
        body.add(mark_reply_quotes(shown))
    if blocks:
        body.notice(_STILL_CLOSED)


# ── in the parent ────────────────────────────────────────────────────────────────────────────────


def sealed_lines(facts: SealFacts, inner: ParsedMail | None) -> list[BodyLine]:
    """Return what stands above the decrypted text: nothing when it is open, else why it is not."""
    if facts.state is SealState.OPENED:
        return [] if inner is not None and inner.lines else [BodyLine(_EMPTY, LineKind.NOTICE)]
    told = [line for line in (facts.sentence, facts.next_step) if line]
    told += [phrase(_OWN_KEY, key) for key in facts.own_keys]
    return [BodyLine(line, LineKind.NOTICE) for line in told]


def inside_views(attachments: tuple[ParsedAttachment, ...]) -> tuple[AttachmentView, ...]:
    """Return the files that came inside the encrypted part, as the reader lists them."""
    return tuple(
        AttachmentView(
            INSIDE + number,
            clean_line(part.file_name, 300) or ui("unnamed"),
            clean_line(part.content_type, 100),
            part.size,
            _INSIDE,
            encrypted=True,
        )
        for number, part in enumerate(attachments)
    )


def outside_lines(lines: tuple[BodyLine, ...]) -> list[BodyLine]:
    """Return the unprotected lines behind a rule that says so, each marked; [] without any text."""
    if not any(line.text.strip() for line in lines):
        return []
    marked = [replace(line, outside=True) for line in lines[:LINES_LIMIT]]
    return [BodyLine(OUTSIDE, LineKind.RULE, outside=True), *marked]


def outside_links(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return links marked as standing outside of the encrypted block."""
    return tuple(replace(link, outside=True) for link in links)
