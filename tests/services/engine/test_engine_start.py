"""The engine's start: the cached mailbox is told before anything of HTTP, and without a network."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from services import events, requests
from services.api.assmbl import AssmblClient
from services.models import SyncPhase
from tests.fakes.fake_provider import FakeProvider, items
from tests.services.engine.engine_stage import MAIL, item_of, no_wait

ROOT = Path(__file__).resolve().parents[3]


def child(code: str, *arguments: str) -> Any:
    """Run code in a fresh interpreter and return the JSON that it prints."""
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout)


HEAVY = ("httpx", "msgspec", "tinydb", "tenacity", "ssl", "multiprocessing", "email", "textual")


def test_importing_the_engine_imports_nothing_heavy():
    code = (
        f"import json, services.engine; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert child(code) == []


def test_the_cached_mailbox_is_told_before_anything_of_http_is_imported(run, tmp_path):
    provider = FakeProvider(items(30))
    first = run(lambda: provider)
    first.phase(SyncPhase.SYNCED)
    first.stop()
    code = f"""
import json, queue
from pathlib import Path
from services.engine import Engine
told = queue.SimpleQueue()
def hear(event):
    told.put((type(event).__name__, getattr(event, "counts", None) and event.counts.total,
              [m for m in {HEAVY} if m in sys.modules]))
def provider():
    told.put(("provider", None, []))
    raise SystemExit
engine = Engine(store_folder=Path(sys.argv[1]), provider=provider, renderer=None, on_event=hear)
engine.start()
print(json.dumps([told.get(timeout=50) for _ in range(4)]))
"""
    at_once, with_changes, state, provider_asked = child(code, str(tmp_path / "account"))
    assert at_once[:2] == with_changes[:2] == ["MailboxChanged", 30]
    # asyncio itself imports ssl.
    assert set(at_once[2]) <= {"tinydb", "ssl"}
    assert state[0] == "SyncStateChanged"
    assert provider_asked[0] == "provider"


def test_without_a_network_the_cached_mailbox_can_be_read_and_changed(run, sandbox, agent, client):
    first_id = sandbox.add_mail(agent, MAIL.format("one", "one"))
    other_id = sandbox.add_mail(agent, MAIL.format("two", "two"))
    one = run(client)
    one.phase(SyncPhase.SYNCED)
    one.answer(requests.OpenMessage(first_id), events.MessageOpened)
    one.stop()

    def nowhere() -> AssmblClient:
        return AssmblClient("http://127.0.0.1:9", "token", sleep=no_wait)

    two = run(nowhere)
    assert two.wait(events.MailboxChanged).counts.total == 2
    assert two.phase(SyncPhase.OFFLINE_START).state.synced_at > 0
    state = two.phase(SyncPhase.OFFLINE).state
    assert state.sentence
    assert state.next_try >= state.since > 0
    two.answer(requests.OpenMessage(first_id), events.MessageOpened)
    failed = two.answer(requests.OpenMessage(other_id), events.RequestFailed)
    assert failed.sentence
    assert failed.message_id == other_id
    two.engine.request(requests.Archive((first_id,)))
    two.waiting(1)
    # The connection comes back (another provider stands for another network).
    two.engine.set_provider(client)
    two.waiting(0)
    two.stop()
    assert asyncio.run(item_of(client(), first_id)).archived
