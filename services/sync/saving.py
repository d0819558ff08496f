"""What saving files needs of a mailbox: its service, its keys, its folder, its senders.

Loaded with the first file that is saved. Closes the trap of a signature judged by what a mail says
of itself: the sender's address comes from the inbox entry.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from services.addresses import parse_mailbox
from services.attachments.board import Board
from services.attachments.desk import TransferDesk
from services.events import Event
from services.sync.mailbox import Mailbox

ARRIVING: Final = "arriving"
"""The folder beside the cache in which downloads grow."""


def transfer_desk(mailbox: Mailbox, emit: Callable[[Event], None], board: Board) -> TransferDesk:
    """Return the desk that saves files of a mailbox's messages and reports them to a board."""
    return TransferDesk(
        provider=lambda: mailbox.provider,
        emit=emit,
        staging=mailbox.store.folder / ARRIVING,
        keys=mailbox.keychain.get,
        sender_of=lambda message_id: sender_of(mailbox, message_id),
        inside=mailbox.inside_file,
        board=board,
    )


def sender_of(mailbox: Mailbox, message_id: str) -> str:
    """Return the address that a message came from as the service tells it, "" when unknown."""
    item = mailbox.store.item(message_id)
    return "" if item is None else parse_mailbox(item.sender).address
