"""The walk: pages, cursors, and services that break the rules (checks N06 and N05)."""

from __future__ import annotations

import pytest

from services.cache.store import MailStore
from services.errors import BadAnswer, Offline, Rejected, ServerBroken
from services.models import Mailbox as Box
from services.models import MailFilter
from services.wire_values import InboxItem, InboxPage
from tests.fakes.fake_provider import FakeProvider, items


def ids(store: MailStore) -> list[str]:
    return sorted(store.ids(), key=lambda message_id: int(message_id[1:]))


def same(mailbox, provider) -> bool:
    return {i: mailbox.store.item(i) for i in mailbox.store.ids()} == provider.content


async def test_the_first_walk_brings_every_message_once(start):
    provider = FakeProvider(items(250))
    mailbox = start(provider)
    outcome = await mailbox.sync()
    assert outcome.new == 250
    assert ids(mailbox.store) == [f"m{n}" for n in range(250)]
    assert provider.count("list_inbox") == 3
    assert len(mailbox.snapshot.select(MailFilter(Box.ALL))) == 250


async def test_a_walk_that_broke_goes_on_at_the_page_where_it_stood(desktop):
    provider = FakeProvider(items(500))
    provider.pages["300"] = Offline("gone")
    mailbox = desktop.start(provider)
    with pytest.raises(Offline):
        await mailbox.sync()
    assert len(ids(mailbox.store)) == 300
    provider.pages.clear()
    provider.requests.clear()
    mailbox = desktop.start(provider)
    await mailbox.sync()
    assert provider.requests == [("list_inbox", "300"), ("list_inbox", "400")]
    assert same(mailbox, provider)


async def test_short_and_empty_pages_go_on_as_long_as_there_is_a_cursor(start):
    content = items(4)
    provider = FakeProvider()
    provider.pages = {
        None: InboxPage((), "a"),
        "a": InboxPage(tuple(content[:1]), "b"),
        "b": InboxPage((), "c"),
        "c": InboxPage(tuple(content[1:]), None),
    }
    mailbox = start(provider)
    await mailbox.sync()
    assert ids(mailbox.store) == ["m0", "m1", "m2", "m3"]


async def test_the_same_id_on_two_pages_is_one_row_with_the_later_content(start):
    first, second = items(2)
    again = InboxItem(first.message_id, subject="later")
    provider = FakeProvider()
    provider.pages = {
        None: InboxPage((first, second, first), "a"),
        "a": InboxPage((again,), None),
    }
    mailbox = start(provider)
    await mailbox.sync()
    assert ids(mailbox.store) == ["m0", "m1"]
    assert mailbox.store.item("m0").subject == "later"
    assert mailbox.snapshot.counts.total == 2


@pytest.mark.parametrize(
    "chain",
    [
        {None: "a", "a": "a"},
        {None: "a", "a": "b", "b": "a"},
    ],
)
async def test_a_repeated_cursor_ends_the_walk_and_keeps_what_came(start, chain):
    content = items(10)
    provider = FakeProvider()
    for number, (cursor, after) in enumerate(chain.items()):
        provider.pages[cursor] = InboxPage((content[number],), after)
    mailbox = start(provider)
    for _ in range(3):
        with pytest.raises(BadAnswer, match="again and again"):
            await mailbox.sync()
    assert len(ids(mailbox.store)) == len(chain)
    assert provider.count("list_inbox") <= 3 * (len(chain) + 1)


async def test_empty_pages_with_ever_new_cursors_end_too(start):
    class Endless(FakeProvider):
        async def list_inbox(self, *, cursor=None, **rest):
            self.requests.append(("list_inbox", cursor or ""))
            return InboxPage((), f"{len(self.requests)}")

    provider = Endless()
    with pytest.raises(BadAnswer, match="without end"):
        await start(provider).sync()
    assert provider.count("list_inbox") <= 101


