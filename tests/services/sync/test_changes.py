"""Local changes: at once, journalled, merged, sent, refused, taken back (checks N01, N10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from services.cache.store import MailStore
from services.errors import (
    BadAnswer,
    CacheLocked,
    Conflict,
    Forbidden,
    NotFound,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    SignedOut,
    TimedOut,
    UsageError,
)
from services.models import InboxPage, RowFlag
from services.sync.journal import HISTORY_LIMIT
from services.sync.mailbox import Mailbox
from services.sync.pace import Pace
from tests.fakes.fake_provider import QUICK, FakeProvider, items, until


async def started(start, count=5, **fields):
    provider = FakeProvider(items(count, **fields))
    mailbox = start(provider)
    await mailbox.sync()
    return mailbox, provider


def shown(mailbox, message_id="m0"):
    return mailbox.store.item(message_id)


def is_pending(mailbox, message_id="m0"):
    return RowFlag.PENDING in mailbox.snapshot.row_of(message_id).flags


async def test_a_change_is_shown_and_kept_before_it_is_sent(start):
    mailbox, provider = await started(start)
    provider.requests.clear()
    assert await mailbox.mark_read(["m0"], True) == 1
    assert shown(mailbox).is_read
    assert is_pending(mailbox)
    assert mailbox.waiting == 1
    assert provider.requests == []
    await mailbox.flush()
    assert provider.content["m0"].is_read
    assert mailbox.waiting == 0
    await mailbox.sync()
    assert not is_pending(mailbox)


async def test_a_change_that_makes_no_difference_is_not_sent(start):
    mailbox, provider = await started(start, is_read=True, labels=("a",))
    provider.requests.clear()
    assert await mailbox.mark_read(["m0", "m1"], True) == 0
    assert await mailbox.change_labels(["m0"], add=("a",), remove=("b",)) == 0
    assert await mailbox.mark_read(["unknown"], True) == 0
    await mailbox.flush()
    assert provider.requests == []


@pytest.mark.parametrize(
    "error",
    [
        Rejected("no", status=400),
        Forbidden("no", status=403),
        Conflict("no", status=409),
        Rejected("no", status=413),
        Rejected("no", status=422),
    ],
)
async def test_a_refused_change_is_rolled_back_with_a_word(start, desktop, error):
    mailbox, provider = await started(start, labels=("inbox",))
    await mailbox.change_labels(["m0"], add=("later",), remove=("inbox",))
    provider.fail(error, "patch_message_labels")
    flushed = await mailbox.flush()
    assert [refusal.message_id for refusal in flushed.refused] == ["m0"]
    assert shown(mailbox).labels == ("inbox",)
    assert mailbox.waiting == 0
    assert provider.count("patch_message_labels") == 1


@pytest.mark.parametrize(
    "error",
    [
        Offline("no"),
        TimedOut("no"),
        RateLimited("no", status=429, retry_after=3_600),
        ServerBroken("no", status=500),
        BadAnswer("no"),
        SignedOut("no", status=401),
    ],
)
async def test_trouble_with_the_service_keeps_a_change_waiting_across_restarts(desktop, error):
    mailbox, provider = await started(desktop.start)
    await mailbox.archive(["m0"])
    provider.fail(error)
    with pytest.raises(type(error)):
        await mailbox.flush()
    mailbox = desktop.start(provider)
    assert mailbox.waiting == 1
    assert shown(mailbox).archived
    assert is_pending(mailbox)
    provider.fail(None)
    await mailbox.flush()
    assert provider.content["m0"].archived


async def test_archiving_what_is_archived_already_counts_as_done(start):
    mailbox, provider = await started(start)
    await mailbox.archive(["m0"])
    provider.change("m0", archived=True)
    flushed = await mailbox.flush()
    assert flushed.refused == ()
    assert shown(mailbox).archived


async def test_a_message_that_vanished_goes_with_a_word(start, desktop):
    mailbox, provider = await started(start)
    sending = asyncio.create_task(mailbox.sender.run())
    provider.lose("m0")
    await mailbox.mark_read(["m0"], True)
    await until(lambda: desktop.notices)
    sending.cancel()
    assert desktop.notices == ["“Subject 0” was deleted elsewhere."]
    assert shown(mailbox) is None
    assert mailbox.waiting == 0


async def test_deleting_what_is_gone_already_is_done(start, desktop):
    mailbox, provider = await started(start)
    provider.lose("m0")
    await mailbox.delete(["m0"])
    assert (await mailbox.flush()).refused == ()
    assert desktop.notices == []


async def test_many_refusals_are_told_in_one_sentence(start, desktop):
    provider = FakeProvider(items(40))
    mailbox = start(provider, replace(QUICK, publish=0.5))
    await mailbox.sync()
    provider.fail(Forbidden("The token may not do this.", status=403), "patch_message_archive")
    sending = asyncio.create_task(mailbox.sender.run())
    await mailbox.archive([f"m{n}" for n in range(40)])
    await until(lambda: not mailbox.waiting)
    mailbox._refusal_notices.flush()
    sending.cancel()
    assert not any(shown(mailbox, f"m{n}").archived for n in range(40))
    assert len(desktop.notices) == 2
    assert desktop.notices[1] == "39 changes were not made: The token may not do this."


# ── pages and changes ────────────────────────────────────────────────────────────────────────────


async def test_a_page_does_not_undo_a_change_that_waits(start):
    mailbox, provider = await started(start)
    await mailbox.mark_read(["m0"], True)
    await mailbox.delete(["m1"])
    provider.change("m0", labels=("elsewhere",))
    await mailbox.sync(full=True)
    assert shown(mailbox).is_read
    assert shown(mailbox).labels == ("elsewhere",)
    assert shown(mailbox, "m1") is None


async def test_a_rollback_shows_what_the_service_said_last_not_what_was_shown_before(start):
    mailbox, provider = await started(start, labels=("old",))
    await mailbox.change_labels(["m0"], add=("mine",))
    provider.change("m0", labels=("new",), is_read=True)
    await mailbox.sync(full=True)
    assert shown(mailbox).labels == ("new", "mine")
    provider.fail(Rejected("no", status=400), "patch_message_labels")
    await mailbox.flush()
    assert shown(mailbox) == provider.content["m0"]


async def test_a_refused_deletion_comes_back_as_the_service_has_it_now(start):
    mailbox, provider = await started(start)
    await mailbox.mark_read(["m0"], True)
    await mailbox.delete(["m0"])
    provider.change("m0", labels=("meanwhile",))
    await mailbox.sync(full=True)
    provider.fail(Forbidden("no", status=403), "delete_message")
    await mailbox.flush()
    assert shown(mailbox) == provider.content["m0"]
    assert shown(mailbox).is_read


async def test_a_page_asked_for_before_a_change_was_confirmed_does_not_undo_it(start):
    mailbox, provider = await started(start)
    arrived, go = asyncio.Event(), asyncio.Event()

    async def after(operation):
        if operation == "list_inbox":
            arrived.set()
            await go.wait()

    provider.after = after
    walk = asyncio.create_task(mailbox.sync(full=True))
    await arrived.wait()
    await mailbox.mark_read(["m0"], True)
    await mailbox.delete(["m1"])
    await mailbox.flush()
    go.set()
    await walk
    assert shown(mailbox).is_read
    assert shown(mailbox, "m1") is None
    assert mailbox.waiting == 0


async def test_changes_of_one_message_are_sent_in_their_order(start):
    mailbox, provider = await started(start)
    provider.requests.clear()
    for is_read in (True, False, True):
        await mailbox.mark_read(["m0"], is_read)
    await mailbox.archive(["m0"])
    sending = asyncio.create_task(mailbox.sender.run())
    await until(lambda: not mailbox.waiting)
    sending.cancel()
    assert [name for name, _ in provider.requests] == ["patch_message_read"] * 3 + [
        "patch_message_archive"
    ]
    assert provider.content["m0"].is_read


async def test_the_sender_does_not_storm_a_service_that_is_down(start):
    provider = FakeProvider(items(50))
    mailbox = start(provider, Pace())
    await mailbox.sync()
    provider.fail(ServerBroken("down", status=503))
    provider.requests.clear()
    sending = asyncio.create_task(mailbox.sender.run())
    await mailbox.mark_read([f"m{n}" for n in range(50)], True)
    for _ in range(200):
        await asyncio.sleep(0)
    sending.cancel()
    assert 1 <= len(provider.requests) <= 4
    assert mailbox.waiting == 50
    provider.fail(None)
    assert (await mailbox.flush()).sent == 50


async def test_one_message_that_always_fails_does_not_hold_up_the_others(start):
    mailbox, provider = await started(start, count=20)

    async def before(operation):
        if provider.requests[-1] == ("patch_message_read", "m0"):
            raise ServerBroken("this one", status=500)

    provider.before = before
    sending = asyncio.create_task(mailbox.sender.run())
    await mailbox.mark_read([f"m{n}" for n in range(20)], True)
    await until(lambda: mailbox.waiting == 1)
    sending.cancel()
    assert [m for m, item in provider.content.items() if not item.is_read] == ["m0"]


async def test_changes_wait_for_a_new_token(start):
    mailbox, provider = await started(start)
    provider.fail(SignedOut("The token is no longer accepted.", status=401))
    sending = asyncio.create_task(mailbox.sender.run())
    await mailbox.mark_read(["m0", "m1"], True)
    provider.requests.clear()
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(provider.requests) <= 2
    renewed = FakeProvider(provider.content.values())
    mailbox.connect(renewed)
    await until(lambda: not mailbox.waiting)
    sending.cancel()
    assert renewed.content["m0"].is_read
    assert renewed.content["m1"].is_read


# ── undo ─────────────────────────────────────────────────────────────────────────────────────────


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


# ── limits ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("add", "remove"),
    [(("",), ()), (("  \t",), ()), (("x" * 65,), ()), (("a",), ("a",))],
)
async def test_labels_that_the_service_would_refuse_are_refused_here(start, add, remove):
    mailbox, _provider = await started(start)
    with pytest.raises(UsageError):
        await mailbox.change_labels(["m0"], add=add, remove=remove)
    assert mailbox.waiting == 0


async def test_a_twenty_first_label_is_refused_for_the_whole_change(start):
    mailbox, provider = await started(start)
    provider.change("m1", labels=tuple(f"l{n}" for n in range(20)))
    await mailbox.sync(full=True)
    with pytest.raises(UsageError, match="Subject 1"):
        await mailbox.change_labels(["m0", "m1"], add=("one more",))
    assert mailbox.waiting == 0
    assert await mailbox.change_labels(["m1"], add=("one more",), remove=("l0",)) == 1


async def test_a_read_only_mailbox_changes_nothing(start, desktop):
    _mailbox, provider = await started(start)
    reader = Mailbox(MailStore.open(desktop.folder, read_only=True), provider, None)
    with pytest.raises(CacheLocked):
        await reader.archive(["m0"])
    with pytest.raises(CacheLocked):
        await reader.undo()
    with pytest.raises(CacheLocked):
        await reader.sync()


# ── reconciling ──────────────────────────────────────────────────────────────────────────────────


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


async def test_a_message_that_is_opened_and_gone_leaves_the_list(start):
    mailbox, provider = await started(start)
    provider.lose("m2")
    with pytest.raises(NotFound):
        await mailbox.open("m2")
    assert shown(mailbox, "m2") is None
