"""An engine with its outbound side: what is asked of it and what it tells; other accounts beside it."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from services import events
from services import outbound_events as ev
from services.api.assmbl import AssmblClient
from services.config import Account
from services.draft import Draft
from services.engine import Engine
from services.keys.keychain import Keychain
from services.models import SyncPhase
from services.outbound.desk import OutboundDesk
from services.outbound.office import Office
from services.outbound.offices import OfficeDoor, Offices
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from services.reading.render_process import RenderWorker
from services.requests import Request
from services.sandbox.records import Agent
from tests.conftest import SandboxControl
from tests.patience import PATIENCE

DOMAIN = "agents.example.com"
AT_ONCE = Policy(undo_seconds=0)
E = TypeVar("E")


@dataclass
class Mailer:
    """One account's engine with its outbound side, and what it tells."""

    sandbox: SandboxControl
    agent: Agent
    folder: Path
    policy: Policy = AT_ONCE
    repeats: Repeats = Repeats.UNKNOWN
    others: tuple[tuple[str, Agent], ...] = ()
    clock: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        self._told: queue.SimpleQueue[events.Event] = queue.SimpleQueue()
        self.engine = Engine(
            store_folder=self.folder,
            provider=lambda: self.client(self.agent),
            renderer=RenderWorker,
            on_event=self._told.put,
            keychain=lambda: self.keychain(self.folder, self.agent),
            office=self.outgoing,
        )
        self.engine.start()

    def client(self, agent: Agent) -> AssmblClient:
        return AssmblClient(self.sandbox.base_url, agent.token, DOMAIN)

    def keychain(self, folder: Path, agent: Agent) -> Keychain:
        return Keychain(
            key_folder=folder / "keys", account_folder=folder, address=agent.address,
            mail_domain=DOMAIN,
        )  # fmt: skip

    def outgoing(self, lender: Any, emit: Any) -> OutboundDesk:
        own = self.door("work", self.agent, self.folder, lender)
        more = [
            self.door(name, agent, self.folder.parent / name, OtherLender(self, agent, name))
            for name, agent in self.others
        ]
        return OutboundDesk(Offices([own, *more]), emit)

    def door(self, name: str, agent: Agent, folder: Path, lender: Any) -> OfficeDoor:
        account = Account(
            name, "assmbl", self.sandbox.base_url, mail_domain=DOMAIN, address=agent.address,
            policy=self.policy, repeats=self.repeats,
        )  # fmt: skip
        return OfficeDoor(name, folder, lambda: Office.open(account, folder, lender, self.clock))

    def wait(self, kind: type[E], matches: Callable[[E], object] = lambda _: True) -> E:
        """The next event of a kind that matches; fails when nothing comes."""
        while True:
            event = self._told.get(timeout=PATIENCE)
            if isinstance(event, events.RequestFailed):
                raise AssertionError(f"{event.sentence} {event.next_step}")
            if isinstance(event, kind) and matches(event):
                return event

    def answer(self, request: Request, kind: type[E]) -> E:
        """Ask for something and return the answer to it."""
        request_id = self.engine.request(request)
        return self.wait(kind, lambda event: getattr(event, "request_id", 0) == request_id)

    def ended(self, seconds: float = PATIENCE) -> None:
        """Have the engine stop within so many seconds, and wait until it has."""
        self.engine.leave(seconds)
        self.engine._thread.join(PATIENCE)
        assert not self.engine._thread.is_alive()

    def connected(self) -> None:
        self.wait(events.SyncStateChanged, lambda told: told.state.phase is SyncPhase.SYNCED)

    def written(self, to: str, subject: str = "Numbers") -> ev.ReviewReady:
        """A draft that is kept and reviewed."""
        draft = replace(Draft.begin(), to=(to,), subject=subject, body="text")
        kept = self.answer(ev.SaveDraft(draft), ev.DraftSaved)
        return self.answer(ev.ReviewDraft(kept.draft_id), ev.ReviewReady)

    def sent(self, to: str, subject: str = "Numbers") -> ev.SendQueued:
        ready = self.written(to, subject)
        decided = ev.SendDraft(ready.review.draft_id, ready.review.digest)
        return self.answer(decided, ev.SendQueued)

    def reaches(self, state: OutboxState) -> None:
        self.wait(ev.OutboxMoved, lambda event: event.row.state is state)


@dataclass
class OtherLender:
    """What an account brings whose mailbox is not open."""

    mailer: Mailer
    agent: Agent
    name: str
    mail: Any = None
    board: Any = None

    async def provider(self) -> Any:
        return self.mailer.client(self.agent)

    async def keychain(self) -> Any:
        return self.mailer.keychain(self.mailer.folder.parent / self.name, self.agent)
