"""Two hundred kills in the middle of typing; the suite has twenty of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.typing_kills import killed


@pytest.mark.timeout(1_800)
def test_two_hundred_kills_lose_two_seconds_of_typing_at_most(tmp_path: Path) -> None:
    runs = killed(tmp_path, 200)
    assert all(run.is_prefix for run in runs)
    assert max(len(run.drafts) for run in runs) == 1
    ages = sorted(run.lost_age for run in runs)
    print(f"oldest lost letter: {ages[-1]:.2f} s, median {ages[100]:.2f} s")
    assert ages[-1] <= 2.0
