"""What outbound work borrows of whoever runs it: an engine's session, or a command-line verb.

Closes the trap of an outbox that opens a second connection and a second set of unlocked keys beside
those of the mailbox: both are lent, and asked for as late as possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.keys.keychain import Keychain
    from services.ports import MailProvider
    from services.shown_mail import RenderedMessage
    from services.transfer_models import TransferBoard
    from services.wire_values import InboundAttachment, InboxItem


@dataclass(frozen=True, slots=True)
class Original:
    """A mail that is answered: its inbox entry, its raw MIME (b"" if it is not at hand), its text."""

    item: InboxItem
    raw: bytes
    message: RenderedMessage
    served: tuple[InboundAttachment, ...] = ()
    """The files that the service hands out for it."""
    is_sent: bool = False
    """It was sent from this account, as its service says, whatever its header names as sender."""

    @property
    def was_encrypted(self) -> bool:
        """Its text travelled encrypted, whether it could be opened here or not."""
        return self.message.encrypted or self.item.encrypted


class Correspondence(Protocol):
    """The cached mail that is answered and quoted."""

    @property
    def snapshot(self) -> MailSnapshot:
        """The latest picture of the mailbox; it may be read on any thread."""
        ...

    async def original(self, message_id: str) -> Original:
        """Return a message that came in or was sent from here, decrypted when its key is unlocked.

        Raises NotFound when it is neither, ServiceError when it must be fetched and cannot be,
        RenderError.
        """
        ...

    async def part(self, message_id: str, number: int) -> tuple[str, bytes] | None:
        """Return name (raw) and content of a file inside of the raw mail, as the reader counts them.

        None when there is no such file or not all of it; raises as `original`.
        """
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
