"""Who may write to an inbox, and whom it may write to: allow and block lists (§4.5).

Closes the trap of lists that the operator cannot see: they decide which mail is dropped, marked
`blocked`, or not carried at all. A list of the inbox goes before one of the organization, and a
block beats an allowance.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import Enum

from services.api.agentmail_to import codec
from services.api.agentmail_to.paging import pages
from services.api.exchange import Exchange
from services.errors import BadAnswer, NotFound


class Direction(Enum):
    """Which mail a list is about."""

    SEND = "send"
    """Where the inbox may write to; an allow list that is not empty forbids everything else."""
    RECEIVE = "receive"
    """Mail that comes in, answers aside."""
    REPLY = "reply"
    """Answers that come in."""


class ListKind(Enum):
    """What a list does to those on it."""

    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """An address or a domain on a list; all strings are the service's and not fit for a widget."""

    entry: str
    direction: Direction
    kind: ListKind
    reason: str = ""
    is_domain: bool = False
    is_read_only: bool = False


class SenderLists:
    """The lists of one inbox; with `inbox_id` "" those of the organization."""

    def __init__(self, exchange: Exchange, inbox_id: str = "") -> None:
        self._exchange = exchange
        self._scope = {"inbox_id": inbox_id} if inbox_id else {}
        self._names = (
            ("list_entries", "create_entry", "delete_entry")
            if inbox_id
            else (
                "list_organization_entries",
                "create_organization_entry",
                "delete_organization_entry",
            )
        )

    async def entries(self, direction: Direction, kind: ListKind) -> tuple[ListEntry, ...]:
        """Return all entries of a list, in the service's order."""
        return tuple([entry async for entry in self._entries(direction, kind)])

    async def add(
        self, direction: Direction, kind: ListKind, entry: str, reason: str = ""
    ) -> ListEntry:
        """Put an address or a domain on a list; UsageError for what cannot be one."""
        body = {"entry": entry.strip().lower(), "reason": reason or None}
        name, ids = self._names[1], self._ids(direction, kind)
        data = await self._exchange.call(name, ids=ids, body=body)
        return _entry(data, direction, kind)

    async def remove(self, direction: Direction, kind: ListKind, entry: str) -> bool:
        """Take an entry off a list; False when it was not there."""
        ids = {**self._ids(direction, kind), "entry": entry.strip().lower()}
        try:
            await self._exchange.call(self._names[2], ids=ids)
        except NotFound as error:
            # After a lost answer, "not there" is what a removal that worked looks like.
            return error.uncertain
        return True

    async def _entries(self, direction: Direction, kind: ListKind) -> AsyncIterator[ListEntry]:
        ids = self._ids(direction, kind)
        async for found in pages(self._exchange, self._names[0], "entries", ids=ids):
            for data in found:
                yield _entry(data, direction, kind)

    def _ids(self, direction: Direction, kind: ListKind) -> dict[str, str]:
        return {**self._scope, "direction": direction.value, "type": kind.value}


def _entry(data: object, direction: Direction, kind: ListKind) -> ListEntry:
    fields = codec.mapping(data, "an entry of a list")
    entry = codec.text(fields.get("entry"))
    if not entry:
        raise BadAnswer("The service sent an entry of a list without its address.")
    return ListEntry(
        entry,
        direction,
        kind,
        codec.text(fields.get("reason")),
        fields.get("entry_type") == "domain",
        fields.get("read_only") is True,
    )
