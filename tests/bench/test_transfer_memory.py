"""What 200 MB cost on their way: sealed and sent through the gate, fetched and opened by the other.

Run with `python -m pytest tests/bench/test_transfer_memory.py -s` to see the figures. The process
that is measured has done the same with a small file before, so that imports do not count.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.sandbox.process import SandboxProcess

ROOT = Path(__file__).parents[2]
SIZE = 200 * 1024 * 1024
LIMIT = 64 * 1024
"""KiB of extra memory."""

CHILD = """
import asyncio, hashlib, os, sys, time
from pathlib import Path
from services.api.assmbl import AssmblClient
from services.attachments.transfer import Fetcher, Wanted
from services.crypto.own import OwnKey
from services.keys.keychain import Keychain
from services.outbound.gate.gate import Gate
from services.outbound.gate.policy import Sender
from tests.fakes.sending import deliver, written

url, folder, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
agents = [tuple(one.split(" ")) for one in sys.argv[4:]]

def status(name):
    return int(Path("/proc/self/status").read_text().partition(name + ":")[2].split()[0])

def party(agent_id, address, token):
    client = AssmblClient(url, token, "agents.example.com")
    keys = Keychain(key_folder=folder / agent_id / "keys", account_folder=folder / agent_id,
                    address=address, mail_domain="agents.example.com")
    keys.connect(client)
    return client, keys, address

def make(path, size):
    with path.open("wb") as file:
        for _ in range(size // 65536):
            file.write(os.urandom(65536))

def digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

async def main():
    (client, keys, own), (other, others, address) = (party(*agent) for agent in agents)
    key = OwnKey.generate("b", address, None)
    others.own_keys.keep(key)
    await other.directory.register_directory_key(
        public_key=key.spki_pem(), openpgp_public_key=key.public_block())
    gate = Gate.of(client, keys, Sender("main", own, "agents.example.com"))
    async def supply():
        return others
    fetcher = Fetcher(other.attachments, folder / "arriving", supply)

    async def there_and_back(path):
        out = folder / ("out-" + path.name)
        out.mkdir()
        Path("/proc/self/clear_refs").write_text("5")
        before, start = status("VmRSS"), time.perf_counter()
        draft = written(address, "s", "t", sealed=True, files=(path,))
        await deliver(gate, draft, folder / "spool")
        sent, half = status("VmHWM") - before, time.perf_counter()
        Path("/proc/self/clear_refs").write_text("5")
        item = (await other.list_inbox()).items[-1]
        before = status("VmRSS")
        saved = await fetcher.save(Wanted(item.message_id, 0, out))
        back = status("VmHWM") - before
        assert digest(saved.path) == digest(path)
        return sent, back, half - start, time.perf_counter() - half

    make(folder / "small", 655360)
    await there_and_back(folder / "small")
    make(folder / "large", size)
    print(*await there_and_back(folder / "large"))
    await client.aclose(); await other.aclose()

asyncio.run(main())
"""


@pytest.mark.timeout(600)
def test_two_hundred_megabytes_go_there_and_back_within_64_of_memory(tmp_path: Path) -> None:
    import httpx

    sandbox = SandboxProcess.start()
    try:
        agents = []
        for _ in range(2):
            answer = httpx.post(f"{sandbox.base_url}/_sandbox/agents", json={}, trust_env=False)
            told = answer.json()
            agents.append(f"{told['agent_id']} {told['address']} {told['token']}")
        command = [sys.executable, "-c", CHILD, sandbox.base_url, str(tmp_path), str(SIZE), *agents]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
    finally:
        sandbox.stop()
    sent, back, there, home = map(float, done.stdout.split())
    print(f"\n200 MB sealed and sent: {sent / 1024:.1f} MB of memory, {there:.1f} s")
    print(f"fetched and opened: {back / 1024:.1f} MB of memory, {home:.1f} s")
    assert max(sent, back) <= LIMIT
