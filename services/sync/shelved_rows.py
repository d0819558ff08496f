"""List rows of mail that lies beside the mailbox, made of what the service tells and not kept.

Closes the trap of the agent's own mail shown as if it came from somebody: of what was sent a row tells
whom it went to, and warns of no sender.
"""

from __future__ import annotations

from services.addresses import parse_mailbox, parse_mailboxes
from services.models import MessageRow, RowFlag
from services.safe_text import SafeText, clean_address, clean_line, phrase, ui
from services.shelves import Shelf
from services.wire_values import InboxItem

_NOBODY_NAMED = ui("nobody that is named")


def shelved_row(shelf: Shelf, item: InboxItem) -> MessageRow:
    """Return the row of a message of a shelf."""
    sender, address = _sent_to(item) if shelf is Shelf.SENT else _came_from(item)
    return MessageRow(
        message_id=item.message_id,
        flags=_flags(shelf, item),
        received_at=item.received_at,
        sender=sender,
        address=address,
        subject=clean_line(item.subject),
        preview=clean_line(item.body_preview),
        attachments=item.attachment_count,
        labels=tuple(map(clean_line, item.labels)),
    )


def _came_from(item: InboxItem) -> tuple[SafeText, SafeText]:
    sender = parse_mailbox(item.sender)
    return clean_line(sender.name or sender.address), clean_address(sender.address)


def _sent_to(item: InboxItem) -> tuple[SafeText, SafeText]:
    recipients = clean_line(item.recipient) or _NOBODY_NAMED
    # Addresses: whoever sends chooses the names.
    named = (one.address or one.name for one in parse_mailboxes(item.recipient))
    return phrase("to {}", clean_line(", ".join(named)) or recipients), recipients


def _flags(shelf: Shelf, item: InboxItem) -> RowFlag:
    flags = RowFlag(0)
    is_sent = shelf is Shelf.SENT
    for flag, is_set in (
        (RowFlag.UNREAD, not item.is_read and not is_sent),
        (RowFlag.ARCHIVED, item.archived),
        (RowFlag.VERIFIED, item.sender_verified or is_sent),
        (RowFlag.ENCRYPTED, item.encrypted),
        (RowFlag.ATTACHMENTS, item.attachment_count > 0),
    ):
        flags |= flag if is_set else RowFlag(0)
    return flags
