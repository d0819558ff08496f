"""kill -9 in the middle of a sync with the real service: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from services.api.assmbl import AssmblClient
from services.cache.store import MailStore
from services.sync.mailbox import Mailbox

ROOT = Path(__file__).resolve().parents[3]
CHILD = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from dataclasses import replace
from pathlib import Path
from services.api.assmbl import AssmblClient
from services.cache.store import MailStore
from services.sync.mailbox import Mailbox
from services.sync.pace import Pace

async def main(folder, base_url, token):
    provider = AssmblClient(base_url, token)
    store = MailStore.open(Path(folder))
    def tell(event):
        print(type(event).__name__, flush=True)
        sys.stdin.readline()

    mailbox = Mailbox(store, provider, None, tell, pace=replace(Pace(), publish=0.0))
    await mailbox.change_labels(tuple(store.ids())[:1], add=("mine",))
    await mailbox.sync()
    print("done", flush=True)

asyncio.run(main(*sys.argv[2:]))
"""


def run_until(folder: Path, base_url: str, token: str, events: int) -> bool:
    """Run a sync in a process of its own and kill it after some events; True when it got done."""
    with subprocess.Popen(
        [sys.executable, "-P", "-c", CHILD, str(ROOT), str(folder), base_url, token],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        for seen, line in enumerate(child.stdout, 1):
            if line == "done\n":
                assert child.wait() == 0
                return True
            # Each event waits for this word: a slow reader would find the whole sync done.
            child.stdin.write("\n")
            if seen >= events:
                child.kill()
                return False
        raise AssertionError("it ended by itself, and in the middle")


def test_a_sync_killed_again_and_again_loses_and_repeats_nothing(sandbox, agent, tmp_path):
    sandbox.fill(agent, 1_200)
    folder = tmp_path / "account"
    kills = 0
    for events in (3, 6, 9, 7, 5):
        if run_until(folder, sandbox.base_url, agent.token, events):
            break
        kills += 1
    while not run_until(folder, sandbox.base_url, agent.token, 10_000):
        kills += 1
    assert kills >= 3
    asked = [r for r in sandbox.requests(agent) if r["operation"] == "list_inbox"]
    # A kill costs at most the page that was under way, never a walk from the start.
    assert len(asked) <= 12 + kills

    store = MailStore.open(folder)
    cached = {message_id: store.item(message_id) for message_id in store.ids()}
    assert len(list(store.ids())) == len(cached) == 1_200

    async def compare() -> int:
        provider = AssmblClient(sandbox.base_url, agent.token)
        mailbox = Mailbox(store, provider, None)
        assert (await mailbox.flush()).sent == 1
        outcome = await mailbox.sync(full=True)
        await provider.aclose()
        return outcome.new + outcome.removed

    assert asyncio.run(compare()) == 0
    store.close()
