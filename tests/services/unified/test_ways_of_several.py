"""Which ways out a mail has is told for the account that it leaves from."""

from __future__ import annotations

from collections.abc import Callable

from services.draft import BodyFormat
from services.way_events import AskWays, WaysTold
from tests.services.unified.household import Household


def test_each_account_tells_its_own_ways_out(household: Callable[..., Household]) -> None:
    one = household("work", "home")
    for asked, named in (("home", "home"), ("work", "work"), ("", "work")):
        told = one.answer(AskWays(asked), WaysTold)
        assert [(way.via, way.format) for way in told.ways] == [
            ("", BodyFormat.PLAIN), ("ses", BodyFormat.PLAIN), ("ses", BodyFormat.MARKDOWN),
            ("ses", BodyFormat.HTML),
        ]  # fmt: skip
        assert not told.ways[0].hindrance
        assert all(f"[accounts.{named}.ses]" in way.hindrance for way in told.ways[1:])
