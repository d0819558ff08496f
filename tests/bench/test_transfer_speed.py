"""100 MB up and down against curl, on the same sandbox in the same run, and what they cost in memory.

Run with `python -m pytest tests/bench/test_transfer_speed.py -s` to see the figures. Ours and curl's
turns alternate, now one first, now the other; each has its link or form in hand when its time
begins, and the fastest turns are compared: the others tell who else used the machine. What saving
takes in all is printed beside: then the file has been asked for and lies under its name, synced, as
curl's does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from services.sandbox.process import SandboxProcess

ROOT = Path(__file__).parents[2]
SIZE = 100 * 1024 * 1024
ROUNDS = 6
LIMIT = 32 * 1024
"""KiB of extra memory."""

CHILD = """
import asyncio, json, os, subprocess, sys, time
from pathlib import Path
from services.api.assmbl import AssmblClient
from services.api.assmbl_send import MailSender
from services.api.file_sink import FileSink
from services.api.wire import AttachmentRef
from services.attachments.transfer import Fetcher, Wanted

url, folder, size, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
address, token = sys.argv[5:]
KIND = "application/octet-stream"

def status(name):
    return int(Path("/proc/self/status").read_text().partition(name + ":")[2].split()[0])

def curl(*arguments):
    started = time.perf_counter()
    subprocess.run(["curl", "-sSf", "-o", *arguments], check=True)
    return time.perf_counter() - started

def check(arrived, path):
    assert subprocess.run(["cmp", "-s", arrived, path]).returncode == 0
    arrived.unlink()

async def measured(work):
    Path("/proc/self/clear_refs").write_text("5")
    before, started = status("VmRSS"), time.perf_counter()
    result = await work
    return result, time.perf_counter() - started, status("VmHWM") - before

async def main():
    client = AssmblClient(url, token, "agents.example.com")
    fetcher = Fetcher(client.attachments, folder / "arriving")
    told = {"up": [], "curl_up": [], "down": [], "curl_down": [], "saved": [], "memory": []}

    async def theirs_up(path):
        form = await client.attachments.request_attachment_upload(path.name, KIND, size)
        fields = [part for k, v in form.fields.items() for part in ("--form-string", f"{k}={v}")]
        told["curl_up"].append(await asyncio.to_thread(
            curl, os.devnull, *fields, "-F", f"file=@{path};type={KIND}", form.url))

    async def ours_up(path):
        form = await client.attachments.request_attachment_upload(path.name, KIND, size)
        with path.open("rb") as file:
            _, seconds, memory = await measured(
                client.attachments.storage.upload(form, file, content_type=KIND))
        told["up"].append(seconds)
        told["memory"].append(memory)
        ref = AttachmentRef(object_key=form.object_key, name=path.name, content_type=KIND, size=path.stat().st_size)
        await MailSender(client.exchange).send_mail(address, "s", "t", attachments=[ref])

    async def theirs_down(message_id, path):
        link = await client.attachments.request_inbound_attachment_download(message_id, 0)
        told["curl_down"].append(await asyncio.to_thread(curl, folder / "curled", link.url))
        check(folder / "curled", path)

    async def ours_down(message_id, path):
        link = await client.attachments.request_inbound_attachment_download(message_id, 0)
        with (folder / "ours").open("w+b") as file:
            _, seconds, memory = await measured(
                client.attachments.storage.download(link, FileSink(file.fileno())))
        told["down"].append(seconds)
        told["memory"].append(memory)
        check(folder / "ours", path)

    async def both(path, number):
        for work in (theirs_up, ours_up)[:: 1 if number % 2 else -1]:
            await work(path)
        message_id = (await client.list_inbox()).items[-1].message_id
        for work in (theirs_down, ours_down)[:: 1 if number % 2 else -1]:
            await work(message_id, path)
        saved, seconds, memory = await measured(fetcher.save(Wanted(message_id, 0, folder)))
        told["saved"].append(seconds)
        told["memory"].append(memory)
        check(saved.path, path)

    small, large = folder / "small", folder / "large"
    small.write_bytes(os.urandom(655_360))
    with large.open("wb") as file:
        for _ in range(size // 65_536):
            file.write(os.urandom(65_536))
    await both(small, 0)
    for one in told.values():
        one.clear()
    for number in range(rounds):
        await both(large, number)
    print(json.dumps(told))
    await client.aclose()

asyncio.run(main())
"""


@pytest.mark.timeout(300)
def test_a_hundred_megabytes_move_at_half_of_curls_speed_or_more_in_constant_memory(
    tmp_path: Path,
) -> None:
    import httpx

    sandbox = SandboxProcess.start()
    try:
        made = httpx.post(f"{sandbox.base_url}/_sandbox/agents", json={}, trust_env=False).json()
        command = [sys.executable, "-c", CHILD, sandbox.base_url, str(tmp_path), str(SIZE)]
        command += [str(ROUNDS), made["address"], made["token"]]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stderr
    finally:
        sandbox.stop()
    told = json.loads(done.stdout)
    print(f"\n100 MB saved, synced, under its name: {min(told['saved']):.2f} s")
    for way in ("up", "down"):
        ours, curls = min(told[way]), min(told[f"curl_{way}"])
        print(f"100 MB {way}: {ours:.2f} s, curl {curls:.2f} s: {curls / ours:.2f} of its speed")
        assert ours <= 2 * curls
    print(f"memory: {max(told['memory']) / 1024:.1f} MB")
    assert max(told["memory"]) <= LIMIT
