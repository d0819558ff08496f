"""Turns drafts into mail as it arrives: trace headers, encoded words, transfer encodings, parts.

Closes the trap of the stdlib's generator, which needs about a millisecond a mail: sample mail is
put together as text. What comes out is held against the stdlib's parser in the tests.
"""

from __future__ import annotations

import base64
import json
import re
from binascii import b2a_base64, b2a_qp
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from services.sandbox.intake import PREVIEW, summarise
from services.sandbox.records import MailFile, Summary
from services.sandbox.samples.draft import Draft, File, Sender

_WORD_BYTES: Final = 42
_NEEDS_QUOTES: Final = re.compile(r'[()<>@,;:\\".\[\]]')
_LONG_LINE: Final = re.compile(r"[^\n]{900}")
_MARKUP: Final = re.compile(r"<style>[^<]*|<[^<>]*>")
_HEADER_WIDTH: Final = 74
_LOOK_AT: Final = 2_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a mail stands: to whom, when (seconds since the epoch), and a number only it has."""

    recipient: str
    at: int
    tag: str
    """40 characters, as a receiver's storage would name the mail."""
    zone: int = 0
    """Minutes east of UTC of the sender's clock."""


def assemble(draft: Draft, place: Place) -> bytes:
    """Return the mail as bytes with CRLF line ends."""
    head = "".join(f"{name}: {value}\r\n" for name, value in _head(draft, place))
    body = draft.raw_parts or _body(draft, place.tag)
    return head.encode("utf-8", "surrogateescape") + body


def summary(draft: Draft, raw: bytes, recipient: str) -> Summary:
    """Return what the list tells about the mail, without parsing it where that is known."""
    if draft.raw_parts or draft.kind == "hostile":
        return summarise(raw, recipient, verified=draft.sender.verified, size_of=lambda _: None)
    followed = draft.sender.verified
    files = [_uploaded(file, followed=followed) for file in draft.files if file.object_key]
    inside = (file for file in draft.files if not file.object_key)
    files.extend(
        MailFile(_plain(file.name), file.content_type, len(file.data), file.encrypted, part=part)
        for part, file in enumerate(inside)
    )
    return Summary(
        sender=_plain(mailbox(draft.sender, wire=False)),
        recipient=recipient,
        subject=_plain(draft.subject),
        preview=_plain(draft.text[:_LOOK_AT] or _MARKUP.sub(" ", draft.html))[:PREVIEW],
        encrypted=draft.encrypted,
        correlation_id=draft.correlation_id,
        marketplace_request_id=draft.marketplace_id,
        files=tuple(files),
    )


@lru_cache(maxsize=4_096)
def mailbox(sender: Sender, *, wire: bool = True) -> str:
    """Return a sender as a From value, with encoded words where the wire needs them."""
    if not sender.name:
        return sender.address
    name = sender.name
    if _NEEDS_QUOTES.search(name) and name.isascii():
        name = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{encoded(name) if wire else name} <{sender.address}>"


def encoded(text: str) -> str:
    """Return a header text for the wire: as it is, or as encoded words of whole characters."""
    if text.isascii() and text.isprintable():
        return text if len(text) <= _HEADER_WIDTH else _folded(text)
    words, piece = [], b""
    for char in text:
        more = char.encode("utf-8", "surrogatepass")
        if len(piece) + len(more) > _WORD_BYTES:
            words.append(piece)
            piece = b""
        piece += more
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(word).decode()}?=" for word in words)


def _plain(text: str) -> str:
    return " ".join(text.split())


def _folded(text: str) -> str:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + len(word) > _HEADER_WIDTH:
            lines.append(word)
        else:
            lines[-1] += f" {word}" if lines[-1] else word
    return "\r\n ".join(lines)


# ── the header ───────────────────────────────────────────────────────────────────────────────────


def _head(draft: Draft, place: Place) -> list[tuple[str, str]]:
    sender = draft.sender
    trace = f"from {_relay(sender.domain)} by inbound.mail.example\r\n with SMTP id {place.tag}"
    mime_id = draft.mime_id or f"{place.tag[:20]}@{sender.domain or 'unknown.example'}"
    head = [
        ("Return-Path", f"<{sender.address}>"),
        ("Received", f"{trace}\r\n for {place.recipient}; {_utc(place.at)}"),
        ("Authentication-Results", _verdicts(sender.domain, verified=sender.verified)),
        ("From", mailbox(sender)),
        ("To", place.recipient),
        ("Subject", encoded(draft.subject)),
        ("Date", _local_date(place)),
        ("Message-ID", f"<{mime_id}>"),
        *draft.headers,
    ]
    if draft.correlation_id:
        head.append(("X-AgentMail-Correlation-Id", draft.correlation_id))
    if draft.marketplace_id:
        head.append(("X-AgentMail-Marketplace-Request-Id", draft.marketplace_id))
    if draft.encrypted:
        head.append(("X-AgentMail-Encrypted", "body"))
    if any(file.object_key for file in draft.files):
        head.append(("X-AgentMail-Attachments", _manifest(draft.files)))
    head.append(("MIME-Version", "1.0"))
    return head


