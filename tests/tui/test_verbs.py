"""The verbs as a script uses them: JSON, exit codes, and what the service holds afterwards."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.cache.store import MailStore
from tui.__main__ import main
from tui.profile import open_profile

ROOT = Path(__file__).resolve().parents[2]
LIST_KEYS = {
    "id", "sender", "subject", "date", "unread", "archived", "labels", "verified", "encrypted",
    "attachments",
}  # fmt: skip


@pytest.fixture
def account(sandbox, agent, monkeypatch):
    """The environment of a script: one mailbox of the sandbox with five messages."""
    monkeypatch.setenv("AGENTMAIL_API_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("AGENTMAIL_TOKEN", agent.token)
    monkeypatch.setenv("MAIL_DOMAIN", "agents.example.com")
    for number in range(5):
        raw = (
            f"From: Peer {number} <p{number}@x.example>\nSubject: note {number}\n\nbody {number}\n"
        )
        sandbox.add_mail(agent, raw, verified=number % 2 == 0, received_at=1_790_000_000 + number)
    return agent


@pytest.fixture
def run(capsys):
    """Run the program in this process; returns exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def listed(run: Any, *arguments: str) -> list[dict[str, Any]]:
    code, out, _ = run("list", "--json", *arguments)
    assert code == 0
    return json.loads(out)["items"]


def test_sync_then_list_prints_every_message_newest_first(run, account):
    code, out, _ = run("sync", "--json")
    assert (code, json.loads(out)["total"]) == (0, 5)
    code, out, _ = run("list", "--json")
    answer = json.loads(out)
    assert [item["subject"] for item in answer["items"]] == [f"note {n}" for n in (4, 3, 2, 1, 0)]
    assert set(answer) == {"items", "unread_count", "synced_at"}
    assert set(answer["items"][0]) == LIST_KEYS
    assert answer["items"][0]["verified"] is True
    assert answer["items"][1]["verified"] is False
    assert answer["unread_count"] == 5
    assert answer["synced_at"].endswith("Z")


def test_list_before_the_first_sync_is_empty_and_says_what_to_do(run, account):
    code, out, err = run("list")
    assert (code, out) == (0, "")
    assert "agentmail-tui sync" in err


@pytest.mark.parametrize(
    ("arguments", "seen"),
    [
        (("read",), {"unread": False}),
        (("archive",), {"archived": True}),
        (("label", "--add", "ops", "--add", "two words"), {"labels": ["ops", "two words"]}),
    ],
)
def test_a_change_reaches_the_service_and_the_cache(run, account, sandbox, arguments, seen):
    run("sync")
    target = listed(run)[2]["id"]
    verb, *options = arguments
    code, out, _ = run(verb, target, *options, "--json")
    assert (code, json.loads(out)) == (0, {"changed": [target], "failed": []})
    (cached,) = [item for item in listed(run) if item["id"] == target]
    assert {key: cached[key] for key in seen} == seen
    page = sandbox.call(account, "GET", "/inbox?include_archived=true")
    (told,) = [item for item in page["items"] if item["MessageID"] == target]
    keys = {"unread": "IsRead", "archived": "Archived", "labels": "Labels"}
    for key, value in seen.items():
        assert told[keys[key]] == (not value if key == "unread" else value)


def test_deleting_needs_a_yes_and_then_is_done_on_the_service(run, account, sandbox, monkeypatch):
    run("sync")
    target = listed(run)[0]["id"]
    monkeypatch.setattr("sys.stdin", io.StringIO())
    code, _, err = run("delete", target)
    assert (code, err.count("\n")) == (2, 1)
    code, _, _ = run("delete", target, "--yes")
    assert code == 0
    assert target not in {item["id"] for item in listed(run)}
    page = sandbox.call(account, "GET", "/inbox?include_archived=true")
    assert target not in {item["MessageID"] for item in page["items"]}


def test_show_prints_safe_text_and_leaves_the_message_unread(run, account, sandbox):
    hostile = "From: a@x.example\nSubject: t\n\n\x1b]0;owned\x07 [/50% off] \u202egnp\n"
    target = sandbox.add_mail(account, hostile)
    run("sync")
    code, out, _ = run("show", target)
    assert code == 0
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[/50% off]" in out
    code, out, _ = run("show", target, "--json")
    answer = json.loads(out)
    assert answer["id"] == target
    assert answer["from"]["address"] == "a@x.example"
    (told,) = [item for item in listed(run) if item["id"] == target]
    assert told["unread"] is True
    code, out, _ = run("show", target, "--raw")
    assert code == 0
    assert "\x1b" not in out
    assert "Subject: t" in out


def test_search_finds_in_the_cache_and_on_the_service(run, account):
    run("sync")
    _, out, _ = run("search", "note 3", "--json")
    assert [item["subject"] for item in json.loads(out)["items"]] == ["note 3"]
    _, out, _ = run("search", "body 2", "--server", "--json")
    assert [item["subject"] for item in json.loads(out)["items"]] == ["note 2"]


def test_verbs_work_while_the_app_holds_the_cache(run, account, sandbox):
    run("sync")
    target = listed(run)[0]["id"]
    store = MailStore.open(open_profile(None).folder)
    try:
        assert listed(run)[0]["id"] == target
        code, _, _ = run("read", target)
        assert code == 0
    finally:
        store.close()
    page = sandbox.call(account, "GET", "/inbox?include_archived=true&is_read=true")
    assert [item["MessageID"] for item in page["items"]] == [target]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nonsense"], 2),
        (["list", "--mailbox", "nowhere"], 2),
        (["list", "--limit", "many"], 2),
        (["label", "some-id"], 2),
        (["label", "some-id", "--add", " "], 2),
        (["label", "some-id", "--add", "x" * 65], 2),
        (["label", "some-id", "--add", "x", "--remove", "x"], 2),
        (["search", " "], 2),
        (["show"], 2),
        (["list", "--profile", "nobody"], 1),
        (["show", "no-such-message"], 4),
        (["show", ".."], 2),
        (["read", "no-such-message"], 4),
        (["read", "a\x1b]0;x\x07b"], 2),
        (["delete", "no-such-message", "--yes"], 4),
        (["demo", "--messages", "-1"], 2),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_code(run, account, arguments, code):
    got, out, err = run(*arguments)
    assert got == code
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err
    assert "\x1b" not in err


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("status", {"status": 401}, 5),
        ("status", {"status": 403}, 5),
        ("status", {"status": 500}, 6),
        ("status", {"status": 429, "retry_after": "3600"}, 6),
        ("invalid_json", {}, 6),
        ("truncated", {}, 6),
    ],
)
def test_trouble_with_the_service_is_one_sentence_and_an_exit_code(
    run, account, sandbox, kind, fields, code
):
    sandbox.fault(kind, account, operation="list_inbox", times=10, **fields)
    got, _, err = run("sync")
    assert got == code
    assert len(err.strip().splitlines()) == 1
    assert account.token not in err


def test_without_an_account_or_a_terminal_there_is_a_next_step(run, monkeypatch):
    monkeypatch.delenv("AGENTMAIL_API_BASE_URL", raising=False)
    code, _, err = run("list")
    assert code == 1
    assert "No account is set up." in err
    done = subprocess.run(
        [sys.executable, "-m", "tui"], cwd=ROOT, capture_output=True, text=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_early_is_no_error(account, run):
    run("sync")
    done = subprocess.run(
        f"'{sys.executable}' -m tui list --json | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}",
        shell=True, cwd=ROOT, capture_output=True, text=True, executable="/bin/bash", check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "0"
    assert "Traceback" not in done.stderr
