"""What an account's engine tells, as it is told where several accounts are shown as one.

Closes the trap of an answer whose message belongs to another account: ids leave here qualified, and
what names no message says whose it is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from services.events import (
    Event,
    KeyEvent,
    MessageOpened,
    Notice,
    RawRead,
    RequestFailed,
    SearchAnswered,
    ShelfEvent,
    TransferEvent,
)
from services.safe_text import SafeText, clean_line, phrase
from services.unified.ids import join_id

if TYPE_CHECKING:
    from services.models import MessageRow
    from services.shelf_events import ShelfListed
    from services.transfer_models import TransferRow


def addressed(account: str, event: Event) -> Event:
    """Return an event of one account's engine with qualified ids, and told whose it is."""
    match event:
        case MessageOpened() | RawRead():
            return replace(event, message_id=join_id(account, event.message_id))
        case SearchAnswered():
            found = tuple(join_id(account, one) for one in event.message_ids)
            return replace(event, message_ids=found, sent=_of_account(account, event.sent))
        case Notice():
            return replace(event, sentence=named(account, event.sentence), account=account)
        case RequestFailed():
            message_id = join_id(account, event.message_id) if event.message_id else ""
            sentence = named(account, event.sentence)
            return replace(event, sentence=sentence, message_id=message_id, account=account)
        case KeyEvent():
            return _of_keys(account, event)
        case TransferEvent():
            return _of_files(account, event)
        case ShelfEvent():
            return _of_shelf(account, event)
        case _:
            return event


def named(account: str, sentence: SafeText) -> SafeText:
    """Return a sentence that says which account it is about."""
    return phrase("{}: {}", clean_line(account), sentence)


def transfer_row(account: str, row: TransferRow) -> TransferRow:
    """Return the row of a file on its way with a qualified id."""
    return replace(row, transfer_id=join_id(account, row.transfer_id), account=account)


def _of_keys(account: str, event: KeyEvent) -> KeyEvent:
    from services import key_events as ev

    match event:
        case (
            ev.KeysChanged()
            | ev.KeyWork()
            | ev.KeyWorkDone()
            | ev.WrongPassphrase()
            | ev.DirectoryConflict()
        ):
            return replace(event, account=account)
        case _:
            return event


def _of_shelf(account: str, event: ShelfEvent) -> ShelfEvent:
    from services import shelf_events as ev

    match event:
        case ev.ShelfListed():
            return replace(event, rows=shelf_rows(account, event))
        case ev.ShelvedRead() | ev.ShelvedRaw() | ev.TrashRestored():
            return replace(event, message_id=join_id(account, event.message_id))
        case ev.ShelvesCounted():
            return replace(event, account=account)
        case _:
            return event


def shelf_rows(account: str, listed: ShelfListed) -> tuple[MessageRow, ...]:
    """Return the rows of an account's shelf with qualified ids, and told whose they are."""
    return _of_account(account, listed.rows)


def _of_account(account: str, rows: tuple[MessageRow, ...]) -> tuple[MessageRow, ...]:
    return tuple(
        replace(row, message_id=join_id(account, row.message_id), account=account) for row in rows
    )


def _of_files(account: str, event: TransferEvent) -> TransferEvent:
    from services import transfer_events as ev

    match event:
        case ev.FileMoved() | ev.FilesSaved():
            return replace(event, message_id=join_id(account, event.message_id))
        case ev.SavingNeedsKey():
            asked = event.request
            rows = tuple(join_id(account, one) for one in asked.transfer_ids)
            message_id = join_id(account, asked.message_id)
            again = replace(asked, message_id=message_id, transfer_ids=rows)
            return replace(event, request=again)
        case ev.TransferMoved():
            return ev.TransferMoved(transfer_row(account, event.row))
        case ev.TransfersListed():
            return replace(event, rows=tuple(transfer_row(account, row) for row in event.rows))
        case _:
            return event
