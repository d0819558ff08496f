"""A store on the test's disk, and what its list says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.models import Mailbox, MailFilter


@pytest.fixture
def store(disk: Path) -> Iterator[MailStore]:
    store = MailStore.open(disk)
    yield store
    store.close()


def ids_of(store: MailStore, text: str = "") -> list[str]:
    """The ids in the order of the list."""
    view = store.snapshot().select(MailFilter(Mailbox.ALL, text=text))
    return [view.message_id(position) for position in range(len(view))]
