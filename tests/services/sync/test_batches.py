"""Changes of many messages with few requests, and what one of them does to the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from services.errors import (
    BadAnswer,
    Forbidden,
    NotFound,
    Offline,
    Rejected,
    ServerBroken,
    TimedOut,
)
from services.sync.edits import Edit, EditKind
from services.sync.mailbox import Mailbox
from tests.fakes.fake_batch_provider import FakeBatchProvider
from tests.fakes.fake_provider import QUICK, items, until

READ = Edit(EditKind.READ)


@asynccontextmanager
async def sending(mailbox: Mailbox) -> AsyncIterator[None]:
    task = asyncio.create_task(mailbox.sender.run())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def synced(start, provider: FakeBatchProvider) -> tuple[Mailbox, list[str]]:
    mailbox = start(provider)
    await mailbox.sync()
    provider.requests.clear()
    return mailbox, list(mailbox.store.ids())


async def deliver(mailbox: Mailbox, *, at_once: bool = False) -> None:
    if at_once:
        await mailbox.flush()
        return
    async with sending(mailbox):
        await until(lambda: not mailbox.waiting)


@pytest.mark.parametrize("at_once", [False, True], ids=["behind", "at once"])
@pytest.mark.parametrize(
    ("edit", "operation"),
    [
        (READ, "batch_read"),
        (Edit(EditKind.ARCHIVE), "batch_archive"),
        (Edit(EditKind.LABELS, add=("a",)), "batch_labels"),
        (Edit(EditKind.DELETE), "batch_delete"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_change_of_many_is_a_handful_of_requests(start, edit, operation, at_once):
    provider = FakeBatchProvider(items(120))
    mailbox, ids = await synced(start, provider)
    assert await mailbox.change(ids, edit) == 120
    await deliver(mailbox, at_once=at_once)
    assert [name for name, _ in provider.requests] == [operation] * 3
    shown = {message_id: mailbox.store.item(message_id) for message_id in mailbox.store.ids()}
    assert shown == provider.content


async def test_a_single_message_goes_by_the_request_for_one(start):
    provider = FakeBatchProvider(items(3))
    mailbox, ids = await synced(start, provider)
    await mailbox.mark_read(ids[:1], True)
    await deliver(mailbox)
    assert provider.requests == [("patch_message_read", ids[0])]


async def test_changes_of_one_message_keep_their_order_and_travel_with_their_like(start):
    provider = FakeBatchProvider(items(40))
    mailbox, ids = await synced(start, provider)
    await mailbox.change_labels(ids, add=("x",))
    await mailbox.mark_read(ids, True)
    await mailbox.change_labels(ids, remove=("x",))
    await deliver(mailbox)
    names = [name for name, _ in provider.requests]
    assert names == ["batch_labels", "batch_read", "batch_labels"]
    assert all(item.is_read and not item.labels for item in provider.content.values())


async def test_one_that_is_gone_costs_the_others_nothing(start, desktop):
    provider = FakeBatchProvider(items(10))
    mailbox, ids = await synced(start, provider)
    provider.lose("m4")
    await mailbox.mark_read(ids, True)
    await deliver(mailbox)
    mailbox.report.flush()
    mailbox.refused_changes.flush()
    assert [name for name, _ in provider.requests] == ["batch_read", "patch_message_read"]
    assert provider.requests[1][1] == "m4"
    assert set(mailbox.store.ids()) == set(ids) - {"m4"}
    assert any("deleted elsewhere" in told for told in desktop.notices)


async def test_an_answer_that_leaves_a_message_out_is_not_taken_for_its_end(start):
    provider = FakeBatchProvider(items(10))
    mailbox, ids = await synced(start, provider)
    provider.unnamed = {"m4"}
    await mailbox.mark_read(ids, True)
    await deliver(mailbox)
    assert set(mailbox.store.ids()) == set(ids)
    assert provider.content["m4"].is_read


@pytest.mark.parametrize("error", [Rejected, NotFound, ServerBroken, BadAnswer])
async def test_one_that_the_service_cannot_take_is_found_in_halves(start, error):
    provider = FakeBatchProvider(items(50))
    mailbox, ids = await synced(start, provider)

    async def before(operation: str) -> None:
        if "m17" in provider.requests[-1][1].split():
            raise error("no")

    provider.before = before
    await mailbox.mark_read(ids, True)
    async with sending(mailbox):
        await until(lambda: sum(item.is_read for item in provider.content.values()) == 49)
        assert len(provider.requests) < 25
        provider.before = FakeBatchProvider().before
        await until(lambda: not mailbox.waiting)
    passing = error in (ServerBroken, BadAnswer)
    assert provider.content["m17"].is_read is passing
    held = mailbox.store.item("m17")
    assert (held is None) if error is NotFound else (held is not None and held.is_read is passing)


async def test_what_the_key_may_not_do_is_refused_for_all_without_asking_for_each(start, desktop):
    provider = FakeBatchProvider(items(50))
    mailbox = start(provider, replace(QUICK, publish=0.5))
    await mailbox.sync()
    provider.requests.clear()
    ids = list(mailbox.store.ids())
    provider.fail(Forbidden("This key may not.", status=403))
    await mailbox.mark_read(ids, True)
    await deliver(mailbox)
    assert len(provider.requests) == 1
    assert not any(mailbox.store.item(one).is_read for one in ids)
    mailbox.refused_changes.flush()
    assert desktop.notices[-1] == "49 changes were not made: This key may not."


async def test_a_refusal_after_a_lost_answer_is_checked_one_by_one(start):
    provider = FakeBatchProvider(items(6))
    mailbox, ids = await synced(start, provider)
    calls = 0

    async def lost(operation: str) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise TimedOut("lost", uncertain=True)

    async def refuse(operation: str) -> None:
        if calls:
            raise Forbidden("no", status=403)

    async def first(operation: str) -> None:
        if operation.startswith(("batch", "patch")):
            await refuse(operation)

    provider.before, provider.after = first, lost
    await mailbox.mark_read(ids, True)
    await deliver(mailbox)
    assert all(item.is_read for item in provider.content.values())
    assert all(mailbox.store.item(one).is_read for one in ids)


@pytest.mark.parametrize("uncertain", [False, True], ids=["never arrived", "lost answer"])
async def test_a_group_that_met_trouble_goes_again_whole_and_can_be_taken_back(start, uncertain):
    provider = FakeBatchProvider(items(20))
    mailbox, ids = await synced(start, provider)
    provider.fail(Offline("trouble", uncertain=uncertain))
    await mailbox.delete(ids)
    async with sending(mailbox):
        await until(lambda: len(provider.requests) >= 2)
        provider.fail(None)
        undone = await mailbox.undo()
        assert undone is not None
        if undone.too_late:
            # It was on its way in that very moment.
            await until(lambda: not mailbox.waiting)
            return
    assert undone.restored == 20
    assert bool(undone.uncertain) is uncertain
    assert {len(told.split()) for _, told in provider.requests} == {20}
    assert set(mailbox.store.ids()) == set(ids)


async def test_an_undo_of_a_group_is_a_group_too(start):
    provider = FakeBatchProvider(items(60))
    mailbox, ids = await synced(start, provider)
    await mailbox.mark_read(ids, True)
    await deliver(mailbox)
    undone = await mailbox.undo()
    assert undone is not None
    assert undone.restored == 60
    await deliver(mailbox)
    assert len(provider.requests) == 4
    assert not any(item.is_read for item in provider.content.values())


async def test_what_is_left_open_is_sent_in_groups_by_the_next_run(desktop):
    provider = FakeBatchProvider(items(60))
    mailbox = desktop.start(provider)
    await mailbox.sync()
    ids = list(mailbox.store.ids())
    mailbox.disconnect()
    await mailbox.mark_read(ids, True)
    mailbox = desktop.start(provider)
    provider.requests.clear()
    await deliver(mailbox)
    assert [name for name, _ in provider.requests] == ["batch_read"] * 2
