"""A real store in a temporary folder, and the values that make sync fast enough for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.events import Event, Notice
from services.ports import MailProvider
from services.sync.mailbox import Mailbox
from services.sync.pace import Pace
from tests.fakes.fake_provider import QUICK, FakeRenderer
from tests.fakes.no_wait_disk import FakeDisk


class Desktop:
    """Makes mailboxes over one folder, as successive runs of the program do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Event] = []
        self._open: list[MailStore] = []

    def start(self, provider: MailProvider | None, pace: Pace = QUICK) -> Mailbox:
        """Open the store (closing the one before) and return the mailbox on it."""
        self.stop()
        store = MailStore.open(self.folder, ops=FakeDisk())
        self._open.append(store)
        return Mailbox(store, provider, FakeRenderer(), self.events.append, pace=pace)

    def stop(self) -> None:
        while self._open:
            self._open.pop().close()

    @property
    def notices(self) -> list[str]:
        return [str(event.sentence) for event in self.events if isinstance(event, Notice)]


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    desktop = Desktop(tmp_path / "account")
    yield desktop
    desktop.stop()


@pytest.fixture
def start(desktop: Desktop) -> Callable[..., Mailbox]:
    return desktop.start
