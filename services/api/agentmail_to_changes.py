"""The log of label changes of one inbox: what others read, labelled or put into the trash.

Closes the trap of a client that walks over 100,000 messages to learn that one was read: the log tells
which messages changed, and those are asked for, in bunches. A log that does not reach back to what was
read last says so, and then only the walk can tell. Source: api/agentmail_to.md §3, §4.5.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.ports import RemoteChanges

if TYPE_CHECKING:
    from services.api.exchange import Exchange

PAGES: Final = 20
"""Pages of the log that are read at most to find the place of the last time."""
BUNCH: Final = 100
"""Messages that are asked for in one request (the service takes up to 500)."""


class LabelLog:
    """Reads the label log of one inbox; `cursor` is the id of the newest event that was read."""

    def __init__(self, exchange: Exchange, inbox_id: str) -> None:
        self._exchange = exchange
        self._inbox_id = inbox_id

    async def since(self, cursor: str) -> RemoteChanges:
        """Return what changed since a cursor; see `services.ports.ChangeFeed`."""
        raise NotImplementedError
