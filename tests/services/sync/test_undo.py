"""Undo: the last change, across restarts, and what deletions allow."""

from __future__ import annotations

import asyncio

import pytest

from services.cache.store import MailStore
from services.errors import (
    Offline,
)
from services.sync.journal import HISTORY_LIMIT
from services.sync.mailbox import Mailbox
from services.sync.pace import Pace
from tests.fakes.fake_provider import FakeProvider, items, until
from tests.fakes.mailboxes import is_pending, shown, started


async def test_undo_takes_back_the_last_change_and_then_the_one_before(start):
    mailbox, provider = await started(start, labels=("inbox", "keep"))
    await mailbox.mark_read(["m0"], True)
    await mailbox.change_labels(["m0"], add=("keep", "new"), remove=("inbox", "none"))
    await mailbox.flush()
    assert (await mailbox.undo()).restored == 1
    assert set(shown(mailbox).labels) == {"inbox", "keep"}
    assert shown(mailbox).is_read
    assert (await mailbox.undo()).restored == 1
    assert not shown(mailbox).is_read
    assert await mailbox.undo() is None
    await mailbox.flush()
    assert shown(mailbox) == provider.content["m0"]


async def test_undo_works_across_a_restart_sent_or_not(desktop):
    mailbox, provider = await started(desktop.start)
    await mailbox.archive(["m0"])
    await mailbox.flush()
    await mailbox.archive(["m1"])
    mailbox = desktop.start(provider)
    await mailbox.undo()
    mailbox = desktop.start(provider)
    await mailbox.undo()
    assert await mailbox.undo() is None
    await mailbox.flush()
    assert not provider.content["m0"].archived
    assert not provider.content["m1"].archived


async def test_a_bulk_change_is_taken_back_as_one_and_only_where_it_made_a_difference(start):
    mailbox, _provider = await started(start, count=30)
    await mailbox.mark_read(["m3"], True)
    await mailbox.mark_read([f"m{n}" for n in range(30)], True)
    result = await mailbox.undo()
    assert result.restored == 29
    assert [n for n in range(30) if shown(mailbox, f"m{n}").is_read] == [3]


async def test_a_deletion_can_be_taken_back_until_it_is_sent(start):
    mailbox, provider = await started(start)
    before = shown(mailbox)
    await mailbox.delete(["m0"])
    assert shown(mailbox) is None
    assert (await mailbox.undo()).restored == 1
    assert shown(mailbox) == before
    assert not is_pending(mailbox)
    await mailbox.flush()
    assert provider.count("delete_message") == 0


async def test_a_deletion_that_was_sent_says_that_it_cannot_be_taken_back(start):
    mailbox, _provider = await started(start)
    await mailbox.archive(["m1"])
    await mailbox.delete(["m0"])
    await mailbox.flush()
    result = await mailbox.undo()
    assert (result.restored, result.too_late) == (0, 1)
    assert shown(mailbox) is None
    assert (await mailbox.undo()).restored == 1
    assert not shown(mailbox, "m1").archived


async def test_a_deletion_waits_for_its_window_and_gets_a_whole_one_after_a_restart(desktop):
    now = 1_000.0
    provider = FakeProvider(items(3))

    def run(clock_pace):
        desktop.stop()
        store = MailStore.open(desktop.folder)
        desktop._open.append(store)
        return Mailbox(store, provider, None, clock=lambda: now, pace=clock_pace)

    pace = Pace(delete_grace=5.0)
    mailbox = run(pace)
    await mailbox.sync()
    await mailbox.delete(["m0"])
    now += 4.0
    mailbox = run(pace)
    row = mailbox._changes.next_row("m0")
    assert row.due == now + 5.0
    sending = asyncio.create_task(mailbox.sender.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert provider.count("delete_message") == 0
    now += 6.0
    mailbox.sender.connected()
    await until(lambda: not mailbox.waiting)
    sending.cancel()
    assert "m0" not in provider.content


@pytest.mark.parametrize("uncertain", [False, True])
async def test_a_deletion_with_an_unknown_outcome_says_so_when_taken_back(start, uncertain):
    mailbox, provider = await started(start)
    await mailbox.delete(["m0"])
    provider.fail(Offline("broke", uncertain=uncertain), "delete_message")
    with pytest.raises(Offline):
        await mailbox.flush()
    result = await mailbox.undo()
    assert result.restored == 1
    assert bool(result.uncertain) is uncertain


async def test_the_undo_history_is_bounded(desktop):
    mailbox, provider = await started(desktop.start)
    for number in range(HISTORY_LIMIT + 10):
        await mailbox.mark_read(["m0"], number % 2 == 0)
    await mailbox.flush()
    assert len(mailbox.store.journal()) == HISTORY_LIMIT
    mailbox = desktop.start(provider)
    count = 0
    while await mailbox.undo():
        count += 1
    assert count == HISTORY_LIMIT


async def test_a_deletion_that_may_have_happened_stays_uncertain_after_a_refused_connection(start):
    mailbox, provider = await started(start)
    await mailbox.delete(["m0"])
    for uncertain in (True, False):
        provider.fail(Offline("broke", uncertain=uncertain), "delete_message")
        with pytest.raises(Offline):
            await mailbox.flush()
    assert (await mailbox.undo()).uncertain == 1
