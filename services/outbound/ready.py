"""What will go over the wire, byte for byte; the same at every attempt.

Closes the trap of a retry that builds the mail anew: a rebuilt body is another request, and
encrypting twice gives different bytes. What the outbox keeps and approvals are bound to is this
value and its digest (design.md §8).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from services.api.wire import Usage


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file at the storage host; `size` in bytes as uploaded, `sha256` of those in hex."""

    object_key: str
    name: str
    content_type: str
    size: int
    sha256: str
    encrypted: bool


@dataclass(frozen=True, slots=True)
class SealedTo:
    """Whose key a mail was encrypted to: the fingerprints of the primary and of the part used."""

    primary: str
    component: str


@dataclass(frozen=True, slots=True)
class ReadyMail:
    """One mail with everything uploaded. Made by the gate only.

    `sealed_to` is None exactly when the mail goes in clear.
    """

    to: str
    subject: str
    body: str
    headers: tuple[tuple[str, str], ...]
    files: tuple[UploadedFile, ...]
    idempotency_key: str
    correlation_id: str
    sealed_to: SealedTo | None
    peer_agent_id: str = ""
    marketplace_request_id: str = ""
    usage: Usage | None = None

    @property
    def digest(self) -> str:
        """SHA-256 in hex over everything that is sent."""
        return hashlib.sha256(json.dumps(self._said(), sort_keys=True).encode()).hexdigest()

    def _said(self) -> dict[str, Any]:
        import msgspec

        said: dict[str, Any] = msgspec.to_builtins(self)
        return said
