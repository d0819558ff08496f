"""Several engines as one: what screens ask is handed to the account that it is about.

Closes two traps. One account's trouble that hides the others': each has an engine, a store and a
session of its own, and what nobody foresaw in one is survived by the rest. And two sets of unlocked
keys for one account: all engines run on one loop, so that the one outbound desk borrows connection,
keys and mail of every session.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from services.boundary import Boundary
from services.engine import FIRST_PAINT, Engine
from services.errors import CacheError, MailError
from services.events import Event, MailboxChanged, SyncStateChanged
from services.models import SyncState
from services.unified.addressing import addressed
from services.unified.snapshot import UnifiedSnapshot
from services.unified.states import joined

if TYPE_CHECKING:
    import asyncio

    from services.posting import Posting, SessionLender
    from services.requests import Request
    from services.sync.session import Session
    from services.unified.desk import UnifiedDesk
    from services.unified.outgoing import UnifiedOfficeFactory
    from services.unified.routing import Router

_SHARE: Final = 0.3
"""Of the time that stopping may take: for drafts to be kept, for mail on the wire, for each engine."""


@dataclass(frozen=True, slots=True)
class AccountEngine:
    """One of the accounts: its name, its folder, and how its engine is made.

    `make` is given where the engine tells its events, and who is told of its sessions.
    """

    name: str
    folder: Path
    make: Callable[[Callable[[Event], None], Callable[[Session], None]], Engine]


class UnifiedEngine:
    """The engines of several accounts, asked and listened to like one (`tui.bridge.MailEngine`).

    The first account is the default one. Message ids are qualified in both directions
    (`services.unified.ids`); events tell whose they are. `office` opens what is written and sent for
    all of them, late; without it nothing can be.
    """

    def __init__(
        self,
        accounts: Sequence[AccountEngine],
        on_event: Callable[[Event], None],
        *,
        office: UnifiedOfficeFactory | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._on_event = on_event
        self._boundary = Boundary(on_event)
        self._make_office = office
        self._clock = clock
        self._folders = tuple(account.folder for account in accounts)
        self._engines = {
            account.name: account.make(
                partial(self._hear, account.name), partial(self._lend, account.name)
            )
            for account in accounts
        }
        self._boundaries = {name: Boundary(partial(self._hear, name)) for name in self._engines}
        self._states = dict.fromkeys(self._engines, SyncState())
        self._shown: UnifiedSnapshot | None = None
        self._lenders: dict[str, SessionLender] = {}
        self._posting: Posting | None = None
        self._desk: UnifiedDesk | None = None
        self._router: Router | None = None
        self._gone: set[str] = set()
        self._ids = count(1)
        self._requests: deque[tuple[int, Request]] = deque()
        self._thread = threading.Thread(target=self._run, name="engines", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._hurry = threading.Event()
        self._holds = True
        self._is_stopping = False
        self._stop_seconds = 0.0

    # ── for every thread ─────────────────────────────────────────────────────────────────────────

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the accounts, the default one first."""
        return tuple(self._engines)

    @property
    def snapshot(self) -> UnifiedSnapshot | None:
        """The latest published pictures as one; None until one account's store is open."""
        found = {name: engine.snapshot for name, engine in self._engines.items()}
        parts = {name: part for name, part in found.items() if part is not None}
        if not parts:
            return None
        shown = self._shown
        if shown is None or shown.parts != parts:
            # Two threads may make it at once; either is right.
            shown = self._shown = UnifiedSnapshot(parts, shown.version + 1 if shown else 1)
        return shown

    def start(self) -> None:
        """Start the thread; the first event is MailboxChanged with what all have cached."""
        self._thread.start()

    def request(self, request: Request) -> int:
        """Ask for something and return the id that the answer will carry."""
        request_id = next(self._ids)
        self._requests.append((request_id, request))
        self._call_loop()
        return request_id

    def stop(self, timeout: float = 2.0) -> None:
        """Stop all engines and the thread; gives up waiting after `timeout` seconds.

        Nothing is lost then; see `Engine.stop`.
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

    # ── what the engines tell ────────────────────────────────────────────────────────────────────

    def _hear(self, account: str, event: Event) -> None:
        match event:
            case MailboxChanged():
                self._tell_mailbox()
            case SyncStateChanged(state=state):
                self._states[account] = state
                self._tell_states()
            case _:
                self._on_event(addressed(account, event))

    def _tell_mailbox(self) -> None:
        snapshot = self.snapshot
        if snapshot is not None and not self._holds:
            self._on_event(MailboxChanged(snapshot.counts))

    def _tell_states(self) -> None:
        if not self._holds:
            states = self._states
            self._on_event(SyncStateChanged(joined(states), tuple(states.items())))

    def _lend(self, account: str, session: Session) -> None:
        """Let outgoing mail of an account borrow of its newest session."""
        from services.posting import SessionLender

        self._lenders.setdefault(account, SessionLender()).session = session

    # ── on the engines' thread ───────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        with self._boundary():
            self._open()
        with self._boundary():
            import asyncio

            asyncio.run(self._serve())

    def _open(self) -> None:
        """Open all stores and publish what is cached, together, before anything else is imported."""
        for name, engine in self._engines.items():
            with self._boundaries[name]():
                engine.open()
        self._holds = False
        self._tell_mailbox()
        if self._shown is not None and self._shown.counts.total:
            self._hurry.wait(FIRST_PAINT)
        self._holds = True
        for name, engine in self._engines.items():
            with self._boundaries[name]():
                engine.begin()
        self._holds = False
        self._begin()
        self._tell_mailbox()
        self._tell_states()

    def _begin(self) -> None:
        from services.posting import Posting, SessionLender
        from services.unified.desk import UnifiedDesk
        from services.unified.routing import Router

        self._router = Router(self.accounts)
        self._desk = UnifiedDesk(self._sessions, self._on_event, self._boundary, self._clock)
        make, emit, lenders = self._make_office, self._on_event, self._lenders
        for name in self._engines:
            lenders.setdefault(name, SessionLender())
        if make is not None:
            self._posting = Posting(
                lambda: make(lenders, emit),
                self._folders,
                self._boundary,
                lambda: any(lender.keeps_drafts for lender in lenders.values()),
            )
        self._desk.posting = self._posting

    def _sessions(self) -> dict[str, Session]:
        found = {name: engine.session for name, engine in self._engines.items()}
        return {name: session for name, session in found.items() if session is not None}

    async def _serve(self) -> None:
        import asyncio

        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._boundary.stray)
        self._wake = asyncio.Event()
        self._wake.set()
        works = [self._loop.create_task(self._keep(name)) for name in self._engines]
        if self._posting is not None:
            self._posting.start()
        try:
            while not self._is_stopping:
                await self._wake.wait()
                self._wake.clear()
                while self._requests and not self._is_stopping:
                    self._hand_out(*self._requests.popleft())
        finally:
            await self._finish(works)

    async def _keep(self, account: str) -> None:
        with self._boundaries[account]():
            await self._engines[account].serve()
        self._gone.add(account)

    def _hand_out(self, request_id: int, request: Request) -> None:
        """Give a request to those whom it is for; what cannot be given is told."""
        with self._boundary(request_id):
            try:
                self._give(request_id, request)
            except MailError as error:
                from services.sync.under_way import failure

                self._on_event(failure(request_id, request, error))

    def _give(self, request_id: int, request: Request) -> None:
        if self._desk is None or self._router is None:
            raise CacheError("No mailbox could be opened.")
        parts = self._router.parts(request)
        if parts is None:
            self._desk.take(request_id, self._router.for_all(request))
            return
        for name, part in parts.items():
            if name in self._gone:
                raise CacheError(f"{name}: this mailbox has stopped.", "Start the program again.")
            self._engines[name].submit(request_id, part)

    async def _finish(self, works: list[asyncio.Task[None]]) -> None:
        """Keep drafts, let mail on the wire be answered, close all engines; in bounded time."""
        import asyncio

        from services.sync.under_way import is_vital

        seconds, desk = self._stop_seconds * _SHARE, self._desk
        while self._requests:
            request_id, request = self._requests.popleft()
            if is_vital(request):
                self._hand_out(request_id, request)
        if desk is not None:
            await desk.finish(seconds)
        if self._posting is not None:
            await self._posting.close(seconds)
        if desk is not None:
            await desk.close()
        for engine in self._engines.values():
            engine.leave(seconds)
        await asyncio.gather(*works)
