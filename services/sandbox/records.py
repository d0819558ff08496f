"""The plain values of the sandbox's store: agents, mail on its way in, attachments, stored rows.

Closes the trap of doors that know the tables: they hand over and receive these values only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent, which is one mailbox."""

    agent_id: str
    address: str
    token: str = field(repr=False)
    number: int = 0
    """The row of the agent in the store."""


@dataclass(frozen=True, slots=True)
class AgentmailAccess:
    """How the AgentMail.to door is reached: with a key of the organization, or of one inbox."""

    base_url: str
    """With `/v0/` at its end."""
    ws_url: str
    organization_id: str
    api_key: str = field(repr=False)
    inbox_keys: Mapping[str, str] = field(repr=False)
    """Keys by inbox id."""


@dataclass(frozen=True, slots=True)
class SesAccess:
    """How the SES door is reached, in the terms of AWS clients."""

    url: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MailFile:
    """One attachment of a mail, in manifest order.

    Its bytes lie in an uploaded object (`object_key`), or in the mail itself: then `part` says which
    attachment part of the MIME it is, counted from 0.
    """

    file_name: str
    content_type: str
    size: int
    encrypted: bool = False
    object_key: str = ""
    part: int = -1
    failed: bool = False
    """The reference cannot be followed: no such object, or not the sender's own."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What the inbox list tells about a mail, read from its MIME (or known by who made it)."""

    sender: str
    recipient: str
    subject: str
    preview: str
    encrypted: bool = False
    correlation_id: str = ""
    marketplace_request_id: str = ""
    files: tuple[MailFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """One mail for one mailbox.

    `received_at` is in seconds since the epoch (None: now). Without a `summary` the store reads it
    from `raw`, at about a thousand mails a second; who generates mail hands it over. An empty
    `message_id` lets the store choose one; empty `trust_tier` and `traffic_type` follow from the mail.
    """

    raw: bytes
    verified: bool = False
    received_at: float | None = None
    labels: tuple[str, ...] = ()
    is_read: bool = False
    archived: bool = False
    trust_tier: str = ""
    traffic_type: str = ""
    message_id: str = ""
    summary: Summary | None = None


@dataclass(frozen=True, slots=True)
class StoredMail:
    """One message as the store holds it, without its MIME; times in seconds since the epoch."""

    seq: int
    message_id: str
    sender: str
    recipient: str
    subject: str
    preview: str
    received_at: float
    verified: bool
    is_read: bool
    archived: bool
    encrypted: bool
    attachment_count: int
    trust_tier: str
    traffic_type: str
    correlation_id: str
    marketplace_request_id: str
    labels: tuple[str, ...]
