"""Runs and kills programs that send (`outbox_child`), and compares the outbox with the deliveries."""

from __future__ import annotations

import json
import random
import select
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.outbound.office import Office
from services.outbound.outbox.outbox_documents import OutboxEntry
from services.outbound_models import OutboxState
from tests.conftest import SandboxControl
from tests.services.outbound.conftest import Party
from tests.services.outbound.office_stage import mail, queue

ROOT = Path(__file__).resolve().parents[3]
CHILD = Path(__file__).with_name("outbox_child.py")
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "status_after", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "retry_after": "1"},
    {"kind": "latency", "seconds": 30.0},
    {"kind": "truncated"},
    {"kind": "html"},
)


@dataclass
class Children:
    """Programs that send from one party's outbox."""

    sandbox: SandboxControl
    party: Party
    repeats: str
    deadline: float = 0.4
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    more: dict[str, Any] = field(default_factory=dict)
    """What the child is told besides, or otherwise."""
    kills: int = 0
    began: float = field(default_factory=time.time)

    def start(self) -> subprocess.Popen[str]:
        told = {
            "root": str(ROOT),
            "folder": str(self.party.folder / "account"),
            "keys": str(self.party.folder / "keys"),
            "base_url": self.sandbox.base_url,
            "token": self.party.agent.token,
            "address": self.party.address,
            "repeats": self.repeats,
            "deadline": self.deadline,
            "began": self.began,
            **self.more,
        }
        return subprocess.Popen(
            [sys.executable, "-P", str(CHILD), json.dumps(told)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self) -> None:
        """Let one do all that happens by itself."""
        child = self.start()
        out, _ = child.communicate(timeout=100)
        assert child.returncode == 0, out
        assert out.endswith("done\n"), out

    def run_and_kill(self, longest: float) -> bool:
        """Kill one at a random moment after it began; True when it got done before."""
        child = self.start()
        assert child.stdout is not None
        assert child.stdout.readline() == "began\n"
        until = time.monotonic() + self.chance.uniform(0.0, longest)
        ready, _, _ = select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))
        is_done = bool(ready) and child.stdout.readline() == "done\n"
        child.kill()
        child.wait()
        child.stdout.close()
        self.kills += not is_done
        return is_done


async def fill(office: Office, to: str, count: int, **more: Any) -> None:
    """Queue mails that can be told from each other."""
    for number in range(count):
        await queue(office, mail(to, subject=f"mail {number:04}", **more))


def deliveries(sandbox: SandboxControl, party: Party) -> Counter[str]:
    """How often each subject was delivered."""
    return Counter(one["request"]["subject"] for one in sandbox.sent(party.agent))


def entries(office: Office) -> tuple[OutboxEntry, ...]:
    office.store.refresh()
    return (*office.outbox.settled(), *office.outbox.open())


def check_true(office: Office, delivered: Counter[str]) -> None:
    """Every state must be true: SENT was delivered, PENDING was not, nothing came twice."""
    assert max(delivered.values(), default=0) <= 1, delivered.most_common(3)
    for entry in entries(office):
        times = delivered[entry.subject]
        assert entry.state is not OutboxState.SENT or times == 1, entry
        assert entry.state is not OutboxState.PENDING or times == 0, entry
        assert entry.state is not OutboxState.REFUSED, entry
