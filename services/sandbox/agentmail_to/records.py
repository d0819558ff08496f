"""The plain values of the AgentMail.to door: keys, inboxes, messages; times in epoch seconds.

Closes the trap of handlers that know tables: what a key may see is asked of the key, not written
into every query.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

HIDDEN = ("spam", "blocked", "unauthenticated", "trash")
"""Labels whose messages a list leaves out unless asked (api/agentmail_to.md §5.1)."""


@dataclass(frozen=True, slots=True)
class Key:
    """One API key: its scope is the narrowest of inbox, pod and organization that is set."""

    key_id: str
    organization_id: str
    name: str
    created_at: float
    pod_id: str | None = None
    inbox: int | None = None
    permissions: Mapping[str, bool] | None = None
    """None grants everything; else only what is true (§5.6)."""
    expires_at: float | None = None

    def grants(self, permission: str) -> bool:
        """Tell whether this key may do that."""
        return self.permissions is None or self.permissions.get(permission) is True

    def unseen(self) -> tuple[str, ...]:
        """Return the labels whose messages do not exist for this key."""
        return tuple(label for label in HIDDEN if not self.grants(f"label_{label}_read"))


@dataclass(frozen=True, slots=True)
class Inbox:
    """One inbox, which is one agent of the store; its id is its address."""

    number: int
    agent_id: str
    inbox_id: str
    organization_id: str
    pod_id: str
    display_name: str | None
    client_id: str | None
    status: str | None
    metadata: Mapping[str, object] | None
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class Addresses:
    """The address fields of a message, each address as `a@b` or `Name <a@b>`."""

    to: tuple[str, ...] = ()
    cc: tuple[str, ...] = ()
    bcc: tuple[str, ...] = ()
    reply_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parents:
    """What a message answers: message ids with their angle brackets."""

    in_reply_to: str | None = None
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class File:
    """One attachment: `part` counts the attachment parts of the MIME from 0; size in bytes."""

    attachment_id: str
    size: int
    part: int
    filename: str = ""
    content_type: str = ""
    content_disposition: str = ""
    content_id: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message as this door keeps it, without its MIME."""

    number: int
    inbox: int
    message_id: str
    thread_id: str
    seq: int | None
    """The row in the store; None for a sent message."""
    at: float
    created_at: float
    updated_at: float
    size: int
    sender: str
    addresses: Addresses
    subject: str
    preview: str
    parents: Parents
    files: tuple[File, ...]
    labels: tuple[str, ...] = field(default=())
