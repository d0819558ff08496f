"""The engine: one daemon thread with one asyncio loop that owns the cache, the sync and the requests.

Closes these traps: a suspended screen (`$EDITOR`) that stops the mail, a thread that delays quitting,
and a start that waits for the network: the cached mailbox is published before anything of HTTP is
even imported. Where several accounts are shown as one, their engines run on one loop, which
`services.unified` brings: `open`, `begin` and `serve` are for it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.boundary import Boundary
from services.errors import CacheError, CacheLocked, MailError
from services.events import Event, MailboxChanged, RequestFailed, SyncStateChanged
from services.models import MailboxCounts, SyncPhase, SyncState
from services.ports import Capabilities, MailProvider, MailRenderer
from services.safe_text import clean_line
from services.sync.pace import Pace

if TYPE_CHECKING:
    import asyncio

    from services.cache.snapshot import MailSnapshot
    from services.cache.store import MailStore
    from services.keys.keychain import Keychain
    from services.posting import OfficeFactory, Posting, SessionLender
    from services.requests import Request
    from services.sync.late_keychain import LateKeychain
    from services.sync.session import Session

_LOG_FILE: Final = "mail.log"

_FINISH_SHARE: Final = 0.4
"""Of the time that stopping may take: for drafts to be kept, and again for mail on the wire."""
FIRST_PAINT: Final = 0.2
"""Seconds that a start with cached mail leaves to the screen; imports would take turns with it."""


class Engine:
    """Keeps one mailbox and answers requests about it, away from the screen's thread.

    `on_event` is called on the engine's thread and must only hand the event on. `provider` and
    `renderer` are called late, on the engine's side, because they import much; without a
    `provider` the mailbox is what is cached. `keychain` is called later still, with the first key
    request or the first encrypted message; without it there are no keys. `opened` is the store if
    the caller has opened it already; it is the engine's from then on. `office` opens what is written
    and sent, as late as that is asked for; without it nothing can be. `on_session` is told of every
    session that begins. `offers` says, late, what the service offers while there is no connection.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _wake: asyncio.Event | None = None
    _posting: Posting | None = None
    _lender: SessionLender | None = None

    def __init__(
        self,
        *,
        store_folder: Path,
        provider: Callable[[], MailProvider] | None,
        renderer: Callable[[], MailRenderer],
        on_event: Callable[[Event], None],
        clock: Callable[[], float] = time.time,
        poll_seconds: float = 60,
        pace: Pace | None = None,
        keychain: Callable[[], Keychain] | None = None,
        opened: MailStore | None = None,
        office: OfficeFactory | None = None,
        on_session: Callable[[Session], None] | None = None,
        offers: Callable[[], Capabilities] = Capabilities,
    ) -> None:
        self._offers = offers
        self._folder = store_folder
        self._make_office = office
        self._on_session = on_session
        self._boundary = Boundary(on_event)
        self._stop_seconds = 0.0
        self._make_provider = provider
        self._make_renderer = renderer
        self._make_keychain = keychain
        self._keychain: LateKeychain | None = None
        self._on_event = on_event
        self._clock = clock
        self._pace = pace or replace(Pace(), poll=poll_seconds)
        self._ids = count(1)
        self._requests: deque[tuple[int, Request]] = deque()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._is_stopping = False
        self._hurry = threading.Event()
        self._opened = opened
        self._cached: MailSnapshot | None = opened.snapshot() if opened else None
        self._has_new_provider = False
        self._session: Session | None = None
        self._trouble: MailError | None = None
        self._written = (0, 0, 0)

    # ── for every thread ─────────────────────────────────────────────────────────────────────────

    @property
    def session(self) -> Session | None:
        """What runs over the opened store; None until then, and when it cannot be opened."""
        return self._session

    @property
    def snapshot(self) -> MailSnapshot | None:
        """The latest published picture of the mailbox; None until the store is open."""
        session = self._session
        return session.mailbox.snapshot if session else self._cached

    def start(self) -> None:
        """Start the thread; the first event is MailboxChanged with the cached mailbox."""
        self._thread.start()

    def request(self, request: Request) -> int:
        """Ask for something and return the id that the answer will carry."""
        request_id = next(self._ids)
        self.submit(request_id, request)
        return request_id

    def submit(self, request_id: int, request: Request) -> None:
        """Ask for something under an id of the caller's; not to be mixed with `request`."""
        self._requests.append((request_id, request))
        self._call_loop()

    def set_provider(self, provider: Callable[[], MailProvider]) -> None:
        """Use another provider from now on, for a new token after `SyncPhase.SIGNED_OUT`."""
        self._make_provider = provider
        self._has_new_provider = True
        self._call_loop()

    def stop(self, timeout: float = 2.0) -> None:
        """Stop the thread and close the store; gives up waiting after `timeout` seconds.

        Nothing is lost then: every change was committed when it was made. Drafts that were just typed
        are kept first, and mail on the wire gets a moment to be answered.
        """
        self.leave(timeout)
        if self._thread.is_alive():
            self._thread.join(timeout)

    def leave(self, seconds: float) -> None:
        """Begin to stop, within so many seconds; does not wait."""
        self._stop_seconds = seconds
        self._is_stopping = True
        self._hurry.set()
        self._call_loop()

    def _call_loop(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            # The loop may close between the look and the call: then there is nobody to wake.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(wake.set)

    # ── on the engine's thread ───────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        with self._boundary():
            self.open()
            # Left to the screen, before what syncs is even imported.
            self._hurry.wait(FIRST_PAINT if self._cached and self._cached.counts.total else 0)
            self.begin()
        with self._boundary():
            import asyncio

            asyncio.run(self._serve_alone())

    def open(self) -> None:
        """Open the store, for reading only if another instance writes, and publish what is cached.

        When it cannot be opened, that is told, and every request is answered with it.
        """
        self._written = _signature(self._folder)
        try:
            self._opened = self._opened or self._open_store()
        except MailError as error:
            self._trouble = error
            self._on_event(MailboxChanged(MailboxCounts()))
            state = SyncState(SyncPhase.FAILED, sentence=clean_line(str(error)))
            self._on_event(SyncStateChanged(state))
        else:
            self._cached = self._opened.snapshot()
            if self._cached.counts.total:
                self._on_event(MailboxChanged(self._cached.counts))

    def begin(self) -> None:
        """Put together what syncs and answers over the opened store; its imports take a while."""
        if self._opened is not None:
            self._take(self._opened)

    def _open_store(self) -> MailStore:
        from services.cache.store import open_store

        return open_store(self._folder)

    def _take(self, store: MailStore) -> Session:
        from services.sync.late_keychain import LateKeychain
        from services.sync.session import Session

        self._keychain = self._keychain or LateKeychain(self._make_keychain)
        session = Session(
            store,
            clock=self._clock,
            pace=self._pace,
            emit=self._on_event,
            renderer=self._make_renderer,
            boundary=self._boundary,
            keychain=self._keychain,
            offers=self._offers,
        )
        session.make_provider = self._make_provider
        self._serve_outbound(session)
        if self._on_session is not None:
            self._on_session(session)
        self._session = session
        session.publish()
        return session

    def _serve_outbound(self, session: Session) -> None:
        if self._make_office is None:
            return
        from services.posting import Posting, SessionLender

        if self._posting is None or self._lender is None:
            make, emit = self._make_office, self._on_event
            lender = self._lender = SessionLender()
            self._posting = Posting(
                lambda: make(lender, emit),
                (self._folder,),
                self._boundary,
                lambda: lender.keeps_drafts,
            )
        self._lender.session = session
        session.desk.outbound = self._posting

    async def _serve_alone(self) -> None:
        import asyncio

        asyncio.get_running_loop().set_exception_handler(self._boundary.stray)
        await self.serve()

    async def serve(self) -> None:
        """Sync and answer on the running loop until `leave`; then close the store."""
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self._wake.set()
        session = self._session
        if session is not None:
            session.start()
        if self._posting is not None:
            self._posting.start()
        try:
            while not self._is_stopping:
                await self._wait()
                self._hand_out(session)
                if session is not None and session.mailbox.store.read_only:
                    with self._boundary():
                        session = await self._look_for_writer(session)
        finally:
            if session is not None:
                await self._finish(session)
                await session.close()

    async def _finish(self, session: Session) -> None:
        """Carry out what must not be lost, and let mail on the wire be answered, in bounded time."""
        from services.sync.under_way import is_vital

        seconds = self._stop_seconds * _FINISH_SHARE
        while self._requests:
            request_id, request = self._requests.popleft()
            if is_vital(request):
                session.desk.take(request_id, request)
        await session.desk.finish(seconds)
        if self._posting is not None:
            await self._posting.close(seconds)

    async def _wait(self) -> None:
        """Wait for a call from another thread; a reader looks after its writer in between."""
        import asyncio

        assert self._wake is not None
        reads_only = self._session is not None and self._session.mailbox.store.read_only
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pace.writer_look if reads_only else None):
                await self._wake.wait()
        self._wake.clear()

    def _hand_out(self, session: Session | None) -> None:
        if self._has_new_provider and session is not None:
            self._has_new_provider = False
            session.renew(self._make_provider)
        while self._requests:
            request_id, request = self._requests.popleft()
            if session is not None:
                session.desk.take(request_id, request)
            else:
                error = self._trouble or CacheError("This mailbox could not be opened.")
                sentence, step = clean_line(error.sentence), clean_line(error.next_step)
                self._on_event(RequestFailed(request_id, sentence, step))

    async def _look_for_writer(self, session: Session) -> Session:
        """Take over when the instance that writes is gone; else show what it has written since."""
        from services.cache.store import MailStore

        if session.desk.is_busy:
            return session
        written = _signature(self._folder)
        try:
            store = MailStore.open(self._folder)
        except CacheLocked:
            if written == self._written:
                return session
            store = MailStore.open(self._folder, read_only=True)
        self._written = written
        await session.close(keeps_connections=True)
        new = self._take(store)
        new.inherit(session)
        new.start()
        return new


def _signature(folder: Path) -> tuple[int, int, int]:
    """Return what changes when another process has written to the log."""
    try:
        found = (folder / _LOG_FILE).stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns
