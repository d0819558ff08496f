"""Requests that carry changes: for one message, or for many where the service has such a request.

Closes two traps. A hundred requests for one key press, which a service answers with 429. And one
message that the service cannot take, or that makes it stumble, and that holds up the forty-nine that
travel with it: what fails together is tried again in halves, down to one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from services.errors import BadAnswer, MailError, NotFound, Rejected, ServerBroken, UsageError
from services.ports import BatchChanges, MailProvider
from services.sync.edits import Edit, EditKind
from services.sync.journal import Row

Told = Mapping[str, tuple[str, ...]]
"""The messages that the service changed, with the labels that it tells (empty: untold)."""


async def send_edit(provider: MailProvider, message_id: str, edit: Edit) -> tuple[str, ...]:
    """Send one operation; return the labels that the service tells, empty when it tells none."""
    match edit.kind:
        case EditKind.READ:
            await provider.patch_message_read(message_id, is_read=edit.value)
        case EditKind.ARCHIVE:
            await provider.patch_message_archive(message_id, archived=edit.value)
        case EditKind.LABELS:
            return await provider.patch_message_labels(message_id, add=edit.add, remove=edit.remove)
        case EditKind.DELETE:
            await provider.delete_message(message_id)
    return ()


async def send_together(provider: MailProvider, ids: Sequence[str], edit: Edit) -> Told:
    """Send one operation for several messages; raises as `send_edit`, then for all of them."""
    if not isinstance(provider, BatchChanges):
        raise BadAnswer("This service changes one message at a time.")
    match edit.kind:
        case EditKind.READ:
            told = await provider.mark_messages_read(ids, is_read=edit.value)
        case EditKind.ARCHIVE:
            told = await provider.archive_messages(ids, archived=edit.value)
        case EditKind.DELETE:
            told = await provider.delete_messages(ids)
        case EditKind.LABELS:
            return await provider.label_messages(ids, add=edit.add, remove=edit.remove)
    return dict.fromkeys(told, ())


async def send_to_all(
    provider: MailProvider, ids: Sequence[str], edit: Edit
) -> dict[str, NotFound]:
    """Send one operation for any number of messages, past the journal; return those not there.

    Raises MailError; what was changed until then is changed.
    """
    ids, size = tuple(dict.fromkeys(ids)), max(1, provider.capabilities.batch)
    gone: dict[str, NotFound] = {}
    for start in range(0, len(ids), size):
        group = ids[start : start + size]
        told: Told = {}
        if len(group) > 1:
            # What is refused for all may be the fault of one: then each is asked about alone.
            with suppress(Rejected, NotFound, UsageError):
                told = await send_together(provider, group, edit)
        for message_id in group:
            if message_id in told:
                continue
            try:
                await send_edit(provider, message_id, edit)
            except NotFound as error:
                gone[message_id] = error
    return gone


class Batches:
    """Which rows travel together, and which had better not."""

    def __init__(self) -> None:
        self._most: dict[str, int] = {}

    def together(
        self, provider: MailProvider | None, first: Row, others: Iterable[Row]
    ) -> tuple[Row, ...]:
        """Return `first` and those of the others that say the same, as many as may travel with it.

        `others` are of other messages, each the next one of its message; they are read no further
        than needed.
        """
        rows = [first]
        room = self._room(provider, first)
        if room > 1:
            for row in others:
                if row.edit == first.edit and (own := self._room(provider, row)) > len(rows):
                    rows.append(row)
                    room = min(room, own)
                if len(rows) >= room:
                    break
        return tuple(rows)

    def _room(self, provider: MailProvider | None, row: Row) -> int:
        limit = provider.capabilities.batch if provider is not None else 0
        return max(1, min(limit, self._most.get(row.message_id, limit)))

    def halve(self, rows: Sequence[Row]) -> None:
        """From now on these travel in smaller groups."""
        for row in rows:
            self._most[row.message_id] = max(1, len(rows) // 2)

    def part(self, rows: Iterable[Row]) -> None:
        """From now on these travel alone."""
        self._most.update((row.message_id, 1) for row in rows)

    def settled(self, message_id: str) -> None:
        """The service has answered about a message: nothing more is held against it."""
        self._most.pop(message_id, None)


def is_about_one(error: MailError) -> bool:
    """Tell whether one of several messages may be why the service stumbled."""
    return isinstance(error, BadAnswer | ServerBroken)
