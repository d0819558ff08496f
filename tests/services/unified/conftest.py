"""Fixtures of several accounts at once.

household   starts a unified engine over fresh accounts: `household("work", "home")`
both        runs over two inboxes of AgentMail.to ("t1", "t2") and an Assmbl account ("a1")
both_kinds  the same over two Assmbl accounts ("a1", "a2") and two inboxes of AgentMail.to ("t1", "t2")
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SandboxControl
from tests.services.sandbox.agentmail_to.v0_control import V0Control
from tests.services.unified.household import Household, Member, assmbl_member, v0_members

Start = Callable[..., Household]


@pytest.fixture
def running() -> Iterator[list[Household]]:
    """Households that are stopped after the test."""
    made: list[Household] = []
    yield made
    for one in made:
        one.stop()


@pytest.fixture
def household(sandbox: SandboxControl, disk: Path, running: list[Household]) -> Start:
    """Start over fresh accounts of these names, or over members that are given."""

    def start(
        *whom: str | Member, before: Callable[[Household], None] | None = None, **options: Any
    ) -> Household:
        members = [
            assmbl_member(sandbox, disk, one) if isinstance(one, str) else one for one in whom
        ]
        made = Household(members, **options)
        running.append(made)
        if before is not None:
            before(made)
        made.engine.start()
        return made

    return start


@pytest.fixture
def both(sandbox: SandboxControl, v0: V0Control, disk: Path, household: Start) -> Household:
    """Two inboxes of AgentMail.to, and an Assmbl account, whose service has nothing beside a mailbox."""
    return household(*v0_members(v0, disk, "t1", "t2"), assmbl_member(sandbox, disk, "a1"))


@pytest.fixture
def both_kinds(sandbox: SandboxControl, disk: Path) -> list[Member]:
    """Two accounts of each kind."""
    assmbl = [assmbl_member(sandbox, disk, name) for name in ("a1", "a2")]
    return [*assmbl, *v0_members(V0Control(sandbox), disk, "t1", "t2")]
