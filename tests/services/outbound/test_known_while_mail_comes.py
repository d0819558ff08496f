"""Who has written is asked in a thread of its own, while the mailbox takes in mail and changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.cache.store import MailStore
from services.outbound.outbox.history import KnownPeople
from services.wire_values import InboxItem


def item(message_id: str, sender: str, thread: str = "t1") -> InboxItem:
    return InboxItem(
        message_id, sender=sender, sender_verified=True, extra={"thread_id": thread},
        received_at=int(message_id[1:]),
    )  # fmt: skip


FIRST = item("m1", "Ann <ann@big.example>")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MailStore]:
    store = MailStore.open(tmp_path / "account")
    store.put_items([FIRST, item("m2", "Bo <bo@big.example>")])
    yield store
    store.close()


def read(store: MailStore) -> None:
    store.put_items([replace(FIRST, is_read=True)])


def label(store: MailStore) -> None:
    store.put_items([replace(FIRST, labels=("other",))])


def remove(store: MailStore) -> None:
    store.remove([FIRST.message_id])


@pytest.mark.parametrize("change", [read, label, remove], ids=lambda change: change.__name__)
def test_it_is_answered_by_the_picture_that_was_published_last(
    store: MailStore, change: Callable[[MailStore], None]
) -> None:
    lender: Any = SimpleNamespace(mail=SimpleNamespace(snapshot=store.snapshot()))
    outbox: Any = SimpleNamespace(settled=tuple)
    change(store)
    # Known senders, who are no first contact: their mail leaves the flags as they are shared.
    store.put_items([item(f"m{n}", "Bo <bo@big.example>") for n in range(3, 90)])
    people = KnownPeople(lender, outbox, None, lambda: 1)
    assert people.has_written("ann@big.example")
    assert people.has_written("bo@big.example")
    assert people.has_written("ann@big.example", "m2")
    assert not people.has_written("bo@big.example", "m9")
    assert not people.has_written("cy@big.example")
