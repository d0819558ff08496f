"""An engine as the screens see it: real threads, the real cache, and every event it has told."""

from __future__ import annotations

import queue
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from services import events, requests
from services.api.assmbl import AssmblClient
from services.engine import Engine
from services.models import Mailbox, MailFilter, SyncPhase
from services.sync.pace import Pace
from tests.fakes.fake_provider import QUICK, FakeRenderer
from tests.patience import PATIENCE

BRISK = replace(
    QUICK, poll=0.05, delete_grace=30.0, first_retry=0.02, longest_retry=0.05, longest_wait=60.0
)
MAIL = "From: Ann <ann@example.com>\r\nTo: me@example.com\r\nSubject: {}\r\n\r\nHello {}\r\n"
E = TypeVar("E")


class Run:
    """One engine and the events it has told."""

    def __init__(self, folder: Path, provider: Any, pace: Pace = BRISK, **options: Any) -> None:
        self._queue: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.told: list[events.Event] = []
        options.setdefault("renderer", FakeRenderer)
        self.engine = Engine(
            store_folder=folder,
            provider=provider,
            on_event=self._queue.put,
            pace=pace,
            **options,
        )
        self.engine.start()

    def wait(self, kind: type[E], matches: Callable[[E], object] = lambda _: True) -> E:
        """Return the next event of a kind that matches; fails when nothing comes."""
        for _ in range(5_000):
            event = self._queue.get(timeout=PATIENCE)
            self.told.append(event)
            if isinstance(event, kind) and matches(event):
                return event
        raise AssertionError(f"no {kind.__name__} that matches")

    def stop(self) -> None:
        """Stop it, however long a busy machine takes for that."""
        self.engine.stop(PATIENCE)
        assert not self.engine._thread.is_alive()

    def phase(self, phase: SyncPhase) -> events.SyncStateChanged:
        return self.wait(events.SyncStateChanged, lambda event: event.state.phase is phase)

    def waiting(self, count: int) -> events.SyncStateChanged:
        return self.wait(events.SyncStateChanged, lambda event: event.state.waiting == count)

    def answer(self, request: requests.Request, kind: type[E]) -> E:
        """Ask for something and return the answer to it."""
        request_id = self.engine.request(request)
        return self.wait(kind, lambda event: getattr(event, "request_id", 0) == request_id)

    @property
    def ids(self) -> list[str]:
        snapshot = self.engine.snapshot
        assert snapshot is not None
        rows = snapshot.select(MailFilter(Mailbox.ALL))
        return [rows.message_id(n) for n in range(len(rows))]


async def no_wait(seconds: float) -> None:
    return


async def item_of(provider: AssmblClient, message_id: str) -> Any:
    found = await provider.get_message(message_id)
    await provider.aclose()
    return found.item
