"""A filter finds exactly what a plain look at every message finds, whatever changed before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from services.cache.snapshot import MailSnapshot, RowReader
from services.cache.store import MailStore
from services.models import Mailbox, MailFilter
from services.query import Field, Query, Term, parse
from services.query import fold as real_fold
from services.wire_values import InboxItem
from tests.fakes.inbox_items import START, inbox_item

SIZE = 2_600
fold = cache(real_fold)


@cache
def _mail() -> list[InboxItem]:
    items = [inbox_item(n, received_at=START + n * 977) for n in range(SIZE)]
    items[7] = replace(items[7], subject="Résumé für ＷＩＤＥ Straße", sender="Zoë <z@x.example>")
    items[9] = replace(items[9], subject="pay\u200bpal\u00ad security", body_preview="line\nbreak")
    items[11] = replace(items[11], subject="lone \ud800 surrogate", body_preview="\0nul\0")
    items[13] = replace(items[13], sender="subject <from@x.example>", subject="zanzibar")
    items[15] = replace(items[15], labels=("Urgent/Ä", "work"), encrypted=True)
    return items


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailStore]:
    store = MailStore.open(tmp_path_factory.mktemp("mail"))
    items = _mail()
    store.put_items(items[:2_000])
    store.build_search_text()
    store.put_items(items[2_000:])
    yield store
    store.close()


def _texts(item: InboxItem, field: Field) -> list[str]:
    texts = {Field.FROM: [item.sender], Field.SUBJECT: [item.subject]}
    return texts.get(field, [item.sender, item.subject, item.body_preview])


_HOLDS = {
    "unread": lambda i: not i.is_read,
    "read": lambda i: i.is_read,
    "archived": lambda i: i.archived,
    "inbox": lambda i: not i.archived,
    "verified": lambda i: i.sender_verified,
    "unverified": lambda i: not i.sender_verified,
    "encrypted": lambda i: i.encrypted,
}


def _holds(item: InboxItem, term: Term) -> bool:
    if term.field is Field.IS:
        return bool(_HOLDS[term.value](item))
    if term.field is Field.HAS:
        return item.attachment_count > 0
    if term.field is Field.BEFORE:
        return item.received_at < term.moment
    if term.field is Field.AFTER:
        return item.received_at >= term.moment
    if term.field is Field.LABEL:
        # A label of that very name hides longer ones ("urgent" is one, "urg" is none).
        if term.value in ("work", "urgent"):
            return term.value in item.labels
        return any(fold(label).startswith(term.value) for label in item.labels)
    return any(term.value in fold(text) for text in _texts(item, term.field))


def _expected(items: list[InboxItem], wanted: MailFilter, query: Query) -> list[str]:
    named = any(t.field is Field.IS and t.value in ("archived", "inbox") for t in query.terms)
    boxes = {
        Mailbox.ALL: lambda i: True,
        Mailbox.ARCHIVED: lambda i: i.archived,
        Mailbox.INBOX: lambda i: named or not i.archived,
        Mailbox.UNREAD: lambda i: (named or not i.archived) and not i.is_read,
        Mailbox.UNVERIFIED: lambda i: (named or not i.archived) and not i.sender_verified,
    }
    return [
        item.message_id
        for item in sorted(items, key=lambda item: -item.received_at)
        if boxes[wanted.mailbox](item)
        and (wanted.label is None or wanted.label in item.labels)
        and (wanted.unread is None or item.is_read != wanted.unread)
        and (wanted.verified is None or item.sender_verified == wanted.verified)
        and all(_holds(item, term) != term.negated for term in query.terms)
    ]


def _found(store: MailStore, wanted: MailFilter) -> list[str]:
    snapshot = store.snapshot()
    return [_name(snapshot, slot) for slot in snapshot.select(wanted)._slots]


@cache
def _id_at(reader: RowReader, offset: int, length: int) -> str:
    return str(reader.document(offset, length)["i"])


def _name(snapshot: MailSnapshot, slot: int) -> str:
    columns = snapshot.columns
    return _id_at(snapshot.reader, columns.offsets[slot], columns.lengths[slot])


TEXTS = (
    "", "i", "invoice", "invoice rev", "from:ada", "from:ada.699", "ada.699 invoice", "zanzibar",
    "-invoice", "-i", "subject:draft", 'subject:"draft order"', '"report draft"', "RESUME", "für",
    "wide strasse", "zoe", "paypal", "line break", "nul", "\ud800", "from:subject",
    "subject:subject",    "subject:from@x", "label:work", "label:urgent", "label:urgent/a", "label:urg",
    "-label:work", "label:zzz",
    "is:unread", "is:archived", "-is:archived", "is:encrypted has:attachment", "has:attachment",
    "after:2023-11-20 before:2023-11-25", "-after:2023-11-20", "before:1999", "after:2200",
    "is:read invoice -label:urgent after:2023-11-20 from:ada", "zzz", "from:zzz -invoice", "<", "@",
)  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_finds_what_a_plain_look_finds(store: MailStore, text: str) -> None:
    items = _mail()
    for mailbox in Mailbox:
        wanted = MailFilter(mailbox, text=text)
        assert _found(store, wanted) == _expected(items, wanted, parse(text))


@pytest.mark.parametrize("label", [None, "work", "urgent", "Urgent/Ä", "none"])
@pytest.mark.parametrize("unread", [None, True, False])
@pytest.mark.parametrize("verified", [None, True, False])
def test_the_switches_of_a_filter_narrow_it(
    store: MailStore, label: str | None, unread: bool | None, verified: bool | None
) -> None:
    for mailbox in Mailbox:
        wanted = MailFilter(mailbox, label, "", unread, verified)
        assert _found(store, wanted) == _expected(_mail(), wanted, Query())


def test_typing_letter_by_letter_finds_what_the_whole_word_finds(store: MailStore) -> None:
    items = _mail()
    for text in ("invoice review from:ada.699", "-subject:draft zanzibar", "from:subject zan"):
        for length in [*range(len(text) + 1), *range(len(text), 0, -3)]:
            wanted = MailFilter(text=text[:length])
            assert _found(store, wanted) == _expected(items, wanted, parse(text[:length]))


def test_what_is_indexed_so_far_is_searched_newest_first(disk: Path) -> None:
    store = MailStore.open(disk)
    store.put_items(_mail())
    store.close()
    (disk / "mail.search").unlink()
    store = MailStore.open(disk)
    snapshot = store.snapshot()
    assert not snapshot.search_ready
    assert len(snapshot.select(MailFilter(text="ada"))) == 0
    assert store.build_search_text(lambda: True) is False
    view = snapshot.select(MailFilter(Mailbox.ALL, text="ada"))
    assert [view.message_id(p) for p in range(len(view))] == _found(store, MailFilter(Mailbox.ALL))[
        :500
    ]
    slices = count(1)
    assert store.build_search_text(lambda: next(slices) == 100)
    assert snapshot.search_ready
    assert next(slices) == 6
    store.close()


def test_changes_while_and_after_the_text_is_built_are_searched(disk: Path) -> None:
    store = MailStore.open(disk)
    chance = random.Random(4)
    items = {item.message_id: item for item in _mail()[:1_100]}
    store.put_items(items.values())
    for step in range(30):
        store.build_search_text(lambda: True)
        some = chance.sample(sorted(items), 30)
        store.remove(some[:10])
        for message_id in some[:10]:
            del items[message_id]
        changed = [replace(items[i], subject=f"changed {step}", labels=()) for i in some[10:20]]
        new = [inbox_item(10_000 + step * 20 + n, received_at=START + step) for n in range(5)]
        items |= {item.message_id: item for item in changed + new}
        store.put_items(changed + new)
        if step % 10 == 9:
            store.compact()
        if step > 5:
            for text in ("changed", "changed 2", "invoice", "subject:draft -label:work"):
                wanted = MailFilter(text=text)
                expected = _expected(list(items.values()), wanted, parse(text))
                assert sorted(_found(store, wanted)) == sorted(expected)
    store.close()


def test_a_store_without_messages_answers_every_filter(disk: Path) -> None:
    store = MailStore.open(disk)
    for text in TEXTS:
        assert _found(store, MailFilter(text=text, label="work")) == []
    assert store.build_search_text()
    assert store.snapshot().search_ready
    store.close()
