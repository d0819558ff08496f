"""The app on fake keys, and the way to its Keys screen."""

from __future__ import annotations

from textual.pilot import Pilot

from tests.fakes.fake_keys import FakeKeys, sample_keys
from tests.tui.app_stage import Stage, press, text_of, until

SMALL = (80, 24)


def stage_with(keys: FakeKeys | None = None) -> Stage:
    return Stage(keys=keys or FakeKeys(sample_keys()))


async def show(pilot: Pilot[int], stage: Stage, *typed: str) -> None:
    """Open the Keys screen, type on it, and let every dialog be long enough on screen."""
    await press(pilot, "g", "k")
    await until(pilot, lambda: "Directory" in text_of(stage.app))
    await type_slowly(pilot, stage, *typed)


async def type_slowly(pilot: Pilot[int], stage: Stage, *typed: str) -> None:
    """Type, and let every dialog be long enough on screen."""
    for key in typed:
        await press(pilot, key)
        stage.clock.now += 1
