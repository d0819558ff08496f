"""The compose screen over drafts in memory; run as a program, in a real terminal.

`python -m tests.tui.compose_stage` opens the app; the tests press `c` or `r`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from services.draft import Draft
from services.outbound_events import SuggestRecipients
from tests.fakes.fake_drafts import FakeDrafts
from tests.tui.app_stage import Stage, StagedApp, press, until
from tui.app import run
from tui.open_draft import OpenDraft
from tui.screens.compose import ComposeScreen


def stage_with(drafts: FakeDrafts, **options: Any) -> Stage:
    """The whole app over drafts in memory."""
    return Stage(outbound=drafts, **options)


def compose_of(stage: Stage) -> ComposeScreen:
    screen = stage.app.screen
    assert isinstance(screen, ComposeScreen)
    return screen


async def begin(pilot: Pilot[Any], stage: Stage, key: str = "c") -> OpenDraft:
    """Press a key that begins a draft, and wait until it is on the screen."""
    await press(pilot, key)
    await until(
        pilot,
        lambda: isinstance(stage.app.screen, ComposeScreen) and stage.app.screen.draft is not None,
    )
    await press(pilot)
    draft = compose_of(stage).draft
    assert draft is not None
    return draft


async def suggested(pilot: Pilot[Any], drafts: FakeDrafts, text: str) -> None:
    """Wait until the suggestions on the screen are those for all that was typed, and not for less."""
    await until(
        pilot,
        lambda: any(
            isinstance(one, SuggestRecipients) and one.text == text for one in drafts.requests
        ),
    )
    await press(pilot)


def letters(text: str) -> tuple[str, ...]:
    """The keys that type a text."""
    named = {" ": "space", "\n": "enter"}
    return tuple(named.get(char, char) for char in text)


def kept(drafts: FakeDrafts) -> Draft:
    """The one draft that is kept."""
    (draft,) = drafts.kept.values()
    return draft


def main() -> int:
    StagedApp.sets_marks = True
    stage = stage_with(FakeDrafts())
    return run(stage.app, Path("/nonexistent/crash"))


if __name__ == "__main__":
    raise SystemExit(main())
