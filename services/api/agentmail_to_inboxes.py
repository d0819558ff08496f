"""The inboxes that a key of AgentMail.to reaches, and whose address is one of our own.

Closes two traps. An inbox beyond the first page that nobody sees: pages are followed by their token
to the end, empty ones too. And a mail taken for internal because it only looks like it: our own are
exactly the addresses that the service has just listed for this key; a list that is too old to be
believed, and cannot be asked for again, says nothing at all. Source: api/agentmail_to.md §3, §4.1,
§13 rule 5.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.api.exchange import Exchange

FRESH: Final = 300.0
"""Seconds for which a list of the own inboxes is believed."""
SHORTEST_SEARCH: Final = 2
LONGEST_SEARCH: Final = 256


@dataclass(frozen=True, slots=True)
class KeyScope:
    """What a key reaches: `kind` is `organization`, `pod`, `inbox`, or a word of tomorrow."""

    kind: str
    scope_id: str
    inbox_id: str = ""
    """The only inbox of a key that is bound to one; "" otherwise."""


@dataclass(frozen=True, slots=True)
class RemoteInbox:
    """One inbox as the service tells it; texts are raw."""

    inbox_id: str
    """Its id in paths, which is its address."""
    address: str
    display_name: str = ""
    is_paused: bool = False


class Inboxes:
    """Asks for the inboxes of the key that `exchange` calls with."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def scope(self) -> KeyScope:
        """Return what the key reaches; raises ServiceError."""
        raise NotImplementedError

    async def all(self) -> tuple[RemoteInbox, ...]:
        """Return all inboxes of the key, every page of them; raises ServiceError."""
        raise NotImplementedError

    async def search(self, words: str) -> tuple[RemoteInbox, ...]:
        """Return the inboxes whose address or name has these beginnings of words.

        2 to 256 characters, else UsageError; raises ServiceError.
        """
        raise NotImplementedError


class OwnAddresses:
    """The addresses of the key's inboxes, for the gate: exact ones, no suffixes, no guesses."""

    def __init__(
        self, inboxes: Inboxes, clock: Callable[[], float] = time.monotonic, age: float = FRESH
    ) -> None:
        self._inboxes = inboxes
        self._clock = clock
        self._age = age
        self._known: frozenset[str] = frozenset()
        self._asked_at: float | None = None
        self._asking = asyncio.Lock()

    async def addresses(self) -> frozenset[str]:
        """Return the own addresses, case-folded; raises ServiceError when they cannot be known."""
        raise NotImplementedError

    def forget(self) -> None:
        """Ask again next time: an inbox was made or deleted."""
        self._asked_at = None
