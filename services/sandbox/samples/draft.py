"""What a sample mail is made of, before and after it becomes bytes.

Closes the trap of a store that has to parse 100,000 mails to index them: a `SampleMail` carries the
facts of its list row, and tests hold them against what parsing the bytes gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SampleMail:
    """One mail of the sample mailbox; they are yielded oldest first.

    `received_at` is in seconds since the epoch, UTC. `broken` marks mail that is invalid on purpose.
    `sender` and `subject` are the decoded header texts, for tests and quick indexing.
    """

    message_id: str
    raw: bytes
    verified: bool
    received_at: int
    labels: tuple[str, ...] = ()
    is_read: bool = True
    archived: bool = False
    trust_tier: str = ""
    traffic_type: str = ""
    sender: str = ""
    subject: str = ""
    kind: str = ""
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: always the same verdict for the same address."""

    name: str
    address: str
    verified: bool = True
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """An attachment that travels inside the mail."""

    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """What a mail says; services/sandbox/samples/assembly.py turns it into bytes.

    `headers` are further header fields in order, values already fit for the wire. `raw_parts`, when
    set, replaces everything from Content-Type on (broken mail). `minutes` is set for mail whose age
    is part of the picture.
    """

    sender: Sender
    subject: str
    text: str
    html: str = ""
    files: tuple[File, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    labels: tuple[str, ...] = ()
    traffic_type: str = ""
    kind: str = ""
    mime_id: str = ""
    raw_parts: bytes = b""
    broken: bool = False
    transfer: str = field(default="auto")
    """`auto`, `base64` or `8bit`."""
