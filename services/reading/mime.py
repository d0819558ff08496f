"""The tree of parts of a mail, split by our own reader.

Closes the trap of parsers that follow a mail wherever it leads: one pass for each level, at most
DEPTH_LIMIT levels and PARTS_LIMIT parts, no recursion deeper than that, nothing copied that is not
looked at. A multipart without a usable boundary is text; what a limit cuts off is told by a flag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from services.limits import DEPTH_LIMIT, PARTS_LIMIT
from services.reading.charsets import decode_text
from services.reading.mime_headers import HeaderBlock, Parameters, parse_parameters, read_block
from services.reading.transfer_encoding import decode_transfer, decoded_size, is_encoded

_NO_BYTE: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
_TYPE: Final = re.compile(r"\s*([!-.0-~]{1,80})\s*/\s*([!-.0-:<-~]{1,120})")
_AFTER_BOUNDARY: Final = re.compile(rb"(--)?[ \t]*\r*(\n|\Z)")
_POSTMARK: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:>?From [^\n]{0,1000}\r?\n)?")
_GUESS: Final = re.compile(
    rb"\n--([^\r\n]{1,200}?)[ \t]*\r?\n(?=Content-[A-Za-z-]{1,40}[ \t]*:)", re.IGNORECASE
)
"""A line that can only be a boundary, for a multipart that declares another one or none."""
_GUESS_LIMIT: Final = 65_536
_VISIBLE: Final = re.compile(rb"[^ \t\r\n]")
_BOUNDARY_LIMIT: Final = 250
_CANDIDATES_LIMIT: Final = 100_000
"""Lines that look like a boundary and are none; beyond it the mail is not worth the time."""
_MESSAGES: Final = frozenset(["message/rfc822", "message/global", "message/news"])


@dataclass(slots=True)
class Part:
    """A part: its headers, its place in the bytes it was cut from, and the parts inside it."""

    headers: HeaderBlock
    source: bytes
    start: int
    end: int
    content_type: str
    type_parameters: Parameters
    disposition: Parameters
    encoding: str
    children: list[Part] = field(default_factory=list)
    too_deep: bool = False
    """Not opened because DEPTH_LIMIT was reached."""

    @property
    def is_multipart(self) -> bool:
        """True for a multipart that could be split."""
        return bool(self.children) and self.content_type.startswith("multipart/")

    @property
    def is_message(self) -> bool:
        """True for an attached message that could be read."""
        return bool(self.children) and self.content_type in _MESSAGES

    @property
    def file_name(self) -> str:
        """The name given by `Content-Disposition` or `Content-Type`; empty without one."""
        name = self.disposition.get("filename") or self.disposition.get("name")
        return name or self.type_parameters.get("name") or self.type_parameters.get("filename")

    @property
    def size(self) -> int:
        """Bytes of content after transfer decoding."""
        return decoded_size(self.source[self.start : self.end], self.encoding)

    def data(self, limit: int) -> tuple[bytes, bytes, bool]:
        """Decode the content: the bytes, text behind a base64 block, whether `limit` cut it."""
        stop = min(self.end, self.start + limit)
        content, rest = decode_transfer(self.source[self.start : stop], self.encoding)
        return content, rest, stop < self.end

    def text(self, limit: int) -> tuple[str, str, bool]:
        """`data` as text in the declared charset, undeclared 8-bit tolerated."""
        content, rest, cut = self.data(limit)
        charset = self.type_parameters.get("charset")
        plain = not is_encoded(self.encoding)
        text = decode_text(content, charset, already_decoded=plain)
        return text, decode_text(rest, charset, already_decoded=True), cut


@dataclass(slots=True)
class Splitting:
    """What came up while a mail was split."""

    parts: int = 0
    candidates: int = 0
    too_deep: bool = False
    too_many: bool = False
    damaged: bool = False
    cut_headers: bool = False


def raw_bytes(raw_mime: str) -> bytes:
    """Return the bytes of a mail that the API handed over as a JSON string (api/assmbl.md §4.2).

    Bytes that were no UTF-8 arrive as lone surrogates U+DC80 to U+DCFF and become those bytes again.
    """
    return _NO_BYTE.sub("\ufffd", raw_mime).encode("utf-8", "surrogateescape")


def split_mail(raw: bytes) -> tuple[Part, Splitting]:
    """Split a mail into its parts. Never raises for what is in it."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    found = Splitting()
    postmark = _POSTMARK.match(raw)
    start = postmark.end() if postmark else 0
    return _read_part(raw, start, len(raw), 0, "text/plain", found), found


