"""What sending needs of an engine's session, and when the outbound side of an account is opened.

Closes two traps: drafts and outbox imported for the first frame of somebody who only reads (they are
opened with the first request, or late and only when an outbox is there already), and an outbox that
forgets what it was doing because the mailbox's session was renewed: it outlives sessions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from services.errors import CryptoError, MailError, Offline, UsageError
from services.events import Event, OutboundRequest
from services.limits import RAW_LIMIT

if TYPE_CHECKING:
    from services.cache.snapshot import MailSnapshot
    from services.keys.keychain import Keychain
    from services.outbound.log.lending import Original
    from services.ports import MailProvider
    from services.sync.mailbox import Mailbox
    from services.sync.session import Session
    from services.transfer_models import TransferBoard

LOG: Final = Path("outbound", "outbound.log")
"""Below an account's folder; there is nothing to send when it is missing."""
LOOK_AFTER: Final = 1.5
"""Seconds after the start at which the outbox is looked for; the first frames come before it."""
LOOK_EVERY: Final = 2.0
RESTART_AFTER: Final = 30.0


class Outgoing(Protocol):
    """The outbound side of an account at work (`services.outbound.desk.OutboundDesk`)."""

    async def answer(self, request_id: int, request: OutboundRequest) -> None: ...

    async def run(self) -> None:
        """Send what is due and tell what changes, until cancelled."""
        ...

    async def close(self, seconds: float) -> None:
        """End; what is on the wire gets so many seconds to be answered."""
        ...


class SessionLender:
    """Lends the connection, the keys and the mail of the session that is current."""

    def __init__(self) -> None:
        self.session: Session | None = None

    @property
    def mail(self) -> SessionMail | None:
        """The mailbox of the session."""
        return None if self.session is None else SessionMail(self.session.mailbox)

    @property
    def keeps_drafts(self) -> bool:
        """Whether drafts may lie on the service, which somebody has to decide."""
        provider = None if self.session is None else self.session.mailbox.provider
        return provider is not None and provider.capabilities.server_drafts

    @property
    def board(self) -> TransferBoard | None:
        """Where uploads are shown."""
        return None if self.session is None else self.session.desk.board()

    async def provider(self) -> MailProvider:
        """Return the service as it is connected now; Offline when it is not."""
        provider = None if self.session is None else self.session.mailbox.provider
        if provider is None:
            raise Offline("There is no connection to the mail service yet.", "It is tried again.")
        return provider

    async def keychain(self) -> Keychain:
        """Return the session's keys; CryptoError when there are none."""
        if self.session is None:
            raise CryptoError("This mailbox has no keys.")
        return await self.session.keychain.get()


class SessionMail:
    """The cached mail of one mailbox, for answers and quotes."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    @property
    def snapshot(self) -> MailSnapshot:
        """The latest picture of the mailbox."""
        return self._mailbox.snapshot

    async def original(self, message_id: str) -> Original:
        """Return a message that came in, or was sent from here; raises ServiceError, RenderError."""
        from services.outbound.log.lending import Original

        opened = await self._mailbox.open(message_id)
        mail = opened.mail
        return Original(mail.item, mail.raw, opened.message, mail.attachments, mail.is_sent)

    async def part(self, message_id: str, number: int) -> tuple[str, bytes] | None:
        """Return name and content of a file inside of the raw mail; ServiceError, RenderError."""
        from services.reading.sealed import Plaintext

        raw, renderer = (await self._mailbox.fetch(message_id)).raw, self._mailbox.renderer
        if renderer is None or len(raw) > RAW_LIMIT:
            return None
        # Cut out where hostile mail is read; that it came in clear makes no difference there.
        return await renderer.file_in(Plaintext(raw, is_entity=True), number)


OfficeFactory = Callable[[SessionLender, Callable[[Event], None]], Outgoing]
"""Opens the outbound side of an account; it imports much, so it is called late and in a thread."""


class Posting:
    """The outbound side of a window: opened late, by one of three occasions, and once.

    `make` opens it, in a thread; `folders` are those of the accounts that it writes and sends for;
    `is_wanted` tells that there may be something to decide although nothing lies in them.
    """

    def __init__(
        self,
        make: Callable[[], Outgoing],
        folders: Iterable[Path],
        boundary: Callable[[int], AbstractContextManager[None]],
        is_wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._make = make
        self._is_wanted = is_wanted
        self._logs = tuple(folder / LOG for folder in folders)
        self._boundary = boundary
        self._opening = asyncio.Lock()
        self._outgoing: Outgoing | None = None
        self._work: asyncio.Task[None] | None = None
        self._opened = asyncio.Event()
        self._is_closed = False

    def start(self) -> None:
        """Look for an outbox that is there already, late; send what waits in it."""
        if self._work is None:
            self._work = asyncio.get_running_loop().create_task(self._run())

    async def answer(self, request_id: int, request: OutboundRequest) -> None:
        """Carry out a request; raises MailError."""
        await (await self._open()).answer(request_id, request)

    async def close(self, seconds: float) -> None:
        """End within about so many seconds; nothing is lost."""
        async with self._opening:
            self._is_closed = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
        if self._outgoing is not None:
            with self._boundary(0), suppress(MailError):
                await self._outgoing.close(seconds)

    async def _open(self) -> Outgoing:
        async with self._opening:
            if self._is_closed:
                raise UsageError("The program is about to stop.")
            if self._outgoing is None:
                self._outgoing = await asyncio.to_thread(self._make)
                self._opened.set()
            return self._outgoing

    async def _run(self) -> None:
        await asyncio.sleep(LOOK_AFTER)
        while self._outgoing is None and not self._is_wanted():
            if any(log.exists() for log in self._logs):
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._opened.wait()
        await self._keep_running(self._send)

    async def _send(self) -> None:
        await (await self._open()).run()

    async def _keep_running(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self._is_closed:
            with self._boundary(0):
                await work()
                return
            await asyncio.sleep(RESTART_AFTER)
