"""AgentMail.to live: the sandbox's /v0 door, clients of its inboxes, engines over them.

client  the client of its first inbox; pauses between attempts take no time
run     makes an engine over the first inbox that never looks by itself, only when told
"""

from __future__ import annotations

import queue
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from services import events
from services.api.agentmail_to.client import AgentMailToClient
from services.engine import Engine
from services.models import Mailbox, MailFilter, MessageRow
from services.sync.pace import Pace
from tests.fakes.fake_provider import FakeRenderer
from tests.patience import PATIENCE
from tests.services.sandbox.agentmail_to.v0_control import Org, V0Control

E = TypeVar("E")
NEVER = 100_000.0
TOLD = replace(
    Pace(), poll=NEVER, full=NEVER, full_gap=0.0, first_retry=0.02, longest_retry=0.05,
    publish=0.01, push_gap=0.01, push_steady=NEVER,
)  # fmt: skip
"""No look and no walk by the clock: what is seen was told, or found because of what was told."""


@pytest.fixture
def client_for(v0: V0Control) -> Callable[..., AgentMailToClient]:
    """Make a client with a key and an inbox; on the caller's loop, which closes it."""
    return lambda key, inbox: AgentMailToClient(v0.base_url, key, inbox, sleep=no_pause)


@pytest.fixture
async def client(v0: V0Control, org: Org) -> AsyncIterator[AgentMailToClient]:
    """The client of the first inbox."""
    made = AgentMailToClient(v0.base_url, org.key, org.one, sleep=no_pause)
    yield made
    await made.aclose()


async def no_pause(_seconds: float) -> None:
    """Time between two attempts that a test does not wait for."""


class Run:
    """One engine over an inbox, and what it has told."""

    def __init__(self, folder: Path, provider: Callable[[], Any], pace: Pace = TOLD) -> None:
        self._queue: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.told: list[events.Event] = []
        self._folder, self._provider, self._pace = folder, provider, pace
        self.engine = self.make_engine(self._queue.put)
        self.engine.start()

    def make_engine(self, emit: Callable[[events.Event], None]) -> Engine:
        return Engine(
            store_folder=self._folder,
            provider=self._provider,
            renderer=FakeRenderer,
            on_event=emit,
            pace=self._pace,
        )

    def wait(self, kind: type[E], matches: Callable[[E], object] = lambda _: True) -> E:
        """Return the next event of a kind that matches; fails when nothing comes."""
        for _ in range(5_000):
            event = self._queue.get(timeout=PATIENCE)
            self.told.append(event)
            if isinstance(event, kind) and matches(event):
                return event
        raise AssertionError(f"no {kind.__name__} that matches")

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds, here or at the service; fails when it does not."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.subjects
            with suppress(queue.Empty):
                self.told.append(self._queue.get(timeout=0.05))

    def stop(self) -> None:
        """Stop it, however long a busy machine takes for that."""
        self.engine.stop(PATIENCE)
        assert not self.engine._thread.is_alive()

    def drain(self) -> None:
        with suppress(queue.Empty):
            while True:
                self.told.append(self._queue.get_nowait())

    @property
    def rows(self) -> list[MessageRow]:
        snapshot = self.engine.snapshot
        if snapshot is None:
            return []
        found = snapshot.select(MailFilter(Mailbox.ALL))
        return [found.row(n) for n in range(len(found))]

    @property
    def subjects(self) -> list[str]:
        """What the list shows, newest first."""
        return [str(row.subject) for row in self.rows]

    @property
    def sentences(self) -> list[str]:
        return [str(one.sentence) for one in self.told if isinstance(one, events.Notice)]


@pytest.fixture
def run(tmp_path: Path, client_for: Any, org: Org) -> Iterator[Callable[..., Run]]:
    """Start an engine; it is stopped after the test."""
    runs: list[Run] = []

    def start(*, key: str = "", inbox: str = "", pace: Pace = TOLD, name: str = "account") -> Run:
        made = Run(tmp_path / name, lambda: client_for(key or org.key, inbox or org.one), pace)
        runs.append(made)
        return made

    yield start
    for made in runs:
        made.stop()