def _read_part(
    raw: bytes, start: int, end: int, depth: int, default: str, found: Splitting
) -> Part:
    block = read_block(raw, start, end)
    found.damaged = found.damaged or block.damaged
    found.cut_headers = found.cut_headers or block.cut
    found.parts += 1
    kind = parse_parameters(next(iter(block.all_raw("content-type")), b""))
    disposition = parse_parameters(next(iter(block.all_raw("content-disposition")), b""))
    encoding = block.first("content-transfer-encoding").partition(";")[0].strip().lower()
    content_type = _content_type(kind.value, default)
    part = Part(block, raw, block.body, end, content_type, kind, disposition, encoding)
    if content_type.startswith("multipart/"):
        _split_multipart(part, depth, found)
    elif content_type in _MESSAGES:
        _open_message(part, depth, found)
    return part


def _content_type(value: str, default: str) -> str:
    match = _TYPE.match(value)
    if match is not None:
        return f"{match.group(1)}/{match.group(2)}"
    return "text/html" if value.strip() in ("html", "text html") else default


def _split_multipart(part: Part, depth: int, found: Splitting) -> None:
    if depth >= DEPTH_LIMIT:
        part.too_deep = found.too_deep = True
        return
    declared = part.type_parameters.get("boundary").encode("utf-8", "surrogatepass").rstrip()
    if 0 < len(declared) <= _BOUNDARY_LIMIT:
        _split_at(part, declared, depth, found)
    if not part.children:
        found.damaged = True
        guessed = _GUESS.search(
            part.source, max(0, part.start - 1), min(part.end, part.start + _GUESS_LIMIT)
        )
        if guessed is not None:
            _split_at(part, guessed.group(1), depth, found)


def _split_at(part: Part, boundary: bytes, depth: int, found: Splitting) -> None:
    default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
    for start, end in _sections(part, boundary, found):
        if found.parts > PARTS_LIMIT:
            found.too_many = True
            return
        part.children.append(_read_part(part.source, start, end, depth + 1, default, found))


def _sections(part: Part, boundary: bytes, found: Splitting) -> Iterator[tuple[int, int]]:
    """Yield the places between boundary lines; the last one may lack its closing line."""
    opened = -1
    for line_start, line_end, closing in _boundary_lines(part, boundary, found):
        if opened >= 0:
            stop = line_start
            while stop > opened and part.source[stop - 1 : stop] == b"\r":
                stop -= 1
            yield opened, max(opened, stop)
        if closing:
            return
        opened = line_end
    if opened >= 0:
        found.damaged = True
        yield opened, part.end


def _boundary_lines(
    part: Part, boundary: bytes, found: Splitting
) -> Iterator[tuple[int, int, bool]]:
    """Yield (where the line's own line feed stands, where the next line begins, is it the last)."""
    raw, end = part.source, part.end
    line = b"\n--" + boundary
    # The first boundary may stand at the very start; its line feed then belongs to the headers.
    at = max(0, part.start - 1)
    while (at := raw.find(line, at, end)) >= 0:
        match = _AFTER_BOUNDARY.match(raw, at + len(line), end)
        if match is not None:
            yield at, match.end(), match.group(1) is not None
            at = max(at + 1, match.end() - 1)
        else:
            at += len(line)
            found.candidates += 1
            if found.candidates > _CANDIDATES_LIMIT:
                found.damaged = True
                return


def _open_message(part: Part, depth: int, found: Splitting) -> None:
    if depth >= DEPTH_LIMIT:
        part.too_deep = found.too_deep = True
        return
    source, start, end = part.source, part.start, part.end
    if is_encoded(part.encoding):
        source = decode_transfer(source[start:end], part.encoding)[0]
        start, end = 0, len(source)
    if _VISIBLE.search(source, start, end):
        part.children.append(_read_part(source, start, end, depth + 1, "text/plain", found))
