"""A mail through both halves of the renderer, and what of it is shown."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

from services.reading.parsed_mail import from_wire, to_wire
from services.reading.render import parse_mail, present
from services.safe_text import SafeText
from services.shown_mail import LineKind, RenderedMessage
from tests.services.test_safe_text import forbidden

HEAD = b"From: Ann <ann@example.org>\r\nTo: b@example.org\r\nSubject: t\r\nMIME-Version: 1.0\r\n"


def render(raw: bytes, **options: Any) -> RenderedMessage:
    """Both halves, with the wire between them."""
    return present(from_wire(to_wire(parse_mail(raw))), **options)


def body_of(message: RenderedMessage, kind: LineKind | None = None) -> str:
    return "\n".join(line.text for line in message.body if kind in (None, line.kind))


def texts_of(message: RenderedMessage) -> list[SafeText]:
    texts = [message.from_name, message.from_address, message.to, message.subject, message.cc]
    texts += [message.reply_to, *message.notes, *(line.text for line in message.body)]
    texts += [text for header in message.headers for text in (header.name, header.value)]
    texts += [t for link in message.links for t in (link.text, link.url, link.host, link.warning)]
    texts += [
        t for part in message.attachments for t in (part.file_name, part.content_type, part.state)
    ]
    return texts


def assert_safe(message: RenderedMessage) -> None:
    for text in texts_of(message):
        assert type(text) is SafeText
        assert forbidden(text, line_feed=False) == []


def alternative(plain: str, html: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = "a@example.org"
    mail.set_content(plain)
    mail.add_alternative(html, subtype="html")
    return mail.as_bytes()
