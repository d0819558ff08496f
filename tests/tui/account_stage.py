"""The app over several accounts: rows of all of them in one fake engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from services.config import Account
from services.events import SyncStateChanged
from services.models import MessageRow, SyncPhase, SyncState
from services.safe_text import clean_line
from tests.fakes.fake_engine import SYNCED
from tests.fakes.rows import make_row, sample_rows
from tests.tui.app_stage import Stage
from tui.account_marks import marks_of

OPS, RESEARCH, BILLING = "ops-bot", "research", "billing"
ACCOUNTS = tuple(
    Account(name, kind, "https://a.example", address=f"{name}@{host}")
    for name, kind, host in (
        (OPS, "assmbl", "agents.example.com"),
        (RESEARCH, "assmbl", "agents.example.com"),
        (BILLING, "agentmail.to", "agentmail.to"),
    )
)
MARKS = marks_of(ACCOUNTS)


def of_account(row: MessageRow, account: str) -> MessageRow:
    return replace(row, message_id=f"{account}\x1f{row.message_id}", account=account)


def shared_rows() -> tuple[MessageRow, ...]:
    """The sample rows, dealt to the three accounts in turn."""
    names = (OPS, RESEARCH, BILLING)
    rows = sample_rows().rows
    return tuple(of_account(row, names[place % 3]) for place, row in enumerate(rows))


def account_stage(rows: tuple[MessageRow, ...] | None = None, **options: Any) -> Stage:
    return Stage(shared_rows() if rows is None else rows, accounts=MARKS, **options)


def tell_states(stage: Stage, **phases: SyncPhase) -> None:
    """Let the engine tell how each account stands; those that are not named are in step."""
    own = {mark.name: SYNCED for mark in MARKS}
    for name, phase in phases.items():
        own[name.replace("_", "-")] = SyncState(phase)
    together = SyncState(SyncPhase.PARTLY, sentence=clean_line("?")) if phases else SYNCED
    stage.engine.emit(SyncStateChanged(together, tuple(own.items())))


def hostile_row(number: int, text: str) -> MessageRow:
    return make_row(number, subject=clean_line(text), sender=clean_line(text))
