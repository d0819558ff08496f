"""1,000 random interleavings of local changes, pages, changes elsewhere, failures and restarts.

The model is the service itself: whatever happened, what is shown must in the end be what the service
has, with the changes that still wait folded over it. The disk is not waited for here: what survives a
kill is proved with the real disk in test_kill.py and by the cache's own tests.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from pathlib import Path

import pytest

from services.cache.store import MailStore
from services.errors import (
    BadAnswer,
    Forbidden,
    MailError,
    Offline,
    RateLimited,
    Rejected,
    ServerBroken,
    TimedOut,
)
from services.sync import edits
from services.sync.mailbox import Mailbox
from services.wire_values import InboxItem
from tests.fakes.fake_batch_provider import FakeBatchProvider
from tests.fakes.fake_provider import QUICK, FakeProvider, items, until
from tests.fakes.no_wait_disk import FakeDisk

PASSING = (Offline, TimedOut, RateLimited, ServerBroken, BadAnswer)
REFUSING = (Rejected, Forbidden)
LABELS = ("a", "b", "c")


class World:
    """A service, a program with its background sender, and a random hand over both."""

    def __init__(self, folder: Path, seed: int, kind: type[FakeProvider] = FakeProvider) -> None:
        self.random = random.Random(seed)
        cursors = self.random.choice(("keyset", "offset"))
        self.provider = kind(items(30, labels=("a",)), page=7, cursors=cursors)
        self.provider.before, self.provider.after = self._before, self._after
        self.folder = folder
        self.faults = 0.0
        self.arrived = 30
        self.start()

    def start(self) -> None:
        self.store = MailStore.open(self.folder, ops=FakeDisk())
        self.mailbox = Mailbox(self.store, self.provider, None, pace=QUICK)
        self.sending = asyncio.get_running_loop().create_task(self.mailbox.sender.run())

    async def stop(self) -> None:
        """End the program in the middle of whatever it does."""
        self.sending.cancel()
        await asyncio.gather(self.sending, return_exceptions=True)
        self.store.close()

    async def _before(self, operation: str) -> None:
        message_id = self.provider.requests[-1][1]
        await self._dawdle()
        if self.random.random() < self.faults:
            raise self.random.choice(PASSING)("trouble", retry_after=0.001, uncertain=False)
        if operation.startswith(("patch", "batch")) and self.random.random() < self.faults / 2:
            raise self.random.choice(REFUSING)("no", status=400)
        # Refused only while it is there: after a lost answer the service would say 404.
        exists = message_id in self.provider.content
        if operation == "delete_message" and exists and self.random.random() < self.faults / 2:
            raise Forbidden("no", status=403)

    async def _after(self, operation: str) -> None:
        await self._dawdle()
        if self.random.random() < self.faults:
            raise self.random.choice(PASSING)("the answer was lost", uncertain=True)

    async def _dawdle(self) -> None:
        for _ in range(self.random.randrange(6)):
            await asyncio.sleep(0)

    def some(self) -> list[str]:
        known = sorted(self.provider.content) or ["m0"]
        return self.random.sample(known, min(len(known), self.random.choice((1, 1, 1, 3, 8))))

    async def act(self, elsewhere: bool) -> None:
        """Do one random thing, at a random time, and survive what the service says to it."""
        await self._dawdle()
        with suppress(MailError):
            if elsewhere and self.random.random() < 0.3:
                self._act_elsewhere()
            elif self.random.random() < 0.75:
                await self._act_here()
            else:
                await self.mailbox.sync(full=self.random.random() < 0.5, loud=False)

    def _act_elsewhere(self) -> None:
        pick, provider = self.random, self.provider
        match pick.randrange(3):
            case 0:
                provider.arrive(items(pick.randrange(1, 6), start=self.arrived))
                self.arrived += 6
            case 1:
                changed = pick.choice(LABELS)
                provider.change(self.some()[0], is_read=pick.random() < 0.5, labels=(changed,))
            case 2:
                provider.lose(self.some()[0])

    async def _act_here(self) -> None:
        pick, mailbox = self.random, self.mailbox
        label, other = pick.sample(LABELS, 2)
        match pick.randrange(8):
            case 0 | 1:
                await mailbox.mark_read(self.some(), pick.random() < 0.5)
            case 2 | 3:
                await mailbox.change_labels(self.some(), add=(label,), remove=(other,))
            case 4:
                await mailbox.archive(self.some(), pick.random() < 0.7)
            case 5:
                await mailbox.delete(self.some()[:2])
            case _:
                undone = await mailbox.undo()
                self.is_uncertain |= bool(undone and undone.uncertain)

    async def run_round(self, elsewhere: bool, crash: bool) -> None:
        """Do some things at once; with `crash` the program ends in the middle of them."""
        self.is_uncertain = False
        acts = [
            asyncio.create_task(self.act(elsewhere)) for _ in range(self.random.randrange(2, 9))
        ]
        if crash:
            await self._dawdle()
            for act in acts:
                act.cancel()
        for outcome in await asyncio.gather(*acts, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome
        if crash:
            await self.stop()
            self.start()

    async def deliver(self) -> None:
        """Let the service recover and everything that waits be sent."""
        self.faults = 0.0
        await until(lambda: not self.mailbox.waiting)

    async def fall_silent(self) -> None:
        """Send nothing any more; what waits goes on waiting."""
        self.faults = 0.0
        self.sending.cancel()
        await asyncio.gather(self.sending, return_exceptions=True)

    def expected(self) -> dict[str, InboxItem]:
        shown = {}
        for message_id, item in self.provider.content.items():
            rows = self.mailbox._changes.journal.open_rows(message_id)
            after = edits.fold((row.edit for row in rows), item)
            if after is not None:
                shown[message_id] = after
        return shown

    def shown(self) -> dict[str, InboxItem | None]:
        return {message_id: self.store.item(message_id) for message_id in self.store.ids()}


@pytest.mark.parametrize("kind", [FakeProvider, FakeBatchProvider], ids=["one by one", "batches"])
@pytest.mark.parametrize("seed", range(10))
async def test_what_is_shown_is_the_service_and_what_waits_after_any_interleaving(
    tmp_path, seed, kind
):
    world = World(tmp_path / "account", seed, kind)
    for number in range(100):
        elsewhere = world.random.random() < 0.5
        world.faults = world.random.choice((0.0, 0.1, 0.4))
        await world.run_round(elsewhere, crash=world.random.random() < 0.2)
        is_sent = number % 3 != 0
        if is_sent:
            await world.deliver()
        else:
            await world.fall_silent()
        if is_sent and not elsewhere and not world.is_uncertain:
            # Nobody else changed anything, so no walk is needed to be right.
            assert world.shown() == world.provider.content, f"round {number}"
        await world.mailbox.sync(full=True, loud=False)
        assert world.shown() == world.expected(), f"after the walk of round {number}"
        if not is_sent:
            await world.stop()
            world.start()
            assert world.shown() == world.expected(), f"after the restart of round {number}"
    await world.stop()
