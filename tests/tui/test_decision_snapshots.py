"""Review, approvals, outbox, sent and audit as plain rows at three sizes (see test_snapshots)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.pilot import Pilot

from services.outbound_models import CheckLevel, CheckView, ReviewView
from services.safe_text import ui
from tests.fakes.fake_decisions import OWN
from tests.tui.app_stage import press, rows_of, text_of, until
from tests.tui.decision_stage import LONG_PROPOSAL, DecisionStage
from tests.tui.test_snapshots import SIZES, compare
from tui.screens.side_screen import SideScreen

IDS = ["60x20", "80x24", "140x40"]
REFUSED = replace(
    OWN,
    refusal=ui("research has another key than the pinned one."),
    next_step=ui("Compare the keys: g k."),
    checks=(CheckView("changed_key", CheckLevel.REFUSED, ui("The key of research has changed.")),),
)
REVIEWS: dict[str, tuple[ReviewView, tuple[str, ...], str]] = {
    "review": (OWN, (), "Ctrl+X"),
    "review-details": (OWN, ("h",), "application/pdf"),
    "review-refused": (REFUSED, (), "Cannot be sent"),
    "review-folded": (LONG_PROPOSAL, ("G",), "T shows them"),
    "review-diff": (LONG_PROPOSAL, ("d",), "revision 3 against 2"),
    "review-reject": (LONG_PROPOSAL, ("X",), "Reject what"),
}
"""What is reviewed, what is typed, and what tells that it is drawn."""
LISTS: dict[str, tuple[tuple[str, ...], str]] = {
    "approvals": (("g", "p"), "digest"),
    "approvals-decided": (("g", "p", "v", "G"), "Enter shows the mail"),
    "outbox": (("g", "o"), "Quarterly"),
    "outbox-uncertain": (("g", "o", "j", "j", "enter"), "may have left"),
    "sent": (("g", "S"), "Contract"),
    "sent-copy": (("g", "S", "enter"), "this is what left"),
    "audit": (("g", "A"), "chain holds"),
    "audit-find": (("g", "A", "/", "b", "i"), "1 listed"),
}
ONCE = {"review-details", "review-reject", "approvals-decided", "outbox-uncertain", "sent-copy",
        "audit-find"}  # fmt: skip
"""Shown at 80x24 only: on another screen they look the same."""


@pytest.mark.parametrize("size", SIZES, ids=IDS)
async def test_every_review_looks_as_agreed(size: tuple[int, int]) -> None:
    for name, (view, typed, seen) in REVIEWS.items():
        if name in ONCE and size != (80, 24):
            continue
        stage = DecisionStage(view)
        async with stage.app.run_test(size=size) as pilot:
            await stage.review(pilot, view.draft_id)
            stage.wait()
            await press(pilot, *typed)
            await _drawn(pilot, stage, "" if name == "review" and size[0] < 80 else seen)
            compare(name, size, rows_of(stage.app))


@pytest.mark.parametrize("size", SIZES, ids=IDS)
async def test_every_list_looks_as_agreed(size: tuple[int, int]) -> None:
    for name, (typed, seen) in LISTS.items():
        if name in ONCE and size != (80, 24):
            continue
        stage = DecisionStage()
        async with stage.app.run_test(size=size) as pilot:
            for key in typed:
                await press(pilot, key)
            stage.wait()
            await _drawn(pilot, stage, seen)
            compare(name, size, rows_of(stage.app))


async def _drawn(pilot: Pilot[int], stage: DecisionStage, seen: str) -> None:
    """Wait until it is on screen, with the hints of a review that was there for long enough."""
    for screen in stage.app.screen_stack:
        if isinstance(screen, SideScreen):
            screen.show_hints()
    await until(pilot, lambda: seen in text_of(stage.app))
    await press(pilot)