async def test_an_expired_cursor_starts_the_walk_again_once(desktop):
    provider = FakeProvider(items(300))
    provider.pages["200"] = Offline("gone")
    with pytest.raises(Offline):
        await desktop.start(provider).sync()
    provider.pages["200"] = Rejected("expired", status=400, code="invalid_cursor")
    provider.requests.clear()
    mailbox = desktop.start(provider)
    with pytest.raises(Rejected):
        await mailbox.sync()
    assert [cursor for _, cursor in provider.requests] == ["200", "", "100", "200"]
    provider.pages.clear()
    await mailbox.sync()
    assert same(mailbox, provider)


async def test_the_tail_read_asks_for_the_last_page_only(start):
    provider = FakeProvider(items(250))
    mailbox = start(provider)
    await mailbox.sync()
    provider.requests.clear()
    provider.arrive(items(3, start=250))
    assert (await mailbox.sync()).new == 3
    assert provider.requests == [("list_inbox", "200")]
    provider.requests.clear()
    assert (await mailbox.sync()).new == 0
    assert provider.requests == [("list_inbox", "200")]


async def test_the_tail_read_follows_new_pages_and_moves_on(start):
    provider = FakeProvider(items(150))
    mailbox = start(provider)
    await mailbox.sync()
    provider.arrive(items(300, start=150))
    provider.requests.clear()
    await mailbox.sync()
    assert [cursor for _, cursor in provider.requests] == ["100", "200", "300", "400"]
    provider.requests.clear()
    await mailbox.sync()
    assert [cursor for _, cursor in provider.requests] == ["400"]
    assert same(mailbox, provider)


@pytest.mark.parametrize("count", [0, 1, 100])
async def test_a_small_mailbox_is_read_from_the_start_each_time(start, count):
    provider = FakeProvider(items(count))
    mailbox = start(provider)
    await mailbox.sync()
    provider.arrive(items(2, start=count))
    await mailbox.sync()
    assert same(mailbox, provider)


async def test_a_tail_cursor_that_is_no_longer_valid_falls_back_to_a_full_walk(start):
    provider = FakeProvider(items(450))
    mailbox = start(provider)
    await mailbox.sync()
    provider.arrive(items(1, start=450))
    for cursor in ("400", "300", "200"):
        provider.pages[cursor] = Rejected("expired", status=400, code="invalid_cursor")
    with pytest.raises(Rejected):
        await mailbox.sync()
    # Tried: three kept places, then everything, twice at most.
    assert provider.count("list_inbox") <= 5 + 3 + 2 * 3
    provider.pages.clear()
    await mailbox.sync()
    assert same(mailbox, provider)


async def test_deletions_that_move_pages_do_not_hide_new_mail(start):
    provider = FakeProvider(items(450), cursors="offset")
    mailbox = start(provider)
    await mailbox.sync()
    for n in range(440):
        provider.lose(f"m{n}")
    provider.arrive(items(5, start=450))
    await mailbox.sync()
    assert same(mailbox, provider)


async def test_deleting_the_newest_mails_does_not_cost_a_full_walk(start):
    provider = FakeProvider(items(450))
    mailbox = start(provider)
    await mailbox.sync()
    await mailbox.delete([f"m{n}" for n in range(400, 450)])
    await mailbox.flush()
    provider.arrive(items(1, start=450))
    provider.requests.clear()
    await mailbox.sync()
    assert [cursor for _, cursor in provider.requests] == ["400", "300", "400"]
    assert same(mailbox, provider)


async def test_a_first_walk_interrupted_by_a_server_error_keeps_its_pages(start):
    provider = FakeProvider(items(300))
    mailbox = start(provider)
    provider.pages["200"] = ServerBroken("down", status=503)
    with pytest.raises(ServerBroken):
        await mailbox.sync()
    assert len(ids(mailbox.store)) == 200
    assert len(mailbox.snapshot.select(MailFilter(Box.ALL))) >= 100


async def test_repairs_of_the_cache_make_the_walk_start_again(desktop):
    provider = FakeProvider(items(120))
    mailbox = desktop.start(provider)
    await mailbox.sync()
    desktop.stop()
    log = desktop.folder / "mail.log"
    log.write_bytes(b"garbage" + log.read_bytes()[7:])
    mailbox = desktop.start(provider)
    assert mailbox.store.repairs
    await mailbox.sync()
    assert same(mailbox, provider)
