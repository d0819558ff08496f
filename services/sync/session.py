"""One opened store at work: the mailbox, the desk that answers requests, and the loops behind it.

A session ends when the program stops, or when a store opened for reading only can be opened again.
Closes the trap of a background loop that dies of a bug and leaves a mailbox that looks alive: each
loop is started again after a pause.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Final

from services.errors import MailError, Offline
from services.events import Event, Severity
from services.models import SyncPhase
from services.ports import Capabilities, MailProvider, MailRenderer
from services.safe_text import clean_line, ui
from services.sync.connecting import Connecting
from services.sync.desk import Desk
from services.sync.late_keychain import LateKeychain
from services.sync.mailbox import Mailbox
from services.sync.pace import Pace
from services.sync.poll import Poller
from services.sync.reading import LateRenderer

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from services.sync.shelf_counts import ShelfCounter

_CLOSE_LIMIT: Final = 1.0
"""Seconds that connections and the renderer get to close."""
_IDLE_AFTER: Final = 1.5
"""Seconds after the start at which the search text is built, if nobody asked before."""
_RESTART_AFTER: Final = 5.0


class Session:
    """The running parts over one store; `boundary` survives what nobody foresaw."""

    def __init__(
        self,
        store: MailStore,
        *,
        clock: Callable[[], float],
        pace: Pace,
        emit: Callable[[Event], None],
        renderer: Callable[[], MailRenderer],
        boundary: Callable[[int], AbstractContextManager[None]],
        keychain: LateKeychain | None = None,
        offers: Callable[[], Capabilities] = Capabilities,
    ) -> None:
        self._renderer = LateRenderer(renderer)
        self._boundary = boundary
        self.mailbox = Mailbox(
            store,
            None,
            self._renderer,
            emit,
            clock=clock,
            pace=pace,
            keychain=keychain,
            offers=offers,
        )
        self._emit, self._clock = emit, clock
        self._counter: ShelfCounter | None = None
        self._poller = Poller(self.mailbox, self._connect, clock, self._count_shelves)
        self._connecting = Connecting()
        self.desk = Desk(self.mailbox, emit, boundary, self._poller.nudge, self._connecting)
        self.make_provider: Callable[[], MailProvider] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._retired: list[MailProvider] = []

    @property
    def keychain(self) -> LateKeychain:
        """The keys of the mailbox."""
        return self.mailbox.keychain

    def publish(self) -> None:
        """Tell the cached mailbox and the phase; needs no loop and no network."""
        report, store = self.mailbox.report, self.mailbox.store
        report.publish_now()
        if store.read_only:
            sentence = ui("Another window or command writes to this mailbox; this one only reads.")
            report.phase(SyncPhase.READ_ONLY, sentence)
        else:
            report.phase(SyncPhase.OFFLINE_START, synced_at=self.mailbox.synced_at)
        for sentence_of_repair in store.repairs:
            report.notice(clean_line(sentence_of_repair), Severity.WARNING)

    def start(self) -> None:
        """Start the loops."""
        loop = asyncio.get_running_loop()
        store = self.mailbox.store
        works: list[Callable[[], Awaitable[None]]] = [self._prepare_when_idle]
        if not store.read_only:
            works.append(self.mailbox.sender.run)
        if self.make_provider is not None:
            if self.mailbox.provider is None:
                self._connecting.begin()
            works.append(self._connect_only if store.read_only else self._poller.run)
        self._tasks = [loop.create_task(self._keep_running(work)) for work in works]

    def renew(self, make_provider: Callable[[], MailProvider] | None) -> None:
        """Use another provider from now on."""
        old, self.make_provider = self.mailbox.provider, make_provider
        self.mailbox.disconnect()
        if old is not None:
            # Not closed yet: requests under way would fail in ways that no one can name.
            self._retired.append(old)
        self._poller.nudge()

    def inherit(self, older: Session) -> None:
        """Go on with the connections of a session that was closed with `keeps_connections`."""
        self._renderer = self.mailbox.renderer = older._renderer
        self._retired = older._retired
        if older.mailbox.provider is not None:
            self.mailbox.connect(older.mailbox.provider)

    async def close(self, *, keeps_connections: bool = False) -> None:
        """Stop everything; the store is closed before anything that could hang."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.desk.close()
        self.mailbox.sealed.close()
        with self._boundary(0):
            self.mailbox.report.flush()
            self.mailbox.store.close()
        if not keeps_connections:
            self.mailbox.keychain.close()
            closable = (self._renderer, self.mailbox.provider, *self._retired)
            await asyncio.gather(*map(_close, closable))

    async def _keep_running(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            with self._boundary(0):
                await work()
                return
            await asyncio.sleep(_RESTART_AFTER)

    async def _connect(self) -> None:
        if self.make_provider is None:
            raise Offline("This mailbox is not connected to a mail service.")
        try:
            # In a thread: the provider's imports and the keyring must not hold up what is cached.
            self.mailbox.connect(await asyncio.to_thread(self.make_provider))
        finally:
            self._connecting.end()

    async def _count_shelves(self, had_reason: bool) -> None:
        provider = self.mailbox.provider
        if provider is None or not provider.capabilities.shelves:
            return
        if self._counter is None:
            from services.sync.shelf_counts import ShelfCounter

            self._counter = ShelfCounter(self._emit, self._clock, self.mailbox.pace)
        await self._counter.after_look(provider, had_reason=had_reason)

    async def _connect_only(self) -> None:
        if self.mailbox.provider is None:
            with suppress(MailError):
                await self._connect()

    async def _prepare_when_idle(self) -> None:
        await asyncio.sleep(_IDLE_AFTER)
        await self.mailbox.prepare_search()


async def _close(closable: MailProvider | MailRenderer | None) -> None:
    if closable is not None:
        with suppress(TimeoutError, MailError):
            async with asyncio.timeout(_CLOSE_LIMIT):
                await closable.aclose()
