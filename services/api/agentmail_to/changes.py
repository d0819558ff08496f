"""The log of label changes of one inbox: what others read, labelled or put into the trash.

Closes three traps. A client that walks over 100,000 messages to learn that one was read: the log
tells which messages changed, and those are asked for, in bunches. A log that does not reach back to
what was read last: it says so, and then only the walk can tell. And a message that is missing in one
answer and so taken for deleted: it is asked for by its id, 404 is the proof. Source:
api/agentmail_to.md §3, §4.2 (batch-get), §4.5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Final

from services.api.agentmail_to import codec, labels
from services.api.agentmail_to.paging import pages
from services.errors import BadAnswer, NotFound, UsageError
from services.ports import RemoteChanges
from services.wire_values import InboxItem

if TYPE_CHECKING:
    from services.api.exchange import Exchange

EVENTS: Final = 2_000
"""Events of the log that are read at most to find the place of the last time."""
BUNCH: Final = 100
"""Messages that are asked for in one request (the service takes up to 500)."""
PROBES: Final = 100
"""Messages missing in the answers that are asked for one by one."""
BEGINNING: Final = "beginning"
"""The cursor of a log that was read while it was empty; `""` is none at all."""
_LONGEST_CURSOR: Final = 256


class LabelLog:
    """Reads the label log of one inbox; a cursor is the id of the newest event that was read."""

    def __init__(self, exchange: Exchange, inbox_id: str) -> None:
        self._exchange = exchange
        self._ids = {"inbox_id": inbox_id}

    async def since(self, cursor: str) -> RemoteChanges:
        """Return what changed since a cursor; see `services.ports.ChangeFeed`."""
        newest, changed, is_complete = await self._events(cursor)
        if not cursor or not is_complete:
            return RemoteChanges((), (), newest, is_complete)
        items: list[InboxItem] = []
        gone: list[str] = []
        for bunch in _bunches(tuple(changed)):
            found, away = await self._messages(bunch)
            items += found
            gone += away
            told = {item.message_id for item in found} | set(away)
            missing = [message_id for message_id in bunch if message_id not in told]
            gone += await self._confirmed(missing)
        return RemoteChanges(tuple(items), tuple(gone), newest)

    async def _events(self, cursor: str) -> tuple[str, dict[str, None], bool]:
        """Return the newest event's id, the messages that changed, and whether that is all."""
        newest = ""
        changed: dict[str, None] = {}
        seen = 0
        async for page in pages(self._exchange, "list_inbox_events", "events", ids=self._ids):
            for entry in page:
                event_id = codec.text(entry.get("event_id"))[:_LONGEST_CURSOR]
                newest = newest or event_id
                if not cursor or event_id == cursor:
                    return newest or BEGINNING, changed, True
                if message_id := codec.text(entry.get("message_id")):
                    changed[message_id] = None
            seen += len(page)
            if seen >= EVENTS:
                return newest, {}, False
        return newest or BEGINNING, changed, cursor in ("", BEGINNING)

    async def _messages(self, bunch: Sequence[str]) -> tuple[list[InboxItem], list[str]]:
        """Return messages as they are now, and the ids of those that left the mailbox."""
        try:
            told = await self._exchange.call(
                "batch_get_messages", ids=self._ids, body={"message_ids": list(bunch)}
            )
        except UsageError:
            # An id that cannot be asked for: the walk comes to it.
            return [], []
        items: list[InboxItem] = []
        away: list[str] = []
        for entry in codec.entries(told, "messages")[0]:
            message_id = codec.text(entry.get("message_id"))
            if message_id not in bunch:
                continue
            if not labels.is_in_mailbox(codec.labels_of(entry)):
                away.append(message_id)
                continue
            items.append(codec.inbox_item(entry))
        return items, away

    async def _confirmed(self, missing: Sequence[str]) -> list[str]:
        return [one for one in missing[:PROBES] if await self._is_gone(one)]

    async def _is_gone(self, message_id: str) -> bool:
        try:
            await self._exchange.call("get_message", ids={**self._ids, "message_id": message_id})
        except NotFound:
            return True
        except (BadAnswer, UsageError):
            return False
        return False


def _bunches(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    rest = iter(ids)
    while bunch := tuple(islice(rest, BUNCH)):
        yield bunch
