"""A picture of the mailbox is read by other threads while mail comes in and is changed behind it.

An edit gives the mailbox new columns, in which what comes later stands; those that the picture
shares with it go on growing. So an older picture has columns of different lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from services.cache.snapshot import MailSnapshot
from services.cache.store import MailStore
from services.models import MailFilter
from tests.fakes.inbox_items import inbox_item, pages

OLD, NEW = inbox_item(3), inbox_item(500)


@pytest.fixture
def store(disk: Path) -> Iterator[MailStore]:
    store = MailStore.open(disk)
    store.put_items(pages(1)[0])
    yield store
    store.close()


def read(store: MailStore) -> None:
    store.put_items([replace(OLD, is_read=not OLD.is_read)])


def label(store: MailStore) -> None:
    store.put_items([replace(OLD, labels=("other",))])


def rewrite(store: MailStore) -> None:
    store.replace_item(replace(OLD, subject="Another"))


def remove(store: MailStore) -> None:
    store.remove([OLD.message_id])


EDITS = [read, label, rewrite, remove]


@pytest.fixture(params=EDITS, ids=lambda edit: edit.__name__)
def older(request: pytest.FixtureRequest, store: MailStore) -> MailSnapshot:
    """A picture from before an edit and some arrivals."""
    edit: Callable[[MailStore], None] = request.param
    picture = store.snapshot()
    edit(store)
    store.put_items([NEW, *(inbox_item(number) for number in range(600, 700))])
    return picture


def test_it_does_not_know_what_came_since(older: MailSnapshot) -> None:
    assert older.slot_of(NEW.message_id) is None
    assert older.row_of(NEW.message_id) is None
    assert older.select(MailFilter()).position_of(NEW.message_id) is None


def test_what_it_knows_can_be_read_slot_by_slot(older: MailSnapshot) -> None:
    slots = older.slots
    ids = [older.document_at(slot)["i"] for slot in slots]
    assert sorted(ids) == sorted(item.message_id for item in pages(1)[0])
    assert all(older.columns.alive(slot) for slot in slots)


def test_a_search_in_it_finds_no_opened_text_that_came_since(
    store: MailStore, older: MailSnapshot
) -> None:
    store.opened.put([(NEW.message_id, ("Ada", "Subject", "needle"))])
    assert len(older.select(MailFilter(text="needle"))) == 0
