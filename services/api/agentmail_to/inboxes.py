"""The inboxes that a key of AgentMail.to reaches, and which addresses are our own.

Closes two traps. An inbox beyond the first page that nobody sees: pages are followed by their token
to the end, empty ones too. And a mail taken for internal because it only looks like it: our own are
exactly the addresses that the service has just listed for this key; a list that is too old to be
believed, and cannot be asked for again, says nothing at all. Source: api/agentmail_to.md §3, §4.1,
§13 rule 5.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.api.agentmail_to import codec
from services.api.agentmail_to.paging import pages
from services.errors import UsageError
from services.policy_config import is_plain_address

if TYPE_CHECKING:
    from services.api.agentmail_to.door import Identity, V0Door

FRESH: Final = 300.0
"""Seconds for which a list of the own inboxes is believed."""
SHORTEST_SEARCH: Final = 2
LONGEST_SEARCH: Final = 256


@dataclass(frozen=True, slots=True)
class RemoteInbox:
    """One inbox as the service tells it; texts are raw."""

    inbox_id: str
    """Its id in paths, which is its address."""
    address: str
    display_name: str = ""
    is_paused: bool = False


class Inboxes:
    """Asks for the inboxes of the key of `door`, which stays the caller's."""

    def __init__(self, door: V0Door) -> None:
        self._door = door

    async def identity(self) -> Identity:
        """Return what the key reaches; raises ServiceError, SignedOut for one that is not known."""
        return await self._door.identity()

    async def all(self) -> tuple[RemoteInbox, ...]:
        """Return all inboxes of the key, every page of them, each once; raises ServiceError."""
        return await self._read("list_inboxes", {"ascending": True})

    async def search(self, words: str) -> tuple[RemoteInbox, ...]:
        """Return the inboxes whose address or name has these beginnings of words.

        2 to 256 characters, else UsageError; raises ServiceError.
        """
        query = words.strip()
        if not SHORTEST_SEARCH <= len(query) <= LONGEST_SEARCH:
            raise UsageError(
                f"Type {SHORTEST_SEARCH} to {LONGEST_SEARCH} characters to search for an inbox."
            )
        return await self._read("search_inboxes", {"q": query})

    async def _read(self, name: str, query: Mapping[str, object]) -> tuple[RemoteInbox, ...]:
        found: dict[str, RemoteInbox] = {}
        async for entries in pages(self._door.exchange, name, "inboxes", query=query):
            for entry in entries:
                inbox = _inbox(entry)
                if inbox is not None:
                    found.setdefault(inbox.inbox_id, inbox)
        return tuple(found.values())


class OwnAddresses:
    """The addresses of the key's inboxes, for the gate: exact ones, no suffixes, no guesses."""

    def __init__(
        self, inboxes: Inboxes, clock: Callable[[], float] = time.monotonic, age: float = FRESH
    ) -> None:
        self._inboxes = inboxes
        self._clock = clock
        self._age = age
        self._known: frozenset[str] = frozenset()
        self._until: float | None = None
        self._asking = asyncio.Lock()

    async def addresses(self) -> frozenset[str]:
        """Return the own addresses in lower case, at most `age` seconds old.

        Raises ServiceError when they cannot be known now: an old list is not answered with.
        """
        async with self._asking:
            now = self._clock()
            if self._until is None or not now < self._until <= now + self._age:
                self._until = None
                listed = await self._inboxes.all()
                self._known = frozenset(inbox.address.casefold() for inbox in listed)
                self._until = now + self._age
            return self._known

    def forget(self) -> None:
        """Ask again next time: an inbox was made or deleted."""
        self._until = None


def _inbox(entry: codec.Fields) -> RemoteInbox | None:
    """Return an inbox, None for an entry whose id is no plain address."""
    inbox_id = codec.text(entry.get("inbox_id"))
    address = codec.text(entry.get("email")) or inbox_id
    if not inbox_id or not is_plain_address(address):
        return None
    return RemoteInbox(
        inbox_id, address, codec.text(entry.get("display_name")), entry.get("status") == "paused"
    )
