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
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    SignedOut,
    TimedOut,
    UsageError,
)
from services.sync.mailbox import Mailbox
from services.sync.pace import Pace
from tests.fakes.fake_provider import QUICK, FakeProvider, items, until
from tests.fakes.mailboxes import is_pending, shown, started


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


@pytest.mark.parametrize("restart", [False, True], ids=["same run", "after a restart"])
@pytest.mark.parametrize("was_done", [True, False], ids=["done", "not done"])
async def test_a_refusal_after_a_lost_answer_counts_only_when_nothing_was_done(
    desktop, was_done, restart
):
    mailbox, provider = await started(desktop.start)
    await mailbox.change_labels(["m0"], add=("later",))
    lost = Offline("The line went dead.", uncertain=True)
    provider.fail(lost, "patch_message_labels")
    if was_done:
        provider.change("m0", labels=("later",))
    with pytest.raises(Offline):
        await mailbox.flush()
    if restart:
        mailbox = desktop.start(provider)
    provider.fail(Forbidden("no", status=403), "patch_message_labels")
    flushed = await mailbox.flush()
    assert (flushed.sent, len(flushed.refused)) == ((1, 0) if was_done else (0, 1))
    assert shown(mailbox) == provider.content["m0"]
    assert mailbox.waiting == 0


async def test_a_refusal_waits_until_it_can_be_known_what_an_earlier_try_did(start):
    mailbox, provider = await started(start)
    await mailbox.mark_read(["m0"], True)
    provider.fail(TimedOut("no answer", uncertain=True), "patch_message_read")
    with pytest.raises(TimedOut):
        await mailbox.flush()
    errors = {"patch_message_read": Forbidden("no", status=403), "get_message": Offline("no")}

    async def before(operation):
        raise errors[operation]

    provider.before = before
    with pytest.raises(Offline):
        await mailbox.flush()
    assert shown(mailbox).is_read
    assert mailbox.waiting == 1


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
    mailbox.refused_changes.flush()
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


async def test_a_page_that_arrives_while_a_change_is_under_way_is_what_it_is_confirmed_over(start):
    mailbox, provider = await started(start)
    under_way, go = asyncio.Event(), asyncio.Event()

    async def after(operation):
        if operation == "patch_message_read":
            under_way.set()
            await go.wait()

    provider.after = after
    await mailbox.mark_read(["m0"], True)
    flush = asyncio.create_task(mailbox.flush())
    await under_way.wait()
    provider.change("m0", labels=("elsewhere",))
    await mailbox.sync(full=True)
    go.set()
    await flush
    assert shown(mailbox) == provider.content["m0"]


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
