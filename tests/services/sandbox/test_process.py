"""The sandbox as a program: its one line, its ends, its data, and what a kill leaves."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from services.errors import ServiceError
from services.sandbox.process import SandboxProcess
from tests.patience import PATIENCE
from tui.cli import run

ROOT = Path(__file__).resolve().parents[3]


class Verb:
    """`agentmail-tui sandbox …` as a user starts it."""

    def __init__(self, *arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tui", "sandbox", *arguments],
            cwd=ROOT, stdin=subprocess.DEVNULL, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def line(self):
        return json.loads(self.child.stdout.readline())

    def end(self, number):
        self.child.send_signal(number)
        out, errors = self.child.communicate(timeout=PATIENCE)
        return self.child.returncode, out, errors


def until_filling(verb, begun):
    """Wait until the process has begun to write its mail."""
    while not begun():
        with pytest.raises(subprocess.TimeoutExpired):
            verb.child.wait(0.01)


def call(base_url, token, method="GET", path="/inbox", **more):
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.request(
        method, base_url + path, headers=headers, trust_env=False, verify=False, **more
    )


@pytest.fixture
def start():
    """Starts the verb; what still runs at the end is killed."""
    started = []

    def run(*arguments):
        started.append(Verb(*arguments))
        return started[-1]

    yield run
    for verb in started:
        verb.child.kill()
        verb.child.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_one_line_serves_and_ends_cleanly(tmp_path, monkeypatch, start, number):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    verb = start("--messages", "3")
    told = verb.line()
    assert set(told) == {"base_url", "s3_url", "smtp", "agentmail_to", "ses", "accounts"}
    assert [account["agent_id"] for account in told["accounts"]] == [
        "ops-bot", "research", "billing", "csv-worker"
    ]  # fmt: skip
    first = told["accounts"][0]
    assert first["address"] == "ops-bot@agents.example.com"
    page = call(told["base_url"], first["token"], params={"include_archived": "true"}).json()
    assert len(page["items"]) == 3
    host, port = told["smtp"].split(":")
    assert (host, int(port) > 0) == ("127.0.0.1", True)
    folders = list(tmp_path.glob("agentmail-sandbox-*"))
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700]
    assert verb.end(number) == (0, "", "")
    assert list(tmp_path.glob("agentmail-sandbox-*")) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_sample_mail_is_made_leaves_nothing_behind(
    tmp_path, monkeypatch, start, number
):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    verb = start("--messages", "200000")
    until_filling(verb, lambda: list(tmp_path.glob("agentmail-sandbox-*/sandbox.db-wal")))
    assert verb.end(number) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_was_interrupted_fills_the_mailbox_next_time(tmp_path, start):
    data = tmp_path / "box"
    verb = start("--messages", "200000", "--data", str(data))
    until_filling(verb, (data / "sandbox.db-wal").exists)
    assert verb.end(signal.SIGTERM)[0] == 0
    box = SandboxProcess.start(messages=3, data=data)
    try:
        query = {"include_archived": "true"}
        page = call(box.base_url, box.accounts[0].token, params=query).json()
        assert len(page["items"]) == 3
    finally:
        box.stop()


def test_it_ends_with_open_connections_and_half_requests(start):
    verb = start()
    told = verb.line()
    with httpx.Client(base_url=told["base_url"], trust_env=False, verify=False) as client:
        assert client.get("/_sandbox/health").status_code == 200
        host, port = told["base_url"].removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as half:
            half.sendall(b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            assert verb.end(signal.SIGTERM)[0] == 0


def test_data_tokens_and_cursors_outlive_the_process(tmp_path):
    data = tmp_path / "box"
    first = SandboxProcess.start(messages=5, data=data)
    agent = first.accounts[0]
    page = call(first.base_url, agent.token, params={"limit": 2, "include_archived": "true"}).json()
    assert first.stop() == 0
    assert first.stop() == 0
    again = SandboxProcess.start(messages=5, data=data)
    try:
        assert again.accounts == first.accounts
        query = {"cursor": page["next_cursor"], "include_archived": "true"}
        rest = call(again.base_url, agent.token, params=query).json()
        assert len(rest["items"]) == 3
    finally:
        again.stop()
    assert stat.S_IMODE((data / "sandbox.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700


def test_it_ends_when_its_parent_is_killed():
    code = (
        "import sys; from services.sandbox.process import SandboxProcess\n"
        "box = SandboxProcess.start(); print(box.base_url, box._child.pid, flush=True)\n"
        "sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    _, pid = parent.stdout.readline().split()
    watched = os.pidfd_open(int(pid))
    parent.kill()
    parent.communicate()
    assert select.select([watched], [], [], PATIENCE)[0], "the sandbox outlived its parent"
    os.close(watched)


def test_a_taken_port_is_one_sentence_and_exit_code_2(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--port", "--smtp-port"):
            verb = start(option, str(port))
            out, errors = verb.child.communicate(timeout=PATIENCE)
            assert (verb.child.returncode, out) == (2, "")
            assert errors == f"agentmail-tui: Port {port} cannot be used. Choose another one.\n"


@pytest.mark.parametrize("arguments", [["--port", "x"], ["--messages", "-1"], ["--port", "70000"]])
def test_bad_options_are_one_sentence_and_exit_code_2(capsys, arguments):
    assert run(["sandbox", *arguments]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    assert len(errors.strip().splitlines()) == 1


def test_a_folder_that_cannot_be_used_says_so(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ServiceError, match="cannot be used"):
        SandboxProcess.start(data=tmp_path / "file" / "box")


def test_the_openapi_document_is_printed_on_demand(capsys):
    assert run(["sandbox", "--openapi"]) == 0
    assert json.loads(capsys.readouterr().out)["openapi"] == "3.1.0"


def test_the_child_takes_nothing_from_the_current_folder(tmp_path, monkeypatch):
    for name in ("services", "json", "starlette"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hijacked')")
    monkeypatch.chdir(tmp_path)
    box = SandboxProcess.start()
    assert box.stop() == 0


def test_a_kill_loses_no_acknowledged_mail_and_a_retry_doubles_none(tmp_path):
    data = tmp_path / "box"
    acknowledged = []
    for burst in range(2):
        box = SandboxProcess.start(data=data)
        agent = box.accounts[0]
        with httpx.Client(
            base_url=box.base_url, headers={"Authorization": f"Bearer {agent.token}"},
            trust_env=False, verify=False,
        ) as client:  # fmt: skip
            for n in range(15):
                body = {"to": agent.address, "subject": f"{burst}-{n}", "body": "b"}
                answer = client.post("/send", json={**body, "idempotency_key": f"{burst}-{n}"})
                assert answer.status_code == 200
                acknowledged.append(f"{burst}-{n}")
            os.kill(box._child.pid, signal.SIGKILL)
        box.stop()
    box = SandboxProcess.start(data=data)
    try:
        agent = box.accounts[0]
        for key in acknowledged[-3:]:
            body = {"to": agent.address, "subject": key, "body": "b", "idempotency_key": key}
            assert call(box.base_url, agent.token, "POST", "/send", json=body).status_code == 200
        page = call(box.base_url, agent.token, params={"limit": 100}).json()
        assert [item["Subject"] for item in page["items"]] == acknowledged
    finally:
        box.stop()
