"""From raw mail to a message that can be shown."""

from __future__ import annotations

from services.errors import RenderError
from services.models import BodyLine, InboundAttachment, LineKind, RenderedMessage
from services.parsed_mail import ParsedMail
from services.safe_text import EMPTY, clean_line


def parse_mail(raw: bytes, *, true_size: int = 0) -> ParsedMail:
    """Decode a mail and lay it out as lines; runs in the worker."""
    return ParsedMail()


def present(
    parsed: ParsedMail,
    *,
    attachments: tuple[InboundAttachment, ...] = (),
    reveal: bool = False,
) -> RenderedMessage:
    """Make everything that a parsed mail holds safe to show; runs in the parent."""
    return RenderedMessage(EMPTY, EMPTY, EMPTY, clean_line(parsed.subject), parsed.date, ())


def placeholder(
    error: RenderError, *, attachments: tuple[InboundAttachment, ...] = ()
) -> RenderedMessage:
    """Stand in for a message that could not be read."""
    line = BodyLine(clean_line(str(error)), LineKind.NOTICE)
    return RenderedMessage(EMPTY, EMPTY, EMPTY, EMPTY, 0, (line,))
