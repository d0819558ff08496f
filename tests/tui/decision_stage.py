"""The app on reviews, proposals, outbox and audit in memory, and the ways to its screens."""

from __future__ import annotations

import asyncio
import string
from dataclasses import replace
from typing import Any

from textual.pilot import Pilot

from services.events import OutboundRequest
from services.outbound_models import ReviewView
from tests.fakes.fake_decisions import OWN, PROPOSED, FakeDecisions, digest_of, lines
from tests.tui.app_stage import Stage, press, text_of, until
from tui.screens.review import Outcome, ReviewScreen

SMALL = (80, 24)
LONG = replace(
    OWN, body=lines("\n".join(f"line {number} of many" for number in range(214))), files=()
)
LONG_PROPOSAL = replace(PROPOSED, body=LONG.body, digest=digest_of("long"))
EVERY_KEY = [
    *string.ascii_letters, *string.digits, *"!#$%&'()*+,-./;<=>@[\\]^_`{|}~", "enter", "space",
    "tab", "escape", "backspace", "delete", "insert", "home", "end", "pageup", "pagedown", "up",
    "down", "left", "right", *(f"f{number}" for number in range(1, 12)),
    *(f"ctrl+{letter}" for letter in "abdefgklnorstuvwxyz"),
]  # fmt: skip


class DecisionStage(Stage):
    """A stage whose engine answers what is asked about outgoing mail; `outcomes` of reviews."""

    def __init__(self, *reviews: ReviewView, **more: Any) -> None:
        self.desk = FakeDecisions(*reviews)
        self.outcomes: list[Outcome | None] = []
        super().__init__(outbound=self.desk, **more)

    @property
    def outbound_requests(self) -> list[Any]:
        return [one for one in self.engine.requests if isinstance(one, OutboundRequest)]

    async def open_review(self, pilot: Pilot[int], draft_id: str = "d3") -> ReviewScreen:
        """Open a review, once the app takes keys: before its first mail is painted it keeps them."""
        await until(pilot, lambda: self.mail.panes.messages.count and not self.app._keys._held)
        screen = ReviewScreen(self.mail.outbound.news, self.app._session, draft_id, "main")
        self.app.push_screen(screen, self.outcomes.append)
        return screen

    async def review(self, pilot: Pilot[int], draft_id: str = "d3") -> ReviewScreen:
        """Open a review, and wait until it is drawn."""
        screen = await self.open_review(pilot, draft_id)
        await until(pilot, lambda: "digest" in text_of(self.app))
        await press(pilot)
        return screen

    async def approvals(self, pilot: Pilot[int]) -> None:
        """Open the Approvals screen, and wait until the first proposal is drawn."""
        await press(pilot, "g", "p")
        await until(pilot, lambda: "digest" in text_of(self.app) or "Nothing" in text_of(self.app))
        await press(pilot)

    def wait(self, seconds: float = 1.0) -> None:
        """Let time pass on the clock that decisions look at.

        The timer of the screen is a real one: on a busy machine it may have rung before this clock
        moves, and would not ring again.
        """
        self.clock.now += seconds
        deciding = getattr(self.app.screen, "deciding", None)
        if deciding is not None:
            self.app.screen.call_later(deciding._changed)

    async def look_through(self, pilot: Pilot[int]) -> None:
        """Page down until nothing is unseen, and wait a moment."""
        for _ in range(200):
            if "not seen yet" not in text_of(self.app):
                break
            await press(pilot, "space")
        self.wait()
        await asyncio.sleep(0)