@lru_cache(maxsize=512)
def _relay(domain: str) -> str:
    number = 10 + sum(domain.encode()) % 200
    return f"mx{number % 4}.{domain} (mx{number % 4}.{domain} [192.0.2.{number}])"


@lru_cache(maxsize=512)
def _verdicts(domain: str, *, verified: bool) -> str:
    word = "pass" if verified else "none"
    spf, dkim = f"spf={word} smtp.mailfrom={domain}", f"dkim={word} header.d={domain}"
    return f"inbound.mail.example; {spf};\r\n {dkim}"


def _local_date(place: Place) -> str:
    if not place.zone:
        return _utc(place.at)
    hours, minutes = divmod(abs(place.zone), 60)
    shown = _utc(place.at + 60 * place.zone)
    return f"{shown[:-5]}{'+' if place.zone > 0 else '-'}{hours:02d}{minutes:02d}"


def _utc(at: int) -> str:
    day, second = divmod(at, 86_400)
    return f"{_day(day)} {second // 3_600:02d}:{second // 60 % 60:02d}:{second % 60:02d} +0000"


@lru_cache(maxsize=64)
def _day(day: int) -> str:
    return formatdate(day * 86_400)[:16]


def _manifest(files: tuple[File, ...]) -> str:
    entries: list[dict[str, object]] = []
    for file in files:
        if not file.object_key:
            continue
        entry: dict[str, object] = {"object_key": file.object_key, "name": file.name}
        entry |= {"content_type": file.content_type, "size": len(file.data)}
        if file.encrypted:
            entry["encrypted"] = True
            entry["encryption"] = {"algorithm": "openpgp", "format": "armored"}
        entries.append(entry)
    return json.dumps(entries).replace(", ", ",\r\n ")


def _uploaded(file: File, *, followed: bool) -> MailFile:
    return MailFile(
        _plain(file.name),
        file.content_type,
        len(file.data) if followed else 0,
        file.encrypted,
        object_key=file.object_key if followed else "",
        failed=not followed,
    )


# ── the body ─────────────────────────────────────────────────────────────────────────────────────


def _body(draft: Draft, tag: str) -> bytes:
    parts = [_text_part(draft.text, "plain")] if draft.text else []
    if draft.html:
        parts.append(_text_part(draft.html, "html"))
    inner = parts[0] if len(parts) == 1 else _multipart("alternative", f"alt-{tag[:16]}", parts)
    inside = [file for file in draft.files if not file.object_key]
    if not inside:
        return inner
    return _multipart("mixed", f"mix-{tag[:16]}", [inner, *map(_file_part, inside)])


def _multipart(kind: str, boundary: str, parts: list[bytes]) -> bytes:
    line = f"--{boundary}".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    return b"".join((head, *(line + b"\r\n" + part + b"\r\n" for part in parts), line, b"--\r\n"))


def _text_part(text: str, kind: str) -> bytes:
    """Choose a transfer encoding as common senders do: none for ASCII, else quoted-printable."""
    head = f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: "
    long = bool(_LONG_LINE.search(text))
    if text.isascii() and not long:
        return f"{head}7bit\r\n\r\n{text}".replace("\r\n", "\n").replace("\n", "\r\n").encode()
    data = text.encode("utf-8", "surrogatepass")
    if not long and len(text) * 2 > len(data) and kind == "plain" and len(data) % 5 == 0:
        return f"{head}8bit\r\n\r\n".encode() + data.replace(b"\n", b"\r\n")
    if len(data) > 2 * len(text) - 20:
        lines = b2a_base64(data.replace(b"\n", b"\r\n"), newline=False)
        return f"{head}base64\r\n\r\n".encode() + _wrapped(lines)
    quoted = b2a_qp(data, istext=True).replace(b"\n", b"\r\n")
    return f"{head}quoted-printable\r\n\r\n".encode() + quoted


def _file_part(file: File) -> bytes:
    plain = file.name if file.name.isascii() and file.name.isprintable() else ""
    name = f'filename="{plain}"' if plain else f"filename*=utf-8''{quote(file.name, safe='')}"
    head = (
        f"Content-Type: {file.content_type}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; {name}\r\n\r\n"
    )
    return head.encode() + _wrapped(b2a_base64(file.data, newline=False))


def _wrapped(data: bytes) -> bytes:
    return b"".join(data[at : at + 76] + b"\r\n" for at in range(0, len(data), 76))
