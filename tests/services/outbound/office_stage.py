"""An office over a party's connection and keys, and the mail that tests send from it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from services.config import Account
from services.draft import Draft, DraftFile, Encryption
from services.errors import Offline
from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState
from services.policy_config import Policy, Repeats
from services.service_config import SesPlace

DOMAIN = "agents.example.com"
AT_ONCE = Policy(undo_seconds=0)
SENT, PENDING, UNCERTAIN = OutboxState.SENT, OutboxState.PENDING, OutboxState.UNCERTAIN
REFUSED, CANCELLED, EXPIRED = OutboxState.REFUSED, OutboxState.CANCELLED, OutboxState.EXPIRED


@dataclass
class FakeLender:
    """Lends a client and a keychain that the test has; no client is no connection."""

    client: Any
    chain: Any
    mail: Any = None
    board: Any = None

    async def provider(self) -> Any:
        if self.client is None:
            raise Offline("There is no connection.")
        return self.client

    async def keychain(self) -> Any:
        return self.chain


@dataclass
class Clock:
    """A clock that stands until it is moved."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Stage:
    """One party's office and what a test does with it."""

    party: Any
    policy: Policy = AT_ONCE
    repeats: Repeats = Repeats.UNKNOWN
    clock: Clock = field(default_factory=Clock)
    folder: Path | None = None
    ses: SesPlace | None = None
    offices: list[Office] = field(default_factory=list)

    async def open(self) -> Office:
        """Open the office, as another process would."""
        lender = FakeLender(self.party.client, self.party.keychain)
        office = await Office.open(
            self.account, self.folder or self.party.folder / "account", lender, self.clock
        )
        self.offices.append(office)
        return office

    @property
    def account(self) -> Account:
        return Account(
            "work",
            "assmbl",
            "http://127.0.0.1",
            mail_domain=DOMAIN,
            address=self.party.address,
            policy=self.policy,
            repeats=self.repeats,
            ses=self.ses,
        )

    async def close(self) -> None:
        for office in self.offices:
            await office.close()


def mail(*to: str, sealed: bool = False, files: tuple[Path, ...] = (), **fields: Any) -> Draft:
    """A draft to internal addresses."""
    return replace(
        Draft.begin(),
        to=to,
        subject=fields.pop("subject", "Numbers"),
        body=fields.pop("body", "the canary sings"),
        encryption=Encryption.REQUIRED if sealed else Encryption.NONE,
        files=tuple(DraftFile(path, path.name, size=path.stat().st_size) for path in files),
        **fields,
    )


async def queue(office: Office, draft: Draft, *, undo: bool = True) -> tuple[OutboxEntry, ...]:
    """Save a draft and decide on it as a person."""
    kept = office.drafts.save(draft)
    _, plan = await office.plan(kept.draft_id)
    return await office.enqueue(plan, by_person=True, undo=undo)


async def until_settled(office: Office, clock: Clock, entry_ids: list[str]) -> list[OutboxState]:
    """Send, moving the clock to each next try, until nothing more happens by itself."""
    for _ in range(20):
        entries = await office.sending.push(entry_ids, 30)
        waits = [entry.due_at for entry in entries if not entry.is_settled and entry.next_try]
        if not waits:
            break
        clock.now = max(clock.now, min(waits))
        office.sending.nudge()
    return states(entries)


async def send(office: Office, draft: Draft, seconds: float = 30.0) -> tuple[OutboxEntry, ...]:
    """Queue a draft and send it as far as that goes now."""
    entries = await queue(office, draft)
    return await office.sending.push([entry.entry_id for entry in entries], seconds)


def states(entries: tuple[OutboxEntry, ...]) -> list[OutboxState]:
    return [entry.state for entry in entries]


def log_of(stage: Stage) -> bytes:
    """Everything that is kept of a stage's mail."""
    return bytes((stage.party.folder / "account" / "outbound" / "outbound.log").read_bytes())
