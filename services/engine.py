"""The engine: one daemon thread with one asyncio loop that owns the cache, the sync and the requests.

Closes these traps: a suspended screen (`$EDITOR`) that stops the mail, a thread that delays quitting,
a bug in one request that ends all others, and a start that waits for the network: the cached mailbox
is published before anything of HTTP is even imported. One of the program's two `except Exception`
boundaries is here; what it catches is logged without any text of the error (it may hold mail).
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.errors import CacheLocked, MailError
from services.events import Event, MailboxChanged, Notice, RequestFailed, Severity, SyncStateChanged
from services.models import MailboxCounts, SyncPhase, SyncState
from services.ports import MailProvider, MailRenderer
from services.safe_text import clean_line, ui
from services.sync.pace import Pace

if TYPE_CHECKING:
    import asyncio

    from services.cache.snapshot import MailSnapshot
    from services.cache.store import MailStore
    from services.keys.keychain import Keychain
    from services.posting import OfficeFactory, Posting
    from services.requests import Request
    from services.sync.late_keychain import LateKeychain
    from services.sync.session import Session

_log = logging.getLogger("agentmail.engine")
_log.addHandler(logging.NullHandler())
_LOG_FILE: Final = "mail.log"

_FINISH_SHARE: Final = 0.4
"""Of the time that stopping may take: for drafts to be kept, and again for mail on the wire."""
_FIRST_PAINT: Final = 0.2
"""Seconds that a start with cached mail leaves to the screen; imports would take turns with it."""


class Engine:
    """Keeps one mailbox and answers requests about it, away from the screen's thread.

    `on_event` is called on the engine's thread and must only hand the event on. `provider` and
    `renderer` are called late, on the engine's side, because they import much; without a
    `provider` the mailbox is what is cached. `keychain` is called later still, with the first key
    request or the first encrypted message; without it there are no keys. `opened` is the store if
    the caller has opened it already; it is the engine's from then on. `office` opens what is written
    and sent, as late as that is asked for; without it nothing can be.
    """

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
    ) -> None:
        self._folder = store_folder
        self._make_office = office
        self._posting: Posting | None = None
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
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
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
        self._requests.append((request_id, request))
        self._call_loop()
        return request_id

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
        self._stop_seconds = timeout
        self._is_stopping = True
        self._hurry.set()
        self._call_loop()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _call_loop(self) -> None:
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            # The loop may close between the look and the call: then there is nobody to wake.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(wake.set)

    # ── on the engine's thread ───────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        with self._boundary():
            self._open()
        with self._boundary():
            import asyncio

            asyncio.run(self._serve())

    def _open(self) -> None:
        """Open the store, for reading only if another instance writes, and publish the mailbox."""
        self._written = _signature(self._folder)
        try:
            store = self._opened or self._open_store()
        except MailError as error:
            self._trouble = error
            self._on_event(MailboxChanged(MailboxCounts()))
            state = SyncState(SyncPhase.FAILED, sentence=clean_line(str(error)))
            self._on_event(SyncStateChanged(state))
        else:
            self._show_cached(store)
            self._take(store)

    def _show_cached(self, store: MailStore) -> None:
        """Publish what is cached and leave it to the screen, before what syncs is even imported."""
        self._cached = store.snapshot()
        if self._cached.counts.total:
            self._on_event(MailboxChanged(self._cached.counts))
            self._hurry.wait(_FIRST_PAINT)

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
        )
        session.make_provider = self._make_provider
        self._serve_outbound(session)
        self._session = session
        session.publish()
        return session

    def _serve_outbound(self, session: Session) -> None:
        if self._make_office is None:
            return
        from services.posting import Posting

        if self._posting is None:
            make, boundary = self._make_office, self._boundary
            self._posting = Posting(make, self._folder, self._on_event, boundary)
        self._posting.serve(session)

    async def _serve(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._on_stray)
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
            elif self._trouble is not None:
                step = clean_line(self._trouble.next_step)
                sentence = clean_line(self._trouble.sentence)
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

    # ── the boundary ─────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def _boundary(self, request_id: int = 0) -> Iterator[None]:
        """Survive what nobody foresaw: log where it arose, tell the operator, go on."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - one of the two boundaries of the program
            self._survive(error, request_id)

    def _survive(self, error: BaseException, request_id: int) -> None:
        cause = _innermost(error)
        if isinstance(cause, MailError):
            sentence, step = clean_line(cause.sentence), clean_line(cause.next_step)
        else:
            _log.error("unexpected: %s", where(cause))
            sentence = ui("Something went wrong inside of agentmail-tui; the mail is safe.")
            step = ui("It goes on by itself. The debug log says where it was.")
        if request_id:
            self._on_event(RequestFailed(request_id, sentence, step))
        else:
            self._on_event(Notice(sentence, Severity.ERROR, next_step=step))

    def _on_stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, BaseException):
            self._survive(error, 0)


def _signature(folder: Path) -> tuple[int, int, int]:
    """Return what changes when another process has written to the log."""
    try:
        found = (folder / _LOG_FILE).stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_size, found.st_mtime_ns


def where(error: BaseException) -> str:
    """Return an error's type and the places it came through, without its text or any value."""
    frames = traceback.extract_tb(error.__traceback__)
    places = (f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)
    return f"{type(error).__name__} at {' < '.join(reversed(tuple(places)))}"


def _innermost(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
