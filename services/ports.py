"""The ports of the service layer: what the engine and sync need, whoever provides it.

Closes the trap of one mail service leaking into the rest: everything that is Assmbl's or
AgentMail.to's own stays behind `MailProvider`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from services.reading.sealed import Opener, Plaintext
    from services.shelves import Shelf
    from services.shown_mail import RenderedMessage
    from services.wire_values import FetchedMessage, InboundAttachment, InboxItem, InboxPage


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a mail service offers; what is missing is greyed out with the reason."""

    server_search: bool = True
    archive: bool = True
    max_labels: int = 20
    max_label_length: int = 64
    page_limit: int = 100
    trash: bool = False
    """What is deleted lies in a trash on the service; the provider is a `Trash` as well."""
    shelves: frozenset[Shelf] = frozenset()
    """What can be looked into beside the mailbox; then the provider is a `MailShelves` as well."""
    late_arrivals: bool = False
    """The list is ordered by a time that senders write: new mail may stand before the last page."""
    lower_case_labels: bool = False
    """Labels are kept in lower case, however they are written."""
    reserved_labels: frozenset[str] = frozenset()
    """Labels in use that are not a person's to set."""
    push: bool = False
    """The provider is a `PushSource` as well."""
    change_feed: bool = False
    """The provider is a `ChangeFeed` as well."""
    batch: int = 0
    """Most messages that one request changes; then the provider is a `BatchChanges` as well."""
    server_drafts: bool = False
    """Drafts lie on the service, where agents put them (`services.outbound.approvals`)."""


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


@runtime_checkable
class Trash(Protocol):
    """A provider from whose trash what was deleted can be brought back."""

    async def undelete_message(self, message_id: str) -> None:
        """Bring a message back; done also for one that is not in the trash. Raises ServiceError."""
        ...


@runtime_checkable
class MailShelves(Trash, Protocol):
    """A provider that can be looked into beside the mailbox. Each method raises ServiceError."""

    async def list_shelf(
        self, shelf: Shelf, *, limit: int = 100, cursor: str | None = None
    ) -> InboxPage:
        """Return about `limit` messages that lie there, newest first."""
        ...

    async def get_shelved(self, shelf: Shelf | None, message_id: str) -> FetchedMessage:
        """Return a message that lies there (on any for None); NotFound when it does not."""
        ...

    async def list_sent_in(self, thread_id: str) -> InboxPage:
        """Return what was sent in a conversation that the service names; a next page that was not
        asked for tells that there is more to it."""
        ...


@runtime_checkable
class BatchChanges(Protocol):
    """A provider that changes up to `Capabilities.batch` messages, each named once, with one request.

    Each method returns the messages that were changed, with the labels that they have now; the
    service does not have the others, or did not say so. Raises ServiceError: then none was changed,
    or, when it is uncertain, perhaps all.
    """

    async def mark_messages_read(
        self, message_ids: Sequence[str], *, is_read: bool
    ) -> Mapping[str, tuple[str, ...]]: ...

    async def archive_messages(
        self, message_ids: Sequence[str], *, archived: bool
    ) -> Mapping[str, tuple[str, ...]]: ...

    async def label_messages(
        self, message_ids: Sequence[str], *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
    ) -> Mapping[str, tuple[str, ...]]: ...

    async def delete_messages(
        self, message_ids: Sequence[str]
    ) -> Mapping[str, tuple[str, ...]]: ...


class PushSignal(Enum):
    """What a service tells by itself. Never what to show: only that there is a reason to look."""

    LISTENING = "listening"
    """From now on nothing is missed; what was before may have been."""
    CHANGED = "changed"
    """Mail came in, or something became of mail."""


@runtime_checkable
class PushSource(Protocol):
    """A provider that tells by itself when there is something new."""

    async def listen(self, tell: Callable[[PushSignal], None]) -> None:
        """Hold one connection and tell what comes, until it ends or the caller cancels.

        Raises Offline, TimedOut, BadAnswer, ServerBroken, RateLimited when it broke or could not be
        made (worth another try), SignedOut, Forbidden and NotFound when it is not to be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class RemoteChanges:
    """What others changed on messages: how these are now, and from where to go on.

    `is_complete` False: the feed does not reach back to the cursor, only a whole walk can tell.
    """

    items: tuple[InboxItem, ...]
    gone: tuple[str, ...]
    """Changed messages that the service does not show any more (probably deleted)."""
    cursor: str
    is_complete: bool = True


@runtime_checkable
class ChangeFeed(Protocol):
    """A provider that remembers which messages were changed."""

    async def list_changes(self, cursor: str) -> RemoteChanges:
        """Return what changed since `cursor` ("" for from now on); raises ServiceError."""
        ...


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
