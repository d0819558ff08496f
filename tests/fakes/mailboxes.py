"""Short words for tests about one mailbox over a `FakeProvider`."""

from __future__ import annotations

from collections.abc import Callable

from services.models import RowFlag
from services.sync.mailbox import Mailbox
from services.wire_values import InboxItem
from tests.fakes.fake_provider import FakeProvider, items


async def started(
    start: Callable[[FakeProvider], Mailbox], count: int = 5, **fields: object
) -> tuple[Mailbox, FakeProvider]:
    """A mailbox that has synced `count` messages."""
    provider = FakeProvider(items(count, **fields))
    mailbox = start(provider)
    await mailbox.sync()
    return mailbox, provider


def shown(mailbox: Mailbox, message_id: str = "m0") -> InboxItem | None:
    """A message as the cache has it."""
    return mailbox.store.item(message_id)


def is_pending(mailbox: Mailbox, message_id: str = "m0") -> bool:
    """Whether the list shows that a change of the message waits."""
    row = mailbox.snapshot.row_of(message_id)
    return row is not None and RowFlag.PENDING in row.flags
