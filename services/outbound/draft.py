"""What is to be sent, as its writer means it: before sealing, before anything is uploaded.

Closes two traps: an idempotency key that is made for each attempt, so that a retry is a second
mail, and encryption decided on the way: it is a property of the draft (design.md §7).
"""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.draft import Encryption
from services.errors import UsageError

if TYPE_CHECKING:
    from services.api.wire import Usage

FILES_LIMIT: Final = 100
ENCRYPTED_HEADER: Final = "X-AgentMail-Encrypted"
_OURS: Final = frozenset({
    "x-agentmail-encrypted", "x-agentmail-attachments", "x-agentmail-idempotency-key",
    "x-agentmail-correlation-id", "x-agentmail-marketplace-request-id",
    "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version",
})  # fmt: skip
"""Headers that the gate or the service writes; a draft must not say something else beside them."""


@dataclass(frozen=True, slots=True)
class OutboundFile:
    """A file to go with a mail: where it lies and what it is called there."""

    path: Path
    name: str
    content_type: str = "application/octet-stream"

    @classmethod
    def at(cls, path: Path) -> OutboundFile:
        """A file under its own name, its type guessed from that."""
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        return cls(path, path.name, kind)


@dataclass(frozen=True, slots=True)
class OutboundDraft:
    """One mail to one recipient; make it with `write`, which gives it its idempotency key.

    `text` is plain text, `headers` are further MIME headers such as In-Reply-To. `peer_agent_id`
    names the recipient in the key directory when the address does not (api/assmbl.md §7.7).
    """

    to: str
    subject: str
    text: str
    encryption: Encryption
    idempotency_key: str
    files: tuple[OutboundFile, ...] = ()
    correlation_id: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    peer_agent_id: str = ""
    marketplace_request_id: str = ""
    usage: Usage | None = None

    @classmethod
    def write(
        cls,
        to: str,
        subject: str,
        text: str,
        *,
        encryption: Encryption,
        files: tuple[OutboundFile, ...] = (),
        correlation_id: str = "",
        headers: Mapping[str, str] | None = None,
        peer_agent_id: str = "",
    ) -> OutboundDraft:
        """Begin a draft with an idempotency key of its own, which all its attempts share."""
        return cls(
            to.strip(),
            subject,
            text,
            encryption,
            f"draft-{uuid.uuid4()}",
            files=files,
            correlation_id=correlation_id,
            headers=tuple((headers or {}).items()),
            peer_agent_id=peer_agent_id,
        )

    def check(self) -> None:
        """Raise UsageError for what cannot be sent whatever the service says."""
        local, at, domain = self.to.rpartition("@")
        if not (local and at and domain) or any(c in self.to for c in ",; \t\r\n<>"):
            raise UsageError("A mail has exactly one recipient.", "Write it as name@host.")
        if any(ord(char) < 32 or ord(char) == 127 for char in self.subject):
            raise UsageError("The subject holds line ends or control characters.", "Take them out.")
        for name, _ in self.headers:
            if name.lower() in _OURS:
                raise UsageError(f"The header {name!a} is written by the program itself.")
        if len(self.files) > FILES_LIMIT:
            raise UsageError(f"A mail carries at most {FILES_LIMIT} files.")
