"""A mailbox over the real door: many changes are few requests, and both sides agree afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.sync.batches import send_to_all
from services.sync.edits import Edit, EditKind
from services.sync.mailbox import Mailbox
from tests.fakes.fake_provider import QUICK
from tests.fakes.no_wait_disk import FakeDisk
from tests.services.api.agentmail_to.v0_inbox import fill, server_labels

COUNT = 130


@pytest.fixture
def make(client, tmp_path: Path) -> Iterator[Callable[[], Mailbox]]:
    stores: list[MailStore] = []

    def open_mailbox() -> Mailbox:
        while stores:
            stores.pop().close()
        stores.append(MailStore.open(tmp_path / "account", ops=FakeDisk()))
        return Mailbox(stores[-1], client, None, pace=QUICK)

    yield open_mailbox
    stores.pop().close()


def changing(asked) -> list[str]:
    """The operations that changed something, without `v0_`."""
    told = (one["operation"].removeprefix("v0_") for one in asked())
    return [name for name in told if name in {"batch_update_messages", "update_message"}]


async def test_five_hundred_marks_are_ten_requests(client, v0, org, asked, make) -> None:
    fill(v0, org.one, 500)
    mailbox = make()
    await mailbox.sync()
    assert await mailbox.mark_read(mailbox.store.ids(), True) == 500
    await mailbox.flush()
    assert changing(asked) == ["batch_update_messages"] * 10
    assert await client.get_unread_count() == 0
    assert mailbox.waiting == 0


async def test_every_kind_of_change_and_its_undo_arrive(client, v0, org, asked, make) -> None:
    ids = fill(v0, org.one, COUNT)
    mailbox = make()
    await mailbox.sync()
    edits = [
        Edit(EditKind.READ),
        Edit(EditKind.LABELS, add=("Lot",)),
        Edit(EditKind.ARCHIVE),
    ]
    for edit in edits:
        assert await mailbox.change(ids, edit) == COUNT
    await mailbox.flush()
    assert server_labels(v0, org, ids[0]) == {"received", "read", "lot", "archived"}
    shown = mailbox.store.item(ids[0])
    assert shown is not None
    assert (shown.is_read, shown.archived, shown.labels) == (True, True, ("lot",))
    for _ in edits:
        assert await mailbox.undo() is not None
    await mailbox.flush()
    assert server_labels(v0, org, ids[-1]) == {"received", "unread"}
    assert changing(asked) == ["batch_update_messages"] * 3 * 2 * len(edits)
    outcome = await mailbox.sync(full=True)
    assert (outcome.changed, outcome.removed) == (0, 0)


async def test_what_goes_to_the_trash_in_one_request_comes_back(v0, org, asked, make) -> None:
    ids = fill(v0, org.one, 5)
    mailbox = make()
    await mailbox.sync()
    await mailbox.delete(ids)
    await mailbox.flush()
    assert changing(asked) == ["batch_update_messages"]
    assert "trash" in server_labels(v0, org, ids[0])
    undone = await mailbox.undo()
    assert undone is not None
    assert undone.restored == 5
    assert server_labels(v0, org, ids[0]) == {"received", "unread"}


async def test_one_that_was_deleted_elsewhere_is_told_and_the_others_are_done(
    client, v0, org, asked, make
) -> None:
    ids = fill(v0, org.one, 30)
    mailbox = make()
    await mailbox.sync()
    await client.call("delete_message", ids={"message_id": ids[7]})
    await mailbox.mark_read(ids, True)
    flushed = await mailbox.flush()
    assert [(one.message_id, one.gone) for one in flushed.refused] == [(ids[7], True)]
    assert flushed.sent == 29
    assert changing(asked) == ["batch_update_messages", "update_message"]
    assert await client.get_unread_count() == 0
    assert mailbox.store.item(ids[7]) is None


async def test_a_script_without_a_cache_changes_many_with_few_requests_too(
    client, v0, org, asked
) -> None:
    ids = fill(v0, org.one, 120)
    gone = await send_to_all(client, [*ids, "<nobody@x>"], Edit(EditKind.READ))
    assert list(gone) == ["<nobody@x>"]
    assert changing(asked) == ["batch_update_messages"] * 3 + ["update_message"]
    assert await client.get_unread_count() == 0


async def test_a_script_s_bunch_that_is_refused_goes_one_by_one(client, v0, org, asked) -> None:
    ids = fill(v0, org.one, 3)
    v0.sandbox.fault("status", operation="v0_batch_update_messages", status=400, times=1)
    assert await send_to_all(client, ids, Edit(EditKind.ARCHIVE)) == {}
    assert changing(asked) == ["batch_update_messages"] + ["update_message"] * 3
    assert "archived" in server_labels(v0, org, ids[2])


@pytest.mark.parametrize("fault", ["drop_after", "drop_before"])
async def test_a_broken_connection_leaves_nothing_half_done(
    client, v0, org, make, fault: str
) -> None:
    ids = fill(v0, org.one, 30)
    mailbox = make()
    await mailbox.sync()
    v0.sandbox.fault(fault, operation="v0_batch_update_messages", times=1)
    await mailbox.mark_read(ids, True)
    await mailbox.flush()
    assert await client.get_unread_count() == 0
    assert mailbox.waiting == 0
