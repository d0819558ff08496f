"""The in-memory mail service of `fake_provider`, with a request that changes many messages at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from services.wire_values import InboxItem
from tests.fakes.fake_provider import FakeProvider


class FakeBatchProvider(FakeProvider):
    """A `BatchChanges`; the operations are named `batch_read` … and "m1 m2" in `requests`."""

    def __init__(
        self,
        content: Iterable[InboxItem] = (),
        *,
        page: int = 100,
        cursors: str = "keyset",
        batch: int = 50,
    ) -> None:
        super().__init__(content, page=page, cursors=cursors)
        self.capabilities = replace(self.capabilities, batch=batch)
        self.unnamed: set[str] = set()
        """Messages that answers leave out although they were changed."""

    async def mark_messages_read(
        self, message_ids: Sequence[str], *, is_read: bool
    ) -> dict[str, tuple[str, ...]]:
        def mark(message_id: str) -> None:
            self.change(message_id, is_read=is_read)

        return await self._batch("batch_read", message_ids, mark)

    async def archive_messages(
        self, message_ids: Sequence[str], *, archived: bool
    ) -> dict[str, tuple[str, ...]]:
        def archive(message_id: str) -> None:
            self.change(message_id, archived=archived)

        return await self._batch("batch_archive", message_ids, archive)

    async def label_messages(
        self, message_ids: Sequence[str], *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
    ) -> dict[str, tuple[str, ...]]:
        def relabel(message_id: str) -> None:
            kept = [one for one in self.content[message_id].labels if one not in remove]
            self.change(message_id, labels=tuple(dict.fromkeys([*kept, *add])))

        return await self._batch("batch_labels", message_ids, relabel)

    async def delete_messages(self, message_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        return await self._batch("batch_delete", message_ids, self.lose)

    async def _batch(
        self, operation: str, ids: Sequence[str], work: Callable[[str], None]
    ) -> dict[str, tuple[str, ...]]:
        assert 1 < len(ids) <= self.capabilities.batch
        assert len(set(ids)) == len(ids)
        await self._enter(operation, " ".join(ids))
        found = [message_id for message_id in ids if message_id in self.content]
        before = self.content
        for message_id in found:
            work(message_id)
        told = {**before, **self.content}
        await self.after(operation)
        return {one: told[one].labels for one in found if one not in self.unnamed}
