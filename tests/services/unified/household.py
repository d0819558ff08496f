"""Several accounts of the running sandbox as one engine: who they are, and what the engine tells."""

from __future__ import annotations

import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from services import events
from services.api.factory import provider_for
from services.config import Account
from services.engine import Engine
from services.keys.keychain import Keychain
from services.models import Mailbox, MailFilter, SyncPhase, SyncState
from services.outbound.desk import OutboundDesk
from services.outbound.office import Office
from services.outbound.offices import OfficeDoor, Offices
from services.outbound_events import CountOutbound, OutboundCounted, OutboxMoved, SendQueued
from services.outbound_models import OutboundCounts, OutboxRow, OutboxState
from services.policy_config import Policy
from services.reading.render_process import RenderWorker
from services.redact import Secret
from services.requests import Request
from services.sync.pace import Pace
from services.unified.engine import AccountEngine, UnifiedEngine
from services.unified.ids import join_id
from tests.conftest import SandboxControl
from tests.fakes.fake_provider import QUICK
from tests.patience import PATIENCE
from tests.services.sandbox.agentmail_to.v0_control import V0Control

DOMAIN = "agents.example.com"
AT_ONCE = Policy(undo_seconds=0)
BRISK = replace(
    QUICK, poll=0.05, delete_grace=30.0, first_retry=0.02, longest_retry=0.05, longest_wait=60.0
)
MAIL = "From: Ann <ann@example.com>\r\nTo: me@example.com\r\nSubject: {}\r\n\r\nHello {}\r\n"
E = TypeVar("E")


@dataclass
class Member:
    """One account and what tests do at its service."""

    account: Account
    token: str
    folder: Path
    put: Callable[..., str]
    """Puts a raw mail into the mailbox and returns its id; fields as the sandbox takes them."""

    @property
    def name(self) -> str:
        return self.account.name

    def receive(self, subject: str, **fields: Any) -> str:
        """Let a mail come in and return its qualified id."""
        return join_id(self.name, self.put(MAIL.format(subject, subject), **fields))

    def provider(self) -> Any:
        return provider_for(self.account, Secret(self.token))

    def keychain(self) -> Keychain:
        return Keychain(
            key_folder=self.folder / "keys", account_folder=self.folder,
            address=self.account.address, mail_domain=DOMAIN,
        )  # fmt: skip


class Household:
    """A unified engine over members, and the events that it has told."""

    def __init__(
        self, members: list[Member], pace: Pace = BRISK, renderer: Any = RenderWorker
    ) -> None:
        self.members = {member.name: member for member in members}
        self._queue: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.told: list[events.Event] = []
        self._pace = pace
        self._renderer = renderer
        engines = [
            AccountEngine(one.name, one.folder, partial(self._engine, one)) for one in members
        ]
        self.engine = UnifiedEngine(engines, self._queue.put, office=self._outgoing)

    def _engine(self, member: Member, on_event: Any, on_session: Any) -> Engine:
        return Engine(
            store_folder=member.folder,
            provider=member.provider,
            renderer=self._renderer,
            on_event=on_event,
            pace=self._pace,
            keychain=member.keychain,
            on_session=on_session,
        )

    def _outgoing(self, lenders: Mapping[str, Any], emit: Any) -> OutboundDesk:
        doors = [self._door(one, lenders[one.name]) for one in self.members.values()]
        return OutboundDesk(Offices(doors, shown=self.members), emit)

    def _door(self, member: Member, lender: Any) -> OfficeDoor:
        opening = partial(Office.open, member.account, member.folder, lender)
        return OfficeDoor(member.name, member.folder, opening)

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def stop(self) -> None:
        """Stop it, however long a busy machine takes for that."""
        self.engine.stop(PATIENCE)
        assert not self.engine._thread.is_alive()

    # ── what it tells ────────────────────────────────────────────────────────────────────────────

    def wait(self, kind: type[E], matches: Callable[[E], object] = lambda _: True) -> E:
        """Return the next event of a kind that matches; fails when nothing comes."""
        while True:
            event = self._queue.get(timeout=PATIENCE)
            self.told.append(event)
            if isinstance(event, kind) and matches(event):
                return event

    def answer(self, request: Request, kind: type[E]) -> E:
        """Ask for something and return the answer to it."""
        request_id = self.engine.request(request)
        return self.wait(kind, lambda event: getattr(event, "request_id", 0) == request_id)

    def states(self, **phases: SyncPhase) -> dict[str, SyncState]:
        """Wait until accounts are in these phases and return all states."""

        def there(event: events.SyncStateChanged) -> bool:
            states = dict(event.accounts)
            return all(states[name].phase is phase for name, phase in phases.items())

        return dict(self.wait(events.SyncStateChanged, there).accounts)

    def synced(self) -> None:
        """Wait until all accounts are synced."""
        self.states(**dict.fromkeys(self.members, SyncPhase.SYNCED))

    def outbound_counted(self, matches: Callable[[OutboundCounts], object]) -> None:
        """Ask how much is written and waits until it is as wanted; older counts may come before."""
        self.engine.request(CountOutbound())
        self.wait(OutboundCounted, lambda event: matches(event.counts))

    def left(self, queued: SendQueued) -> OutboxRow:
        """Wait until a mail has left; that may be told before it is told that it was queued."""

        def has_left(event: events.Event) -> bool:
            row = event.row if isinstance(event, OutboxMoved) else None
            return row is not None and row.state is OutboxState.SENT and row.entry_id in ids

        ids = queued.entry_ids
        moved = next(filter(has_left, self.told), None) or self.wait(OutboxMoved, has_left)
        assert isinstance(moved, OutboxMoved)
        return moved.row

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds of the mailbox; it may hold already."""
        while not holds():
            self.wait(events.MailboxChanged)

    def counted(self, total: int) -> None:
        """Wait until so many messages are there."""
        self.until(lambda: self.engine.snapshot and self.engine.snapshot.counts.total == total)

    def waiting(self, count: int) -> None:
        """Wait until so many changes wait for their services."""
        self.wait(events.SyncStateChanged, lambda event: event.state.waiting == count)

    # ── what it shows ────────────────────────────────────────────────────────────────────────────

    def ids(self, mailbox: Mailbox = Mailbox.ALL, **wanted: Any) -> list[str]:
        """The qualified ids of a selection, newest first."""
        snapshot = self.engine.snapshot
        assert snapshot is not None
        rows = snapshot.select(MailFilter(mailbox, **wanted))
        return [rows.message_id(place) for place in range(len(rows))]


def assmbl_member(sandbox: SandboxControl, folder: Path, name: str, **fields: Any) -> Member:
    """An account of kind assmbl with a fresh mailbox."""
    agent = sandbox.new_agent()
    account = Account(
        name, "assmbl", sandbox.base_url, mail_domain=DOMAIN, address=agent.address,
        **{"policy": AT_ONCE, **fields},
    )  # fmt: skip
    return Member(account, agent.token, folder / name, partial(sandbox.add_mail, agent))


def v0_members(v0: V0Control, folder: Path, *names: str) -> list[Member]:
    """Two accounts of kind agentmail.to: the two inboxes of one key."""
    org = v0.new_org()
    found = []
    for name, inbox in zip(names, (org.one, org.two), strict=True):
        account = Account(name, "agentmail.to", v0.base_url, address=inbox, policy=AT_ONCE)
        found.append(Member(account, org.key, folder / name, partial(_receive, v0, inbox)))
    return found


def _receive(v0: V0Control, inbox: str, raw: str, **fields: Any) -> str:
    return v0.receive(inbox, raw, **fields)["message_id"]
