"""The ports of the service layer: what the engine and sync need, whoever provides it.

Closes the trap of one mail service leaking into the rest: everything that is Assmbl's or
AgentMail.to's own stays behind `MailProvider`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.reading.sealed import Opener, Plaintext
    from services.shown_mail import RenderedMessage
    from services.wire_values import FetchedMessage, InboundAttachment, InboxPage


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a mail service offers; what is missing is greyed out with the reason."""

    server_search: bool = True
    archive: bool = True
    max_labels: int = 20
    max_label_length: int = 64
    page_limit: int = 100


class MailProvider(Protocol):
    """One mailbox on a mail service. Every method may raise a `ServiceError`."""

    @property
    def capabilities(self) -> Capabilities: ...

    async def list_inbox(
        self,
        *,
        limit: int = 100,
        cursor: str | None = None,
        verified_only: bool = False,
        q: str | None = None,
        label: str | None = None,
        is_read: bool | None = None,
        include_archived: bool = False,
    ) -> InboxPage: ...

    async def get_message(self, message_id: str) -> FetchedMessage: ...

    async def delete_message(self, message_id: str) -> None: ...

    async def patch_message_labels(
        self, message_id: str, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """Change labels atomically; returns those the message has now, nothing when unsaid."""
        ...

    async def patch_message_read(self, message_id: str, *, is_read: bool) -> None: ...

    async def patch_message_archive(self, message_id: str, *, archived: bool) -> None: ...

    async def get_unread_count(self) -> int: ...

    async def aclose(self) -> None: ...


class MailRenderer(Protocol):
    """Turns raw mail into safe text, away from the caller's process and within limits."""

    async def render(
        self,
        raw: bytes,
        *,
        attachments: tuple[InboundAttachment, ...] = (),
        reveal: bool = False,
        opener: Opener | None = None,
    ) -> RenderedMessage:
        """Return the message as safe text; never raises for what is in the mail.

        `opener` is asked, on another thread, when the mail is encrypted; without one it stays closed.
        """
        ...

    async def file_in(self, plaintext: Plaintext, number: int) -> tuple[str, bytes] | None:
        """Return name (raw) and content of a file inside of decrypted bytes; None if there is none.

        RenderError when it cannot be read within limits.
        """
        ...

    async def aclose(self) -> None: ...
