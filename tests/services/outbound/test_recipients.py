"""Completion of recipients: ranked by use, never by what a stranger can do, from any history."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.cache.store import MailStore
from services.errors import Offline
from services.keys.peers import Peer, Pin
from services.keys.service import Entry
from services.outbound.writing.recipient_book import RecipientBook
from services.outbound.writing.recipients import RecipientIndex
from services.wire_values import InboxItem
from tests.patience import PATIENCE

OWN = "me@agents.example.com"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MailStore]:
    made = MailStore.open(tmp_path / "mail")
    yield made
    made.close()


def mail(number: int, sender: str, *, verified: bool = False) -> InboxItem:
    return InboxItem(
        f"m{number}", sender=sender, subject="s", received_at=1_790_000_000 + number,
        sender_verified=verified,
    )  # fmt: skip


def put(store: MailStore, *senders: str, verified: bool = False, start: int = 0) -> None:
    store.put_items(
        mail(start + number, sender, verified=verified) for number, sender in enumerate(senders)
    )


def learnt(store: MailStore, index: RecipientIndex | None = None) -> RecipientIndex:
    index = RecipientIndex(OWN) if index is None else index
    snapshot = store.snapshot()
    while not index.learn_messages(snapshot):
        pass
    return index


def addresses(index: RecipientIndex, text: str) -> list[str]:
    return [found.address for found in index.suggest(text)]


def peer(address: str, *, verified: bool = False) -> Peer:
    return Peer(address, pin=Pin("A" * 40, "", 1, int(verified)))


def test_who_writes_more_comes_first_and_oneself_never(store: MailStore) -> None:
    put(store, *["Ann <ann@x.example>"] * 2, *["Andy <andy@x.example>"] * 5, f"Me <{OWN}>")
    index = learnt(store)
    assert addresses(index, "an") == ["andy@x.example", "ann@x.example"]
    assert addresses(index, "agents") == []
    (found,) = index.suggest("andy")
    assert (found.shown, found.source, found.has_key) == (
        "Andy <andy@x.example>", "wrote to you", False,
    )  # fmt: skip


def test_words_that_begin_like_it_go_before_words_that_hold_it(store: MailStore) -> None:
    put(store, *["joann@x.example"] * 9, "Ann <a@x.example>", "Bo <bo@ann.example>")
    found = addresses(learnt(store), "ann")
    assert found[2] == "joann@x.example"
    assert set(found[:2]) == {"a@x.example", "bo@ann.example"}


def test_all_words_must_fit_in_any_order(store: MailStore) -> None:
    put(store, "Ann Bell <ann@x.example>", "Ann Cole <cole@y.example>")
    index = learnt(store)
    assert addresses(index, "bell an") == ["ann@x.example"]
    assert addresses(index, "ann@y") == ["cole@y.example"]
    assert addresses(index, "ann@x.example")[0] == "ann@x.example"


@pytest.mark.parametrize("text", ["", "  ", ",", "ann@x.example, ", "@", "<>"])
def test_nothing_typed_suggests_nothing(store: MailStore, text: str) -> None:
    put(store, "ann@x.example")
    assert learnt(store).suggest(text) == ()


def test_only_the_last_entry_is_completed_and_nobody_twice(store: MailStore) -> None:
    put(store, "ann@x.example", "andy@x.example")
    index = learnt(store)
    assert addresses(index, "Ann <ann@x.example>, an") == ["andy@x.example"]
    assert addresses(index, "bob@y.example; an") == ["andy@x.example", "ann@x.example"]


def test_a_stranger_cannot_write_his_way_above_whom_the_operator_knows(store: MailStore) -> None:
    put(store, *["Bob <bob@agents.examp1e.com>"] * 4_000)
    put(store, "Bob <bob@agents.example.com>", verified=True, start=5_000)
    put(store, "Bobby <bobby@y.example>", "Bobo <bobo@y.example>", start=6_000)
    index = RecipientIndex(OWN)
    index.learn_peers([peer("bobo@y.example")])
    index.learn_written([("bobby@y.example", 5), ("bobby@y.example", 6)])
    found = learnt(store, index).suggest("bob")
    assert [(one.address, one.source, one.has_key) for one in found] == [
        ("bobby@y.example", "you wrote", False),
        ("bobo@y.example", "peer", True),
        ("bob@agents.examp1e.com", "wrote to you", False),
        ("bob@agents.example.com", "wrote to you", False),
    ]
    put(store, *["bob@agents.example.com"] * 3, verified=True, start=7_000)
    assert addresses(learnt(store, index), "bob agents")[0] == "bob@agents.example.com"


def test_a_name_that_shows_another_address_is_not_taken_over(store: MailStore) -> None:
    put(store, '"boss@bank.example" <eve@evil.example>', "E\x1b[31mve <e2@evil.example>")
    index = learnt(store)
    assert addresses(index, "boss") == []
    assert index.suggest("eve")[0].shown == "eve@evil.example"
    assert all(one.shown.isprintable() for one in index.suggest("evil"))


def test_new_mail_is_counted_and_a_compacted_log_is_counted_once(store: MailStore) -> None:
    put(store, *["ann@x.example"] * 3, "andy@x.example")
    index = learnt(store)
    put(store, *["andy@x.example"] * 6, start=100)
    assert addresses(learnt(store, index), "an")[0] == "andy@x.example"
    before = {person.address: person.received for person in index._people.values()}
    store.compact()
    learnt(store, index)
    assert {person.address: person.received for person in index._people.values()} == before
    store.remove([f"m{number}" for number in range(3)])
    store.compact()
    learnt(store, index)
    assert {person.address: person.received for person in index._people.values()} == {
        "ann@x.example": 0, "andy@x.example": 7,
    }  # fmt: skip


def test_history_is_learnt_in_slices_newest_first(store: MailStore) -> None:
    put(store, *(f"p{number}@x.example" for number in range(1_200)))
    index, snapshot = RecipientIndex(OWN), store.snapshot()
    assert not index.learn_messages(snapshot)
    assert addresses(index, "p1199") == ["p1199@x.example"]
    assert "p7@x.example" not in addresses(index, "p7@x")
    while not index.learn_messages(snapshot):
        pass
    assert addresses(index, "p7@x")[0] == "p7@x.example"


# ── as the desk asks ─────────────────────────────────────────────────────────────────────────────


class FakeBook:
    def __init__(self, *peers: Peer) -> None:
        self._peers = peers

    def peers(self) -> tuple[Peer, ...]:
        return self._peers


class FakeDirectory:
    def __init__(self, *known: str) -> None:
        self.known = known
        self.asked: list[str] = []

    async def look_up(self, agent_id: str, *, fresh: bool) -> Entry:
        self.asked.append(agent_id)
        if agent_id == "offline":
            raise Offline("Nobody answers.")
        return Entry(agent_id, block="block" if agent_id in self.known else "")


class FakeKeychain:
    def __init__(self, *peers: Peer, known: tuple[str, ...] = ()) -> None:
        self.book = FakeBook(*peers)
        self.directory = FakeDirectory(*known)


def book_of(store: MailStore, keychain: FakeKeychain, **options: Any) -> RecipientBook:
    async def keys() -> Any:
        return keychain

    options = {"snapshot": store.snapshot, **options}
    return RecipientBook(OWN, "agents.example.com", keychain=keys, **options)


async def test_an_answer_comes_while_the_history_is_learnt_and_then_knows_everybody(
    store: MailStore,
) -> None:
    put(store, *(f"p{number}@x.example" for number in range(2_000)))
    book = book_of(
        store, FakeKeychain(peer("peer@x.example")), written=lambda: [("pal@x.example", 1)]
    )
    task = book.prepare()
    assert task is not None
    assert len(await book.suggest("p")) <= 8
    await task
    found = await book.suggest("p", limit=2)
    assert [(one.address, one.source) for one in found] == [
        ("pal@x.example", "you wrote"), ("peer@x.example", "peer"),
    ]  # fmt: skip
    assert (await book.suggest("p7@x"))[0].address == "p7@x.example"
    book.close()


async def test_a_book_without_keys_or_cache_completes_what_there_is(store: MailStore) -> None:
    async def no_keys() -> Any:
        raise Offline("There are no keys.")

    put(store, "ann@x.example")
    book = RecipientBook(OWN, "", snapshot=store.snapshot, keychain=no_keys)
    async with asyncio.timeout(PATIENCE):
        await (book.prepare() or asyncio.sleep(0))
    assert [one.address for one in await book.suggest("an")] == ["ann@x.example"]
    nothing = RecipientBook(OWN, "", snapshot=lambda: None, keychain=no_keys)
    assert await nothing.suggest("an") == ()


async def test_the_directory_is_asked_for_names_of_the_own_domain_only(store: MailStore) -> None:
    keychain = FakeKeychain(known=("research",))
    book = book_of(store, keychain)
    found = await book.look_up("x@y.example, research")
    assert found is not None
    assert (found.address, found.source, found.has_key) == (
        "research@agents.example.com", "directory", True,
    )  # fmt: skip
    assert await book.look_up("research@AGENTS.example.com") is not None
    for text in ("research@else.example", "ab", "a b", "x" * 70, "nobody", "offline", ""):
        assert await book.look_up(text) is None
    assert keychain.directory.asked == ["research", "research", "nobody", "offline"]


async def test_whom_mail_was_sent_to_is_known_at_the_next_draft_though_no_mail_came(
    store: MailStore,
) -> None:
    put(store, "ann@x.example")
    put(store, "peer@x.example", start=1)
    keychain, written = FakeKeychain(peer("peer@x.example")), [("pal@x.example", 1)]
    # The published picture, which is the same until mail comes.
    picture = store.snapshot()
    options = {"written": lambda: written, "snapshot": lambda: picture}
    book = book_of(store, keychain, **options)
    await (book.begin() or asyncio.sleep(0))
    written.append(("new@x.example", 2))
    keychain.book = FakeBook(peer("other@x.example"))
    assert book.prepare() is None
    assert await book.suggest("new") == ()
    await (book.begin() or asyncio.sleep(0))
    assert [one.address for one in await book.suggest("new")] == ["new@x.example"]
    found = {one.address: (one.source, one.has_key) for one in await book.suggest("x.example")}
    assert found["other@x.example"] == ("peer", True)
    # Its key was taken away: nothing says any more that it is there.
    assert found["peer@x.example"] == ("wrote to you", False)


@pytest.mark.parametrize(
    ("before", "suggested"),
    [
        ("ANN@X.example", False),
        ("Ann <ann@x.example>", False),
        ('"Smith, Ann" <ann@x.example>', False),
        ("joann@x.example", True),
        ("ann@x.example.elsewhere.example", True),
    ],
)
def test_only_the_very_address_counts_as_being_there(
    store: MailStore, before: str, suggested: bool
) -> None:
    put(store, "ann@x.example")
    found = addresses(learnt(store), f"{before}; an")
    assert found == (["ann@x.example"] if suggested else [])
