"""The loop that keeps a mailbox up to date: looks for new mail, walks everything now and then.

Closes these traps: a client that storms a service in trouble, one that stays "offline" minutes after
the connection is back because nobody told it, and a long walk that keeps new mail from being seen
(the full walk is a task of its own beside the looks). Where the service tells by itself that there is
something new (`services.sync.watching`), that is one more reason to look, never the only one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress

from services.errors import MailError, RateLimited, ServerBroken, SignedOut
from services.sync.mailbox import Mailbox
from services.sync.watching import Watcher

_LONGEST_SHARE = 20
"""A walk over the whole mailbox may take a twentieth of the time."""


class Poller:
    """Keeps `mailbox` up to date until cancelled; `connect` makes its provider when there is none.

    `connect` raises MailError when it cannot; that is tried again like any other failure.
    `after_look` runs after each look that went well, told whether somebody gave a reason for it.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        connect: Callable[[], Awaitable[None]],
        clock: Callable[[], float],
        after_look: Callable[[bool], Coroutine[None, None, None]] | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._connect = connect
        self._clock = clock
        self._after_look = after_look
        self._pace = mailbox.pace
        self._wake = asyncio.Event()
        self._runs = self._is_asked = False
        self._failures = 0
        self._full_takes = 0.0
        self._trouble: MailError | None = None
        self._watcher = Watcher(lambda: mailbox.provider, self.news, self._pace)

    def nudge(self) -> None:
        """Look now: the operator asked, or there is reason to believe the service is back."""
        self._wake.set()
        if self._runs:
            # The look under way may end first, and is not the one that was asked for.
            self._is_asked = True
            self._mailbox.report.looking()

    def news(self) -> None:
        """Look now because the service says so, unless it asked for a pause before."""
        if not isinstance(self._trouble, RateLimited | ServerBroken | SignedOut):
            self._wake.set()

    async def run(self) -> None:
        """Look for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._walk_now_and_then())
            group.create_task(self._watcher.run())
            self._runs = True
            while True:
                had_reason = self._wake.is_set()
                self._wake.clear()
                if self._is_asked:
                    self._is_asked = False
                    self._mailbox.report.looking()
                delay = await self._look()
                if self._trouble is None and self._after_look is not None:
                    # Beside the looks: what it asks must not keep new mail from being seen.
                    group.create_task(self._after_look(had_reason))
                with suppress(TimeoutError):
                    async with asyncio.timeout(delay):
                        await self._wake.wait()

    async def _look(self) -> float | None:
        """Sync once and return the seconds to the next time; None to wait for a nudge."""
        report = self._mailbox.report
        try:
            if self._mailbox.provider is None:
                await self._connect()
                self._watcher.renew()
            await self._mailbox.sync()
        except SignedOut as error:
            self._trouble = error
            report.trouble(error)
            return None
        except MailError as error:
            self._trouble = error
            self._failures += 1
            delay = self._pace.retry_delay(self._failures, error)
            report.trouble(error, self._clock() + delay)
            return delay
        self._trouble = None
        self._failures = 0
        return self._pace.poll_delay()

    async def _walk_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._until_full())
            if self._until_full() > 0:
                continue
            started = self._clock()
            # What goes wrong here is told by the next look; the walk is tried at its next time.
            with suppress(MailError):
                await self._mailbox.sync(full=True, loud=False)
                self._full_takes = max(0.0, self._clock() - started)
                continue
            await asyncio.sleep(self._pace.full)

    def _until_full(self) -> float:
        mailbox = self._mailbox
        interval = max(self._pace.full, _LONGEST_SHARE * self._full_takes)
        if mailbox.provider is None or not mailbox.synced_at:
            return min(interval, self._pace.poll)
        return min(max(0.0, mailbox.reconciled_at + interval - self._clock()), interval)
