"""Whom a request is for: one account, several, all, or the desk that answers for all together.

Closes the trap of a request that reaches the wrong mailbox: what names messages or files goes where
their ids say, and nowhere else; what names none goes where `ForAccount` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast

from services.errors import NotFound
from services.events import KeyRequest, OutboundRequest, ShelfRequest, TransferRequest
from services.requests import (
    Archive,
    ChangeLabels,
    Delete,
    FindConversation,
    ForAccount,
    MarkRead,
    OpenMessage,
    OwnRequest,
    PrepareSearch,
    ReadRaw,
    Refresh,
    Request,
    SearchServer,
    Undo,
)
from services.unified.ids import by_account, split_id

Parts: TypeAlias = Mapping[str, OwnRequest]
"""What each account is asked, with ids of its own."""


class Router:
    """Takes requests apart; `accounts` are all there are, the first is the default one."""

    def __init__(self, accounts: tuple[str, ...]) -> None:
        self._accounts = accounts

    def parts(self, request: Request) -> Parts | None:
        """Return what each account is asked; None for what is answered for all together.

        Raises NotFound for an account that there is not.
        """
        account = ""
        if isinstance(request, ForAccount):
            account, request = self._known(request.account), request.request
        match request:
            case MarkRead() | ChangeLabels() | Archive() | Delete() | OutboundRequest():
                return None
            case Undo() | SearchServer() if not account:
                return None
            case OpenMessage() | ReadRaw() | FindConversation():
                account, own_id = split_id(request.message_id)
                return {self._known(account): replace(request, message_id=own_id)}
            case Refresh() | PrepareSearch() if not account:
                return dict.fromkeys(self._accounts, request)
            case TransferRequest():
                return self._of_files(account, request)
            case KeyRequest():
                return self._of_keys(account, request)
            case ShelfRequest():
                return self._of_shelf(account, request)
            case _:
                return {account: request}

    def for_all(self, request: Request) -> OwnRequest:
        """Return a request as it is answered for all together, with the account that it is for.

        For what is written the message that is answered tells it, else `ForAccount`; "" is the
        default one.
        """
        account = ""
        if isinstance(request, ForAccount):
            account, request = self._known(request.account), request.request
        if not isinstance(request, OutboundRequest):
            return request
        from services.outbound_events import BeginDraft

        if isinstance(request, BeginDraft) and request.message_id:
            account, own_id = split_id(request.message_id)
            return replace(request, message_id=own_id, account=self._known(account))
        if account and getattr(request, "account", account) == "":
            return _for(account, request)
        return request

    def _of_keys(self, account: str, request: KeyRequest) -> Parts:
        from services.key_events import LockKeys, ReadAhead

        if isinstance(request, ReadAhead):
            found = by_account(request.message_ids)
            return {self._known(name): ReadAhead(ids) for name, ids in found.items()}
        if isinstance(request, LockKeys) and not account:
            # Whoever locks and leaves means all of them.
            return dict.fromkeys(self._accounts, request)
        return {account or self._accounts[0]: request}

    def _of_shelf(self, account: str, request: ShelfRequest) -> Parts | None:
        from services.shelf_events import ReadShelved, ReadShelvedRaw, RestoreTrashed

        if isinstance(request, ReadShelved | ReadShelvedRaw | RestoreTrashed):
            account, own_id = split_id(request.message_id)
            return {self._known(account): replace(request, message_id=own_id)}
        return {account: request} if account else None

    def _of_files(self, account: str, request: TransferRequest) -> Parts | None:
        from services import transfer_events as ev

        match request:
            case ev.SaveAttachments():
                account, own_id = split_id(request.message_id)
                rows = tuple(split_id(one)[1] for one in request.transfer_ids)
                own = replace(request, message_id=own_id, transfer_ids=rows)
                return {self._known(account): own}
            case ev.OpenSavedFile():
                account, own_id = split_id(request.transfer_id)
                return {self._known(account): ev.OpenSavedFile(own_id)}
            case ev.RetryTransfers():
                found = by_account(request.transfer_ids)
                return {self._known(name): ev.RetryTransfers(ids) for name, ids in found.items()}
            case ev.CancelTransfers():
                return self._cancelled(account, request.request_ids, request.transfer_ids)
            case _:
                return {account: request} if account else None

    def _cancelled(
        self, account: str, request_ids: tuple[int, ...], transfer_ids: tuple[str, ...]
    ) -> Parts:
        from services.transfer_events import CancelTransfers

        found = by_account(transfer_ids)
        if request_ids or not transfer_ids:
            # Nobody knows any more which account a request went to; its number is used once only.
            names = (account,) if account else self._accounts
        else:
            names = tuple(map(self._known, found))
        return {name: CancelTransfers(request_ids, found.get(name, ())) for name in names}

    def _known(self, account: str) -> str:
        if account not in self._accounts:
            raise NotFound("There is no such account here any more.", "Choose another message.")
        return account


def _for(account: str, request: OutboundRequest) -> OutboundRequest:
    # Each that has the field is a dataclass; the base class cannot say so.
    named: OutboundRequest = replace(cast("Any", request), account=account)
    return named
