"""The trash of one mailbox when it cannot be had, is refused, or is larger than a look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.api.offers import capabilities_of
from services.cache.store import MailStore
from services.errors import CacheLocked, Offline, ServiceError, TimedOut, UsageError
from services.events import RequestFailed, SyncStateChanged
from services.models import SyncPhase
from services.ports import Capabilities
from services.shelf_events import ListShelf, RestoreTrashed, ShelfListed, TrashRestored
from services.shelves import Shelf
from services.sync.connecting import Connecting
from services.sync.mailbox import Mailbox
from services.sync.shelf_desk import MOST, ShelfDesk
from services.wire_values import FetchedMessage, InboxItem, InboxPage
from tests.fakes.no_wait_disk import FakeDisk
from tests.services.live.conftest import Run
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control, mail

Start = Callable[..., Run]
Make = Callable[..., ShelfDesk]


def test_a_refused_restore_is_told_and_the_message_stays(
    v0: V0Control, org: Org, run: Start
) -> None:
    labels = ["received", "unread", "trash"]
    message_id = v0.receive(org.one, mail("Kept"), labels=labels)["message_id"]
    may = {"message_read": True, "inbox_read": True, "label_trash_read": True}
    made = run(key=v0.key(org, permissions=may))
    _synced(made)
    assert _listed(made) == ["Kept"]
    asked = made.engine.request(RestoreTrashed(message_id))
    made.wait(RequestFailed, lambda told: told.request_id == asked)
    assert _listed(made) == ["Kept"]
    assert made.subjects == []


def test_what_was_deleted_here_lies_there_and_comes_back_as_it_was(
    v0: V0Control, org: Org, run: Start
) -> None:
    labels = ["received", "trash", "archived", "money"]
    message_id = v0.receive(org.one, mail("Old"), labels=labels)["message_id"]
    made = run()
    _synced(made)
    assert _listed(made) == ["Old"]
    asked = made.engine.request(RestoreTrashed(message_id))
    told = made.wait(TrashRestored, lambda told: told.request_id == asked)
    assert "it is archived again" in str(told.sentence)
    made.until(lambda: made.subjects == ["Old"])
    assert [str(label) for label in made.rows[0].labels] == ["money"]
    assert _listed(made) == []


def _synced(made: Run) -> None:
    made.wait(SyncStateChanged, lambda told: told.state.phase is SyncPhase.SYNCED)


def _listed(made: Run) -> list[str]:
    asked = made.engine.request(ListShelf(Shelf.TRASH))
    found = made.wait(ShelfListed, lambda told: told.request_id == asked)
    return [str(row.subject) for row in found.rows]


# ── over a service in memory ─────────────────────────────────────────────────────────────────────


class FakeShelf:
    """A trash of `count` messages in pages of 100; `fails_after` is the part that does not answer."""

    capabilities = capabilities_of("agentmail.to")

    def __init__(self, count: int, fails: ServiceError | None = None) -> None:
        self.count, self.fails = count, fails
        self.asked = 0
        self.back: list[str] = []

    async def list_shelf(
        self, shelf: Shelf, *, limit: int = 100, cursor: str | None = None
    ) -> InboxPage:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        start = int(cursor or 0)
        stop = min(start + 100, self.count)
        items = tuple(InboxItem(f"m{n}", received_at=10_000 - n) for n in range(start, stop))
        return InboxPage(items, str(stop) if stop < self.count else None)

    async def get_shelved(self, shelf: Shelf | None, message_id: str) -> FetchedMessage:
        raise TimedOut("Too slow.")

    async def list_sent_in(self, thread_id: str) -> InboxPage:
        return InboxPage((), None)

    async def undelete_message(self, message_id: str) -> None:
        self.back.append(message_id)

    async def get_message(self, message_id: str) -> FetchedMessage:
        raise TimedOut("Too slow.")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = MailStore.open(tmp_path / "account", ops=FakeDisk())
    yield made
    made.close()


def desk(store: MailStore, shelf: Any, told: list[Any], kind: str = "agentmail.to") -> ShelfDesk:
    mailbox = Mailbox(store, None, None, offers=lambda: capabilities_of(kind))
    mailbox.provider = shelf
    return ShelfDesk(mailbox, Connecting(), told.append)


@pytest.mark.parametrize(
    ("count", "shown", "more"), [(0, 0, False), (1_000, 1_000, False), (10_000, MOST, True)]
)
async def test_a_look_into_a_large_trash_is_bounded_and_says_so(
    store: MailStore, count: int, shown: int, more: bool
) -> None:
    shelf = FakeShelf(count)
    listed = await desk(store, shelf, []).look(Shelf.TRASH)
    assert (len(listed.rows), listed.more) == (shown, more)
    assert shelf.asked == max(1, shown // 100)
    dates = [row.received_at for row in listed.rows]
    assert dates == sorted(dates, reverse=True)
    assert store.snapshot().counts.total == 0


class EndlessShelf(FakeShelf):
    """Sends the same page for ever."""

    async def list_shelf(
        self, shelf: Shelf, *, limit: int = 100, cursor: str | None = None
    ) -> InboxPage:
        self.asked += 1
        return InboxPage((InboxItem("m"),), "again")


async def test_a_trash_without_end_is_given_up(store: MailStore) -> None:
    shelf = EndlessShelf(1)
    listed = await desk(store, shelf, []).look(Shelf.TRASH)
    assert len(listed.rows) == 1
    assert listed.more
    assert shelf.asked == 2


async def test_without_a_connection_or_a_trash_it_is_said_which(store: MailStore) -> None:
    with pytest.raises(Offline, match="no connection"):
        await desk(store, None, []).look(Shelf.TRASH)
    with pytest.raises(UsageError, match="gone for good"):
        await desk(store, None, [], "assmbl").look(Shelf.TRASH)
    with pytest.raises(TimedOut):
        await desk(store, FakeShelf(1, TimedOut("Too slow.")), []).look(Shelf.TRASH)
    assert not Capabilities().trash


async def test_a_message_that_is_back_is_told_so_though_it_cannot_be_fetched(
    store: MailStore,
) -> None:
    told: list[Any] = []
    shelf = FakeShelf(1)
    await desk(store, shelf, told).answer(1, RestoreTrashed("m0"))
    assert shelf.back == ["m0"]
    assert "the next look" in str(told[0].sentence)


async def test_an_instance_that_only_reads_brings_nothing_back(
    store: MailStore, tmp_path: Path
) -> None:
    store.checkpoint()
    reader = MailStore.open(tmp_path / "account", read_only=True, ops=FakeDisk())
    shelf = FakeShelf(1)
    with pytest.raises(CacheLocked):
        await desk(reader, shelf, []).answer(1, RestoreTrashed("m0"))
    assert shelf.back == []
    reader.close()
