"""What outbound work borrows of whoever runs it: an engine's session, or a command-line verb.

Closes the trap of an outbox that opens a second connection and a second set of unlocked keys beside
those of the mailbox: both are lent, and asked for as late as possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.keys.keychain import Keychain
    from services.ports import MailProvider
    from services.shown_mail import RenderedMessage
    from services.transfer_models import TransferBoard
    from services.wire_values import InboundAttachment, InboxItem


class Correspondence(Protocol):
    """The cached mail that is answered and quoted."""

    @property
    def snapshot(self) -> MailSnapshot:
        """The latest picture of the mailbox; it may be read on any thread."""
        ...

    def item(self, message_id: str) -> InboxItem | None:
        """Return a message as the inbox tells it; on the loop only."""
        ...

    async def raw_mail(self, message_id: str) -> bytes:
        """Return a message as received; raises ServiceError when it must be fetched and cannot."""
        ...

    async def served_files(self, message_id: str) -> tuple[InboundAttachment, ...]:
        """Return what files the service hands out for a message; raises as `raw_mail`."""
        ...

    async def part(self, message_id: str, number: int) -> tuple[str, bytes] | None:
        """Return name (raw) and content of a file inside of the raw mail, as the reader counts them.

        None when there is no such file or not all of it; raises as `raw_mail`, and RenderError.
        """
        ...

    async def shown_mail(self, message_id: str) -> RenderedMessage:
        """Return a message as safe text, decrypted when its key is unlocked."""
        ...


class Lender(Protocol):
    """Lends what an office needs besides its own files."""

    @property
    def mail(self) -> Correspondence | None:
        """The mailbox, or None where there is none at hand."""
        ...

    @property
    def board(self) -> TransferBoard | None:
        """Where uploads are shown, or None."""
        ...

    async def provider(self) -> MailProvider:
        """Return the mail service as it is connected now; Offline or SignedOut when it is not."""
        ...

    async def keychain(self) -> Keychain:
        """Return the account's keys; CryptoError or ConfigError when there are none to be had."""
        ...
