"""Which parts of a mail are its text, and how each is laid out.

Closes the trap of parts that borrow from each other: every part is decoded and laid out alone, with
a boundary of ours between them, so text outside an encrypted block, or a second HTML part, cannot
wrap itself round another one. Of alternatives one is shown; what is not shown as text is listed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from services.hosts import hosts_in
from services.limits import DEPTH_LIMIT, HTML_LIMIT, LINES_LIMIT, RAW_LIMIT, TEXT_LIMIT
from services.reading.armored import BEGIN, Blocks, block_of, block_of_part, find_blocks
from services.reading.html_text import html_to_text
from services.reading.link_list import LinkList
from services.reading.mime import Part
from services.reading.parsed_mail import Note, ParsedAttachment, ParsedLine, SealedBlock
from services.reading.plain_text import find_urls, layout, split_lines, trim
from services.reading.reply_quotes import mark_reply_quotes
from services.sealed_names import looks_sealed

_PLACEHOLDER: Final = re.compile(
    r"html[- ](?:e-?mail|message|version|format|mail|part|content|compatible)|view (?:this|it|the) "
    r"|(?:not|n't) (?:support|display|view|read)|in (?:your|a|the) (?:web )?browser|text/html",
    re.IGNORECASE,
)
_PLACEHOLDER_LIMIT: Final = 400
_READABLE: Final = frozenset(
    (
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/feedback-report",
        "message/rfc822-headers",
        "text/rfc822-headers",
    )
)
_BODY_TYPES: Final = frozenset(["text/plain", "text/html", "text/enriched", "text/markdown"])
_HEADERS_SHOWN: Final = ("From", "To", "Date", "Subject")
_CLOSED: Final = "An encrypted block inside another message; it stays closed."
_TOO_DEEP: Final = (
    f"What is nested deeper than {DEPTH_LIMIT} levels is not shown. The raw view has all of it."
)


@dataclass(slots=True)
class Body:
    """The lines of a mail while they are gathered."""

    reveal: bool = False
    links: LinkList = field(default_factory=LinkList)
    lines: list[ParsedLine] = field(default_factory=list)
    attachments: list[ParsedAttachment] = field(default_factory=list)
    listed: list[Part] = field(default_factory=list)
    """The parts that the attachments stand for, in the same order."""
    notes: list[Note] = field(default_factory=list)
    hidden: int = 0
    opens: bool = True
    """Encrypted blocks are handed over; not so within attached messages and decrypted text."""
    sealed: list[SealedBlock] = field(default_factory=list)
    flaw: str = ""
    """As `ParsedMail.sealed_flaw`."""
    passed_over: list[Part] = field(default_factory=list)
    """Alternatives that are not shown; their links are listed all the same."""
    _characters: int = 0
    _full: bool = False

    def notice(self, text: str) -> None:
        """Add a line of our own words."""
        self.lines.append(ParsedLine(text, 0, "notice"))

    def add(self, lines: list[ParsedLine], title: str = "") -> None:
        """Add the lines of one part, behind a boundary when something stands before it."""
        if self.lines and lines and not self._full:
            self.lines.append(ParsedLine(title, 0, "rule"))
        for line in lines:
            if self._full:
                return
            room = TEXT_LIMIT - self._characters
            if len(line.text) > room or len(self.lines) >= LINES_LIMIT:
                self._cut(line, room)
                return
            self._characters += len(line.text) + 1
            self.lines.append(line)

    def seal(self, block: SealedBlock | None) -> None:
        """Hand an encrypted block over; None stands for one that is too large."""
        if not self.opens:
            self.add([ParsedLine(_CLOSED, 0, "notice")])
        elif block is None:
            self.flaw = "too-large"
        else:
            self.sealed.append(block)

    def _cut(self, line: ParsedLine, room: int) -> None:
        if room > 0 and len(self.lines) < LINES_LIMIT:
            self.lines.append(ParsedLine(line.text[:room], line.quote, line.kind))
        self._full = True
        self.notice("The rest is not shown: the message is longer than what can be shown here.")
        self.notes.append(Note("cut-text"))


def gather(root: Part, *, reveal: bool = False) -> Body:
    """Lay out the text of a mail and list its other parts; `reveal` shows what HTML hides."""
    body = Body(reveal=reveal)
    fill(body, root)
    return body


def fill(body: Body, root: Part) -> None:
    """`gather` into a body that has been begun."""
    for part in _shown(root, body, only=True):
        _add_part(part, body)
    for part in body.passed_over:
        if part.content_type == "text/html":
            _list_links(part, body.links)


def _list_links(part: Part, links: LinkList) -> None:
    """List where an alternative that is not shown leads to, and every text that names a host."""
    apart = LinkList()
    html_to_text(part.text(4 * HTML_LIMIT)[0], apart)
    for link in apart.all():
        if not links.holds(link.url) or (link.text != link.url and hosts_in(link.text)):
            links.number(link.url, link.text)


def _shown(part: Part, body: Body, *, first: bool = True, only: bool = False) -> list[Part]:
    """Return the parts to show as text, in order; list all others as attachments.

    `first` says that the part opens its multipart, `only` that it is the whole mail.
    """
    if part.too_deep:
        body.notice(_TOO_DEEP)
        return []
    if part.is_multipart:
        return _shown_of_multipart(part, body)
    if part.is_message or (part.content_type in _READABLE and not only):
        _list(part, body)
        return [part]
    if _is_text(part, first=first, only=only):
        return [part]
    _list(part, body)
    return []


def _is_text(part: Part, *, first: bool, only: bool) -> bool:
    kind = part.content_type
    if kind.startswith("multipart/") or kind in _READABLE:
        return True
    if only:
        return kind.startswith("text/")
    if kind not in _BODY_TYPES or part.disposition.value == "attachment":
        return False
    return first or not part.file_name


def _shown_of_multipart(part: Part, body: Body) -> list[Part]:
    if part.content_type == "multipart/encrypted":
        return _shown_of_encrypted(part, body)
    lists = [_shown(c, body, first=number == 0) for number, c in enumerate(part.children)]
    if part.content_type == "multipart/alternative":
        best = _best(lists)
        body.passed_over.extend(part for parts in lists if parts is not best for part in parts)
        return best
    return [shown for parts in lists for shown in parts]


def _shown_of_encrypted(part: Part, body: Body) -> list[Part]:
    """Hand over the ciphertext of PGP/MIME; parts that do not belong there are shown as any other."""
    others = [child for child in part.children if child.content_type != "application/pgp-encrypted"]
    if not others:
        body.flaw = body.flaw or "cut"
        return []
    body.seal(block_of_part(others[0].data(RAW_LIMIT)[0]))
    return [shown for child in others[1:] for shown in _shown(child, body, first=False)]


def _best(alternatives: list[list[Part]]) -> list[Part]:
    """Choose plain text unless it only says that there is HTML; else the last that can be read."""
    readable = [parts for parts in alternatives if parts]
    if not readable:
        return []
    html = [parts for parts in readable if any(p.content_type == "text/html" for p in parts)]
    plain = [parts for parts in readable if parts not in html]
    if plain and html and all(_says_nothing(part, html[-1]) for part in plain[0]):
        return html[-1]
    return plain[0] if plain else readable[-1]


def _says_nothing(part: Part, html: list[Part]) -> bool:
    """Tell whether a plain part is empty, or only points at HTML that says more."""
    if part.children:
        return False
    text = part.text(4 * _PLACEHOLDER_LIMIT)[0].strip()
    words = len(text.split())
    if not words or len(text) > _PLACEHOLDER_LIMIT:
        return not words
    if words > 1 and _PLACEHOLDER.search(text) is None:
        return False
    return any(_words(page) > words + 3 for page in html if page.content_type == "text/html")


def _words(page: Part) -> int:
    lines = html_to_text(page.text(4 * HTML_LIMIT)[0], LinkList()).lines
    return sum(len(line.text.split()) for line in lines)


def _list(part: Part, body: Body) -> None:
    name = part.file_name or _made_up_name(part, len(body.attachments) + 1)
    encrypted = looks_sealed(name, part.content_type)
    body.attachments.append(ParsedAttachment(name, part.content_type, part.size, encrypted))
    body.listed.append(part)


def _made_up_name(part: Part, number: int) -> str:
    if part.is_message:
        subject = part.children[0].headers.first("subject").strip()
        return (subject[:80] or f"message-{number}") + ".eml"
    return f"part-{number}.{_EXTENSIONS.get(part.content_type, 'bin')}"


_EXTENSIONS: Final = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "application/pdf": "pdf",
    "text/plain": "txt", "text/html": "html", "text/calendar": "ics", "text/csv": "csv",
    "application/zip": "zip", "application/json": "json", "message/delivery-status": "txt",
    "text/rfc822-headers": "txt", "message/rfc822": "eml", "application/pgp-signature": "asc",
    "application/pkcs7-signature": "p7s", "image/svg+xml": "svg", "text/vcard": "vcf",
}  # fmt: skip


def _add_part(part: Part, body: Body) -> None:
    if part.is_message:
        _add_message(part.children[0], body)
    elif part.content_type == "text/html":
        _add_html(part, body)
    else:
        _add_plain(part, body)


def _add_message(root: Part, body: Body) -> None:
    """Show an attached message: its main headers, then its own text."""
    heads = [(name, root.headers.first(name.lower())) for name in _HEADERS_SHOWN]
    lines = [ParsedLine(f"{name}: {' '.join(value.split())}") for name, value in heads if value]
    body.add(lines or [ParsedLine("")], "Attached message")
    opens, body.opens = body.opens, False
    for part in _shown(root, body, only=True):
        _add_part(part, body)
    body.opens = opens


def _add_html(part: Part, body: Body) -> None:
    html, rest, cut = part.text(4 * HTML_LIMIT)
    page = html_to_text(html, body.links, reveal=body.reveal)
    body.hidden += page.hidden
    blocks = find_blocks([line.text if not line.quote else "" for line in page.lines])
    if blocks:
        for start, end in _seal(blocks, [line.text for line in page.lines], body):
            body.add(trim(page.lines[start:end]))
    elif page.lines:
        body.add(mark_reply_quotes(page.lines))
    elif html.strip():
        body.add([ParsedLine("This HTML part holds no readable text.", 0, "notice")])
    if page.cut or cut:
        body.notice("The rest of this HTML part is not shown: it is too long.")
        body.notes.append(Note("cut-html"))
    _add_rest(rest, body)


def _add_plain(part: Part, body: Body) -> None:
    text, rest, cut = part.text(4 * TEXT_LIMIT)
    blocks = Blocks()
    if BEGIN in text:
        text, rest, cut = part.text(RAW_LIMIT)
        lines = split_lines(text)
        blocks = find_blocks(lines)
    if not blocks:
        body.add(_lines_of(part, text[: TEXT_LIMIT + 1], body))
    else:
        for start, end in _seal(blocks, lines, body):
            piece = "\n".join(lines[start:end])
            body.add(_lines_of(part, piece[: TEXT_LIMIT + 1], body))
    if cut and len(text) <= TEXT_LIMIT:
        body.notes.append(Note("cut-text"))
    _add_rest(rest, body)


def _seal(blocks: Blocks, lines: list[str], body: Body) -> list[tuple[int, int]]:
    """Hand over the blocks among the lines of a part; return the runs of lines around them."""
    for start, end in blocks.spans:
        body.seal(block_of(lines[start:end]))
    if blocks.cut_at is not None:
        body.flaw = body.flaw or "cut"
    return blocks.outside(len(lines))


def _add_rest(rest: str, body: Body) -> None:
    if rest:
        lines = layout(rest[:TEXT_LIMIT])
        body.add([ParsedLine("Added behind the end of the part:", 0, "notice"), *lines])


def _lines_of(part: Part, text: str, body: Body) -> list[ParsedLine]:
    flowed = part.type_parameters.get("format").lower() == "flowed"
    delsp = part.type_parameters.get("delsp").lower() == "yes"
    lines = layout(text, flowed=flowed, delsp=delsp)
    for url in find_urls(lines):
        body.links.number(url, url)
    return mark_reply_quotes(lines)
