"""The full walk: what was deleted or changed elsewhere, and what only looks like it."""

from __future__ import annotations

import pytest

from services.errors import (
    NotFound,
    Offline,
)
from services.wire_values import InboxPage
from tests.fakes.fake_provider import FakeProvider, items
from tests.fakes.mailboxes import shown, started


async def test_a_full_walk_finds_deletions_and_changes_made_elsewhere(start):
    mailbox, provider = await started(start, count=350)
    provider.lose("m7")
    provider.change("m9", is_read=True, labels=("x",), archived=True)
    outcome = await mailbox.sync(full=True)
    assert (outcome.removed, outcome.changed) == (1, 1)
    assert {i: shown(mailbox, i) for i in mailbox.store.ids()} == provider.content


async def test_an_incomplete_full_walk_deletes_nothing(start):
    mailbox, provider = await started(start, count=350)
    provider.lose("m7")
    provider.pages["201"] = Offline("gone")
    with pytest.raises(Offline):
        await mailbox.sync(full=True)
    assert shown(mailbox, "m7") is not None


@pytest.mark.parametrize("empty", [InboxPage((), None), InboxPage((), None, skipped=3)])
async def test_an_empty_answer_does_not_empty_the_cache(start, empty):
    mailbox, provider = await started(start, count=50)
    provider.pages[None] = empty
    assert (await mailbox.sync(full=True)).removed == 0
    assert len(list(mailbox.store.ids())) == 50


async def test_a_mailbox_that_was_really_emptied_is_emptied_here(start):
    mailbox, provider = await started(start, count=50)
    for n in range(50):
        provider.lose(f"m{n}")
    assert (await mailbox.sync(full=True)).removed == 50
    assert list(mailbox.store.ids()) == []


async def test_mail_that_arrives_during_a_full_walk_stays(start):
    mailbox, provider = await started(start, count=250)

    async def after(operation):
        if operation == "list_inbox" and provider.count("list_inbox") == 5:
            provider.after = nothing
            provider.arrive(items(2, start=250))
            await mailbox.sync()

    async def nothing(operation):
        return

    provider.after = after
    await mailbox.sync(full=True)
    assert {i: shown(mailbox, i) for i in mailbox.store.ids()} == provider.content


async def test_deletions_that_move_pages_during_a_walk_cost_no_message(start):
    provider = FakeProvider(items(250), cursors="offset")
    mailbox = start(provider)
    await mailbox.sync()

    async def after(operation):
        if operation == "list_inbox":
            for n in range(5):
                provider.lose(f"m{n}")

    provider.after = after
    assert (await mailbox.sync(full=True)).removed == 0
    assert (await mailbox.sync(full=True)).removed == 5
    assert {i: shown(mailbox, i) for i in mailbox.store.ids()} == provider.content


async def test_a_message_that_is_opened_and_gone_leaves_the_list(start):
    mailbox, provider = await started(start)
    provider.lose("m2")
    with pytest.raises(NotFound):
        await mailbox.open("m2")
    assert shown(mailbox, "m2") is None
