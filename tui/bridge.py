"""The bridge to the engine: requests down, events up. The only importer of `services.engine`.

Closes the trap of the engine's thread touching the screen: its events become Textual messages here,
which is the one thread-safe way in. What comes after the app has left is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from textual.message import Message

from services import events
from services.events import Event
from services.ports import Capabilities, MailProvider, MailRenderer
from tui import messages

if TYPE_CHECKING:
    from services.cache.store import MailStore
    from services.engine import Engine
    from services.keys.keychain import Keychain
    from services.outbound.desk import OutboundDesk
    from services.posting import OfficeFactory, SessionLender
    from services.requests import Request
    from services.snapshots import Snapshot
    from services.sync.session import Session
    from tui.profile import Profile

NONE_OPEN: Final[Mapping[str, MailStore]] = MappingProxyType({})


class MailEngine(Protocol):
    """What the app needs of the engine (`services.engine.Engine`, or a fake)."""

    @property
    def snapshot(self) -> Snapshot | None: ...

    def start(self) -> None: ...

    def request(self, request: Request) -> int: ...

    def stop(self, timeout: float = 2.0) -> None: ...


class OneEngineFactory(Protocol):
    """Makes the engine of one account; whoever keeps several is told of its sessions."""

    def __call__(
        self,
        on_event: Callable[[Event], None],
        on_session: Callable[[Session], None] | None = None,
    ) -> Engine: ...


EngineFactory = Callable[[Callable[[Event], None]], MailEngine]
"""Makes an engine that reports to the given function, from its own thread."""


def engine_factory(
    *,
    store_folder: Path,
    provider: Callable[[], MailProvider] | None,
    renderer: Callable[[], MailRenderer],
    poll_seconds: float = 60,
    keychain: Callable[[], Keychain] | None = None,
    opened: MailStore | None = None,
    office: OfficeFactory | None = None,
    offers: Callable[[], Capabilities] = Capabilities,
) -> OneEngineFactory:
    """The real engine over one account's folder; `provider` None works offline.

    `opened` is the account's store if it is open already; the engine takes it over. `offers` says
    what the service offers while there is no connection.
    """

    def make(
        on_event: Callable[[Event], None],
        on_session: Callable[[Session], None] | None = None,
    ) -> Engine:
        from services.engine import Engine

        return Engine(
            store_folder=store_folder,
            provider=provider,
            renderer=renderer,
            on_event=on_event,
            poll_seconds=poll_seconds,
            keychain=keychain,
            opened=opened,
            office=office,
            on_session=on_session,
            offers=offers,
        )

    return make


def engine_for(
    profile: Profile, poll_seconds: float = 60, opened: MailStore | None = None
) -> EngineFactory:
    """The real engine over a profile's cache (`opened` if it is open already) and service."""
    return _maker(profile, profile.folder, poll_seconds, opened, profile.outgoing)


def engine_of(
    profiles: Sequence[Profile],
    poll_seconds: float = 60,
    opened: Mapping[str, MailStore] = NONE_OPEN,
) -> EngineFactory:
    """The real engine of one profile, or of several as one; `opened` has caches that are open."""
    if len(profiles) == 1:
        return engine_for(profiles[0], poll_seconds, opened.get(profiles[0].account.name))

    def make(on_event: Callable[[Event], None]) -> MailEngine:
        from services.unified.engine import AccountEngine, UnifiedEngine

        engines = []
        for profile in profiles:
            name = profile.account.name
            # Not made here: a folder that cannot be must not take the other accounts with it.
            folder = profile.paths.account_folder(name)
            maker = _maker(profile, folder, poll_seconds, opened.get(name))
            engines.append(AccountEngine(name, folder, maker))
        return UnifiedEngine(engines, on_event, office=partial(_outgoing, profiles))

    return make


def _maker(
    profile: Profile,
    folder: Path,
    poll_seconds: float,
    opened: MailStore | None,
    office: OfficeFactory | None = None,
) -> OneEngineFactory:
    def renderer() -> MailRenderer:
        from services.reading.render_process import RenderWorker

        return RenderWorker()

    return engine_factory(
        store_folder=folder,
        provider=profile.provider,
        renderer=renderer,
        poll_seconds=poll_seconds,
        keychain=profile.keychain,
        opened=opened,
        office=office,
        offers=profile.offers,
    )


def _outgoing(
    profiles: Sequence[Profile],
    lenders: Mapping[str, SessionLender],
    emit: Callable[[Event], None],
) -> OutboundDesk:
    """What writes and sends for several accounts; each borrows of its own session."""
    from services.outbound.desk import OutboundDesk
    from services.outbound.offices import Offices, doors_of_all

    accounts = [profile.account for profile in profiles]
    doors = doors_of_all(accounts, lenders, profiles[0].paths)
    return OutboundDesk(Offices(doors, shown=lenders), emit)


_MESSAGES: dict[type, Callable[..., Message]] = {
    events.MailboxChanged: messages.MailboxChanged,
    events.SyncStateChanged: messages.SyncStateChanged,
    events.MessageOpened: messages.MessageOpened,
    events.RawRead: messages.RawRead,
    events.SearchAnswered: messages.SearchAnswered,
    events.Notice: messages.NoticeCame,
    events.RequestFailed: messages.RequestFailed,
}


class Bridge:
    """One engine and the place where its events go; `post` must be thread-safe."""

    def __init__(self, factory: EngineFactory, post: Callable[[Message], object]) -> None:
        self._post = post
        self._engine = factory(self._on_event)
        self._open = True

    @property
    def snapshot(self) -> Snapshot | None:
        """The newest published state of the mailbox; None before the first."""
        return self._engine.snapshot

    def start(self) -> None:
        """Let the engine open the cache and sync."""
        self._engine.start()

    def request(self, request: Request) -> int:
        """Ask the engine; the answer carries the returned id."""
        return self._engine.request(request)

    def stop(self, timeout: float = 2.0) -> None:
        """Save and stop; blocks no longer than `timeout` seconds and drops later events."""
        if self._open:
            self._open = False
            self._engine.stop(timeout)

    def _on_event(self, event: Event) -> None:
        if self._open:
            self._post(_message_of(event))


def _message_of(event: Event) -> Message:
    if isinstance(event, events.KeyEvent):
        return messages.KeyEventCame(event)
    if isinstance(event, events.TransferEvent):
        return messages.TransferEventCame(event)
    if isinstance(event, events.OutboundEvent):
        return messages.OutboundEventCame(event)
    return _MESSAGES[type(event)](event)
