"""A message ready to be read: body lines, links, attachments, headers, and what speaks for it.

Everything in here is safe to show. Apart from `services.models` because the list does without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from services.safe_text import EMPTY, SafeText

if TYPE_CHECKING:
    from services.seal_models import SealFacts


class LineKind(Enum):
    """What a body line is, so that the reader can shade and fold it."""

    TEXT = "text"
    QUOTE = "quote"
    NOTICE = "notice"
    """Our own words about the message ("cut at 2 MB"), never the sender's."""
    RULE = "rule"
    """A boundary between parts."""


@dataclass(frozen=True, slots=True)
class BodyLine:
    """One paragraph line of a body, not wrapped yet; `quote` is the quote depth (0 = own text)."""

    text: SafeText
    kind: LineKind = LineKind.TEXT
    quote: int = 0
    outside: bool = False
    """It stands outside of the encrypted block of its message: anybody may have written it."""


@dataclass(frozen=True, slots=True)
class Link:
    """A numbered link: what the text says and where it really goes."""

    number: int
    text: SafeText
    url: SafeText
    host: SafeText
    warning: SafeText = EMPTY
    """Set when the text names another host, the scheme is odd, or the host is look-alike."""
    outside: bool = False
    """It stands outside of the encrypted block of its message."""


INSIDE: Final = 1_000_000
"""Indexes from here on are of files inside of the encrypted part, counted from there."""


@dataclass(frozen=True, slots=True)
class AttachmentView:
    """An attachment as the reader lists it; `size` in bytes, None when unknown."""

    index: int
    file_name: SafeText
    content_type: SafeText
    size: int | None
    state: SafeText = EMPTY
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One header field as shown."""

    name: SafeText
    value: SafeText


@dataclass(frozen=True, slots=True)
class RenderedMessage:
    """A message ready to be read. Everything in it is safe to show."""

    from_name: SafeText
    from_address: SafeText
    to: SafeText
    subject: SafeText
    date: int
    """Seconds since the epoch from the Date header; 0 when absent or unreadable."""
    body: tuple[BodyLine, ...]
    headers: tuple[HeaderLine, ...] = ()
    """All fields in the order of the mail."""
    cc: SafeText = EMPTY
    reply_to: SafeText = EMPTY
    """Set only when it differs from the sender's address."""
    links: tuple[Link, ...] = ()
    attachments: tuple[AttachmentView, ...] = ()
    notes: tuple[SafeText, ...] = ()
    """Facts for the trust panel: hidden text, look-alike sender, cut parts."""
    hidden_characters: int = 0
    encrypted: bool = False
    """The body holds an OpenPGP message; what headers say of it is a hint only."""
    seal: SealFacts | None = None
    """Whether the encrypted body is open and who signed it; None for a message in clear."""


@dataclass(frozen=True, slots=True)
class TrustFacts:
    """What the trust panel tells about a message, all of it from outside the mail text."""

    verified: bool
    first_contact: bool
    encrypted: bool
    hidden_characters: int = 0
    notes: tuple[SafeText, ...] = ()
    seal: SealFacts | None = None
    """As in `RenderedMessage`."""
    sent: bool = False
    """It left from this inbox, as the service tells: there is no sender to be verified."""
