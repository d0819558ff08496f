"""What a sample mail is made of, before and after it becomes bytes.

Closes the trap of a mailbox whose list and mails disagree: a draft knows its texts, and both the
bytes and the store's summary are made from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from services.sandbox.records import Delivery


@dataclass(frozen=True, slots=True)
class SampleMail:
    """One mail of the sample mailbox, ready for the store; `broken` is invalid MIME on purpose."""

    delivery: Delivery
    kind: str
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: always with the same verdict, role and house."""

    name: str
    address: str
    verified: bool = True
    role: str = ""
    house: str = ""

    @property
    def domain(self) -> str:
        """The part of the address behind the @."""
        return self.address.rpartition("@")[2]

    @property
    def agent_id(self) -> str:
        """The part of the address before the @."""
        return self.address.partition("@")[0]


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: inside the mail, or uploaded before and named by its key."""

    name: str
    content_type: str
    data: bytes
    object_key: str = ""
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What a mail says.

    `headers` are further header fields in order, their values fit for the wire. `html` alone makes
    an HTML-only mail, with `text` an alternative. `mime_id` is the Message-ID without brackets
    (empty: chosen by its place). `raw_parts` replaces everything from Content-Type on: mail that is
    `broken` or odd on purpose.
    """

    sender: Sender
    subject: str
    text: str = ""
    html: str = ""
    files: tuple[File, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    kind: str = ""
    mime_id: str = ""
    encrypted: bool = False
    marketplace_id: str = ""
    correlation_id: str = ""
    raw_parts: bytes = b""
    broken: bool = False
