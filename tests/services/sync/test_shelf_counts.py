"""When what lies beside the mailbox is counted: soon after a reason, else rarely, and never in the way."""

from __future__ import annotations

from typing import Any

from services.api.offers import capabilities_of
from services.errors import Forbidden, ServiceError
from services.shelf_events import ShelvesCounted
from services.shelves import Shelf
from services.sync.pace import Pace
from services.sync.shelf_counts import MOST_HELD, ShelfCounter
from services.wire_values import FetchedMessage, InboxItem, InboxPage

PACE = Pace(shelves=600, shelves_gap=30)


class FakeShelf:
    """Holds so many messages; `asked` counts the questions about held mail."""

    capabilities = capabilities_of("agentmail.to")

    def __init__(self, held: int = 0) -> None:
        self.held, self.asked = held, 0
        self.fails: ServiceError | None = None

    async def list_shelf(
        self, shelf: Shelf, *, limit: int = 100, cursor: str | None = None
    ) -> InboxPage:
        if shelf is not Shelf.HELD:
            return InboxPage((), None)
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        shown = min(self.held, limit)
        items = tuple(InboxItem(f"m{n}") for n in range(shown))
        return InboxPage(items, "more" if self.held > limit else None)

    async def get_shelved(self, shelf: Shelf | None, message_id: str) -> FetchedMessage:
        raise Forbidden("Not here.")

    async def list_sent_in(self, thread_id: str) -> InboxPage:
        return InboxPage((), None)

    async def undelete_message(self, message_id: str) -> None:
        return


class Stage:
    """A counter on a clock that a test turns."""

    def __init__(self, held: int = 0) -> None:
        self.now = 1_000.0
        self.told: list[Any] = []
        self.shelf = FakeShelf(held)
        self.counter = ShelfCounter(self.told.append, lambda: self.now, PACE)

    async def look(self, after: float = 0, *, had_reason: bool = False) -> int:
        """Look after so many seconds; returns how often held mail was asked for till now."""
        self.now += after
        provider: Any = self.shelf
        await self.counter.after_look(provider, had_reason=had_reason)
        return self.shelf.asked


async def test_the_first_look_counts_and_the_next_of_the_clock_do_not() -> None:
    stage = Stage(held=3)
    assert await stage.look() == 1
    assert stage.told == [ShelvesCounted(held=3)]
    assert await stage.look(60) == 1
    assert await stage.look(60) == 1
    assert await stage.look(600) == 2
    assert len(stage.told) == 1


async def test_a_reason_is_followed_after_the_gap_and_not_forgotten() -> None:
    stage = Stage()
    assert await stage.look() == 1
    assert await stage.look(10, had_reason=True) == 1
    stage.shelf.held = 1
    assert await stage.look(25) == 2
    assert stage.told == [ShelvesCounted(held=1)]
    assert await stage.look(31) == 2


async def test_a_clock_that_was_set_back_stops_nothing() -> None:
    stage = Stage()
    await stage.look()
    assert await stage.look(-86_400) == 2


async def test_more_than_are_counted_are_told_as_more() -> None:
    stage = Stage(held=MOST_HELD + 1)
    await stage.look()
    assert stage.told == [ShelvesCounted(held=MOST_HELD, more_held=True)]


async def test_what_cannot_be_counted_is_told_to_nobody_and_tried_again() -> None:
    stage = Stage(held=2)
    stage.shelf.fails = Forbidden("The key may not do that.")
    assert await stage.look() == 1
    stage.shelf.fails = None
    assert await stage.look(600) == 2
    assert stage.told == [ShelvesCounted(held=2)]
