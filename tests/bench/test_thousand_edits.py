"""Approve what you see, at full count: a thousand random edits between the screen and the decision."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.outbound.conftest import (  # noqa: F401 - fixtures
    Party,
    alice,
    bob,
    own_keys,
    sandbox,
    storage,
    stored_session,
)
from tests.services.outbound.test_approve_what_you_see import Desk, desk, edit_and_decide  # noqa: F401


@pytest.mark.timeout(300)
async def test_a_thousand_edits_between_screen_and_decision_void_it(
    desk: Desk,  # noqa: F811
    bob: Party,  # noqa: F811
    tmp_path: Path,
) -> None:
    await edit_and_decide(desk, bob, tmp_path, 1_000, seed=2026)
